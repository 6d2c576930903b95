//! Thirteen languages and the great mail clients: `tests/text/languages/*.yaml`, one file per kind of question. Each test
//! prints how many cases of each language are right, and what was found where nothing is (false positives) or missed.

use std::collections::BTreeMap;

use jiff::civil::Date;
use reply_router::text;
use serde::Deserialize;

use super::{fold, read};

/// A day in the first full week of the year, a Monday.
const WRITTEN: Date = jiff::civil::date(2026, 1, 5);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewText {
    lang: String,
    client: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    html: Option<String>,
    new: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Automatic {
    lang: String,
    #[serde(default)]
    from: Option<String>,
    subject: String,
    body: String,
    #[serde(default)]
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OptOut {
    lang: String,
    #[serde(default)]
    subject: Option<String>,
    body: String,
    out: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BackOn {
    lang: String,
    #[serde(default)]
    written: Option<Date>,
    body: String,
    #[serde(default)]
    back_on: Option<Date>,
}

/// One case as it came out.
struct Outcome {
    lang: String,
    case: String,
    wanted: String,
    got: String,
    error: Option<Error>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Error {
    /// Something was found where nothing is: a person is called a robot, a lead's own words are cut.
    FalsePositive,
    /// What is there was missed: an opt-out is not heard, history is left in the text.
    FalseNegative,
    /// Something was found where something is, but not this.
    Other,
}

impl Outcome {
    /// Of a question whose answer is a value or nothing.
    fn of(lang: &str, case: &str, wanted: Option<String>, got: Option<String>) -> Self {
        let error = match (&wanted, &got) {
            (wanted, got) if wanted == got => None,
            (None, Some(_)) => Some(Error::FalsePositive),
            (Some(_), None) => Some(Error::FalseNegative),
            _ => Some(Error::Other),
        };
        Self {
            lang: lang.to_owned(),
            case: case.to_owned(),
            wanted: wanted.unwrap_or_else(|| "-".to_owned()),
            got: got.unwrap_or_else(|| "-".to_owned()),
            error,
        }
    }
}

/// Prints the table and fails unless every case is right.
fn judge(kind: &str, outcomes: &[Outcome]) {
    let mut table: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for outcome in outcomes {
        let (cases, right) = table.entry(&outcome.lang).or_default();
        *cases += 1;
        *right += usize::from(outcome.error.is_none());
    }
    println!("{kind:<12}{:>8}{:>8}{:>8}", "language", "cases", "right");
    for (lang, (cases, right)) in &table {
        println!("{:<12}{lang:>8}{cases:>8}{right:>8}", "");
    }
    let count = |wanted: Option<Error>| outcomes.iter().filter(|outcome| outcome.error == wanted).count();
    println!(
        "{kind}: {} of {} right; false positives {}, false negatives {}, otherwise wrong {}",
        count(None),
        outcomes.len(),
        count(Some(Error::FalsePositive)),
        count(Some(Error::FalseNegative)),
        count(Some(Error::Other)),
    );
    let wrong: Vec<_> = outcomes.iter().filter(|outcome| outcome.error.is_some()).collect();
    for Outcome { lang, case, wanted, got, error } in &wrong {
        println!("WRONG {error:?} {lang}: {case}\n      wanted {wanted:?}\n      got    {got:?}");
    }
    assert!(wrong.is_empty(), "{kind}: {} of {} are wrong", wrong.len(), outcomes.len());
}

#[test]
fn new_text() {
    let cases: Vec<NewText> = read("languages/new_text.yaml");
    let outcomes: Vec<_> = cases
        .iter()
        .map(|case| {
            let wanted = fold(&case.new);
            let got = fold(&text::new_text(case.text.as_deref(), case.html.as_deref()));
            // Words of the sender that are gone are worse than history that is left.
            let error = match () {
                () if wanted == got => None,
                () if got.len() < wanted.len() => Some(Error::FalsePositive),
                () => Some(Error::FalseNegative),
            };
            Outcome { lang: case.lang.clone(), case: case.client.clone(), wanted, got, error }
        })
        .collect();
    judge("new_text", &outcomes);
}

#[test]
fn auto_reply() {
    let cases: Vec<Automatic> = read("languages/auto_reply.yaml");
    let outcomes: Vec<_> = cases
        .iter()
        .map(|case| {
            let found = text::auto_reply(case.from.as_deref(), Some(&case.subject), Some(&case.body), Some(WRITTEN));
            let got = found.map(|found| found.kind.as_str().to_owned());
            Outcome::of(&case.lang, &fold(&format!("{} | {}", case.subject, case.body)), case.kind.clone(), got)
        })
        .collect();
    judge("auto_reply", &outcomes);
}

#[test]
fn opt_out() {
    let cases: Vec<OptOut> = read("languages/opt_out.yaml");
    let outcomes: Vec<_> = cases
        .iter()
        .map(|case| {
            let found = text::opt_out(case.subject.as_deref(), &case.body);
            let name = fold(&format!(
                "{} {} [{}]",
                case.subject.as_deref().unwrap_or_default(),
                case.body,
                found.as_deref().unwrap_or_default()
            ));
            let wanted = case.out.then(|| "out".to_owned());
            Outcome::of(&case.lang, &name, wanted, found.map(|_| "out".to_owned()))
        })
        .collect();
    judge("opt_out", &outcomes);
}

/// A short mail and its language.
#[derive(Debug, Deserialize)]
struct Written {
    lang: Option<String>,
    body: String,
}

#[test]
fn language_of_short_mails() {
    let cases: Vec<Written> = read("languages/language.yaml");
    let found = |case: &Written| text::language(&case.body).map(str::to_owned);
    let wrong: Vec<_> =
        cases.iter().filter(|case| found(case) != case.lang).map(|c| (&c.body, &c.lang, found(c))).collect();
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), cases.len());
}

#[test]
fn back_on() {
    let cases: Vec<BackOn> = read("languages/back_on.yaml");
    let outcomes: Vec<_> = cases
        .iter()
        .map(|case| {
            let written = case.written.unwrap_or(WRITTEN);
            let found = text::auto_reply(None, Some("Out of office"), Some(&case.body), Some(written));
            let got = found.and_then(|found| found.back_on).map(|date| date.to_string());
            Outcome::of(&case.lang, &case.body, case.back_on.map(|date| date.to_string()), got)
        })
        .collect();
    judge("back_on", &outcomes);
}

/// What people write in one line, out of the other files.
fn sentences() -> Vec<String> {
    let automatic: Vec<Automatic> = read("languages/auto_reply.yaml");
    let opt_outs: Vec<OptOut> = read("languages/opt_out.yaml");
    let returns: Vec<BackOn> = read("languages/back_on.yaml");
    let bodies = automatic.into_iter().map(|case| case.body);
    let bodies =
        bodies.chain(opt_outs.into_iter().map(|case| case.body)).chain(returns.into_iter().map(|case| case.body));
    bodies.filter(|body| !body.is_empty() && !body.contains('\n')).collect()
}

#[test]
fn no_word_is_cut_above_any_history() {
    let cases: Vec<NewText> = read("languages/new_text.yaml");
    // What stands below the first line of each case: devices, attributions, headers, quotes.
    let histories: Vec<_> = cases
        .iter()
        .filter_map(|case| case.text.as_deref()?.strip_prefix(case.new.as_str()))
        .filter(|history| history.starts_with("\n\n"))
        .collect();
    assert!(histories.len() > 80, "{}", histories.len());
    let sentences = sentences();
    let mut wrong = Vec::new();
    for sentence in &sentences {
        let alone = [text::new_text(Some(sentence), None), text::new_text(None, Some(&format!("<p>{sentence}</p>")))];
        let above = histories.iter().map(|history| text::new_text(Some(&format!("{sentence}{history}")), None));
        let cut = alone.into_iter().chain(above).find(|new| fold(new) != fold(sentence));
        wrong.extend(cut.map(|new| (sentence, new)));
    }
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), sentences.len());
}
