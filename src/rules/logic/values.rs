//! Whether any value makes checks of one subject come out as they must.
//!
//! What is said to have none has none; what is not said may have none all the same.

use crate::rules::{
    definition::{Matcher, is_id},
    field::GlobField,
    pattern::{Bounds, Glob, Pattern},
    said::SaidPhrase,
};

/// How much there is to compare in [`no_value`].
pub(super) fn price(checks: &[(&Matcher, bool)]) -> usize {
    let values = |check: &Matcher| match check {
        Matcher::Glob(_, globs) => globs.len(),
        Matcher::Text(_, patterns) => patterns.len(),
        Matcher::Says(_, said) => said.phrases().len(),
        Matcher::Listed(listed) => listed.lists.len(),
        Matcher::Number(_, bounds) => bounds.len(),
        Matcher::Age(bounds) => bounds.len(),
        Matcher::Flag(..) | Matcher::AnyAutoReply | Matcher::Is(..) | Matcher::Script(_) => 1,
    };
    let sum = |sign: Option<bool>| -> usize {
        checks.iter().filter(|(_, holds)| sign.is_none_or(|sign| *holds == sign)).map(|(check, _)| values(check)).sum()
    };
    let (wanted, all) = (sum(Some(true)), sum(None));
    match checks.first() {
        Some((Matcher::Text(..) | Matcher::Says(..) | Matcher::Listed(_), _)) => {
            all + wanted.saturating_mul(sum(Some(false)))
        }
        Some((Matcher::Glob(..), _)) if checks.len() > 1 => all + wanted.saturating_mul(all),
        Some((Matcher::Number(..) | Matcher::Age(_), _)) => all.saturating_mul(all).saturating_mul(6),
        _ => all,
    }
}

/// Whether no value makes all of these checks of one subject come out as they must.
pub(super) fn no_value(checks: &[(&Matcher, bool)]) -> bool {
    let Some((first, _)) = checks.first() else { return false };
    match first {
        Matcher::Glob(field, _) => no_short_value(*field, checks),
        Matcher::Text(..) => no_text(checks),
        Matcher::Says(..) => no_saying(checks),
        Matcher::Listed(_) => no_row(checks),
        Matcher::Number(field, _) => {
            let bounds = checks.iter().filter_map(|(check, holds)| match check {
                Matcher::Number(_, bounds) => Some((bounds.clone(), *holds)),
                _ => None,
            });
            no_number(&bounds.collect::<Vec<_>>(), field.is_count(), !field.may_be_absent())
        }
        Matcher::Age(_) => {
            let seconds = |bound: Option<std::time::Duration>| bound.map(|bound| bound.as_secs_f64());
            let in_seconds = |bounds: &Bounds<std::time::Duration>| Bounds {
                eq: seconds(bounds.eq),
                gt: seconds(bounds.gt),
                gte: seconds(bounds.gte),
                lt: seconds(bounds.lt),
                lte: seconds(bounds.lte),
            };
            let bounds = checks.iter().filter_map(|(check, holds)| match check {
                Matcher::Age(bounds) => Some((bounds.iter().map(in_seconds).collect(), *holds)),
                _ => None,
            });
            no_number(&bounds.collect::<Vec<_>>(), false, false)
        }
        Matcher::Flag(field, _) => {
            let mut values = vec![Some(true), Some(false)];
            values.extend(field.may_be_absent().then_some(None));
            let fits = |value: &Option<bool>| {
                checks.iter().all(|(check, holds)| match check {
                    Matcher::Flag(_, wanted) => (*value == Some(*wanted)) == *holds,
                    _ => true,
                })
            };
            !values.iter().any(fits)
        }
        Matcher::AnyAutoReply => checks.iter().any(|(_, holds)| !holds),
        Matcher::Script(_) => {
            let sources = |wanted: bool| {
                checks.iter().filter(move |(_, holds)| *holds == wanted).filter_map(|(check, _)| match check {
                    Matcher::Script(script) => Some(script.source()),
                    _ => None,
                })
            };
            sources(true).any(|wanted| sources(false).any(|refused| wanted == refused))
        }
        Matcher::Is(..) => false,
    }
}

fn globs<'c>(check: &(&'c Matcher, bool)) -> &'c [Glob] {
    match check.0 {
        Matcher::Glob(_, globs) => globs,
        _ => &[],
    }
}

fn no_short_value(field: GlobField, checks: &[(&Matcher, bool)]) -> bool {
    let wanted = || checks.iter().filter(|(_, holds)| *holds).map(globs);
    let refused = || checks.iter().filter(|(_, holds)| !*holds).map(globs);
    // Whatever fits one of the wanted values fits a refused one.
    let is_refused = |glob: &Glob| refused().flatten().any(|other| covers(other, glob));
    if wanted().any(|all| all.iter().all(is_refused)) {
        return true;
    }
    let everything = |glob: &Glob| matches!(glob, Glob::Like(text) if text.as_str().trim_matches('*').is_empty());
    if refused().flatten().any(everything) && refused().flatten().any(|glob| *glob == Glob::Absent) {
        return true;
    }
    let by_id = checks.iter().flat_map(globs).any(is_id);
    let one_value = match field {
        GlobField::Inbox | GlobField::Tags | GlobField::Attachment => false,
        // A campaign has a name and an id, and either may fit.
        GlobField::Campaign => !by_id,
        _ => true,
    };
    if !one_value {
        let absent_only = |all: &[Glob]| all.iter().all(|glob| *glob == Glob::Absent);
        let never_absent = |all: &[Glob]| !all.contains(&Glob::Absent);
        return wanted().any(absent_only) && wanted().any(never_absent);
    }
    // One of the wanted lists names all the values there can be: each is tried.
    if let Some(finite) = wanted().find(|all| !all.iter().any(is_wild)) {
        let fits = |value: Option<&str>| {
            checks.iter().all(|check| globs(check).iter().any(|glob| glob.matches(value)) == check.1)
        };
        let value = |glob: &Glob| match glob {
            Glob::Absent => fits(None),
            Glob::Like(text) => fits(Some(text.as_str())),
        };
        return !finite.iter().any(value);
    }
    // Two wanted lists of which no value fits both.
    let apart = |left: &[Glob], right: &[Glob]| left.iter().all(|left| right.iter().all(|right| differ(left, right)));
    wanted().enumerate().any(|(index, left)| wanted().skip(index + 1).any(|right| apart(left, right)))
}

fn is_wild(glob: &Glob) -> bool {
    matches!(glob, Glob::Like(text) if text.as_str().contains(['*', '?']))
}

/// Whether every value that fits `inner` fits `outer`.
fn covers(outer: &Glob, inner: &Glob) -> bool {
    match (outer, inner) {
        (Glob::Absent, Glob::Absent) => true,
        // A `?` of the outer one would take the `*` of the inner one for a character.
        (Glob::Like(outer), Glob::Like(text)) => {
            outer == text || (outer.matches(text.as_str()) && !(outer.as_str().contains('?') && is_wild(inner)))
        }
        _ => false,
    }
}

/// Whether surely no value fits both: their beginnings, or their ends, differ.
fn differ(left: &Glob, right: &Glob) -> bool {
    let (Glob::Like(left), Glob::Like(right)) = (left, right) else { return left != right };
    let fold = |text: &str| text.trim().to_lowercase().replace([' ', '-'], "_");
    let (left, right) = (fold(left.as_str()), fold(right.as_str()));
    let wild = ['*', '?'];
    let heads = [&left, &right].map(|text| text.split(wild).next().unwrap_or_default());
    let tails = [&left, &right].map(|text| text.rsplit(wild).next().unwrap_or_default());
    let [first, second] = heads;
    let [last, other] = tails;
    !(first.starts_with(second) || second.starts_with(first)) || !(last.ends_with(other) || other.ends_with(last))
}

fn no_text(checks: &[(&Matcher, bool)]) -> bool {
    let patterns = |wanted: bool| {
        checks.iter().filter(move |(_, holds)| *holds == wanted).map(|(check, _)| match check {
            Matcher::Text(_, patterns) => patterns.as_slice(),
            _ => &[],
        })
    };
    let is_refused = |pattern: &Pattern| patterns(false).flatten().any(|other| found_wherever(other, pattern));
    patterns(true).any(|all| all.iter().all(is_refused))
}

/// Whether each phrase that one of the checks wants brings another with it that must not be there.
fn no_saying(checks: &[(&Matcher, bool)]) -> bool {
    let phrases = |wanted: bool| {
        checks.iter().filter(move |(_, holds)| *holds == wanted).map(|(check, _)| match check {
            Matcher::Says(_, said) => said.phrases(),
            _ => &[],
        })
    };
    let is_refused = |said: &SaidPhrase| phrases(false).flatten().any(|other| other.phrase.is_found_with(&said.phrase));
    phrases(true).any(|all| all.iter().all(is_refused))
}

/// Whether each list that one of the checks wants a row in is one that must not have one.
fn no_row(checks: &[(&Matcher, bool)]) -> bool {
    let listed = |wanted: bool| {
        checks.iter().filter(move |(_, holds)| *holds == wanted).filter_map(|(check, _)| match check {
            Matcher::Listed(listed) => Some(listed),
            _ => None,
        })
    };
    let is_refused = |name: &str| listed(false).any(|other| other.has(name));
    listed(true).any(|wanted| wanted.names().all(is_refused))
}

/// Whether `wide` is found in every text in which `narrow` is.
fn found_wherever(wide: &Pattern, narrow: &Pattern) -> bool {
    if wide.as_str() == narrow.as_str() && wide.literal_text().is_some() == narrow.literal_text().is_some() {
        return true;
    }
    match (wide.literal_text(), narrow.literal_text()) {
        // Beyond ASCII, what is the same in upper and lower case is not one question.
        (Some(wide), Some(narrow)) => {
            narrow.contains(wide)
                || (wide.is_ascii() && narrow.to_ascii_lowercase().contains(&wide.to_ascii_lowercase()))
        }
        _ => wide.matches_everything(),
    }
}

/// Between and around all bounds, each stretch of numbers is tried by one of them.
fn no_number(checks: &[(Vec<Bounds<f64>>, bool)], is_count: bool, always_there: bool) -> bool {
    let all = checks.iter().flat_map(|(bounds, _)| bounds);
    let mut ends: Vec<f64> =
        all.flat_map(|bounds| [bounds.eq, bounds.gt, bounds.gte, bounds.lt, bounds.lte]).flatten().collect();
    ends.push(0.0);
    ends.sort_by(f64::total_cmp);
    let mut tried: Vec<f64> = ends.clone();
    if is_count {
        tried.extend(ends.iter().flat_map(|end| [end.floor(), end.floor() - 1.0, end.ceil(), end.ceil() + 1.0]));
        tried.retain(|value| value.fract() == 0.0 && *value >= 0.0);
    } else {
        tried.extend(ends.windows(2).filter_map(|pair| Some((pair.first()? + pair.last()?) / 2.0)));
        tried.extend(ends.last().map(|last| last + 1.0));
        tried.extend(ends.first().map(|first| first - 1.0));
    }
    let fits =
        |value: f64| checks.iter().all(|(bounds, holds)| bounds.iter().any(|bounds| bounds.contain(value)) == *holds);
    let absent = !always_there && checks.iter().all(|(_, holds)| !holds);
    !absent && !tried.into_iter().any(fits)
}
