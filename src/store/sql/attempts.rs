//! The tries of an action as they stand in its row: when each began, counted from its decision, and how it ended.
//!
//! `[[350000,0,200]]` is one that began 0.35 seconds after the decision, was accepted, and got a response 200. Earlier versions
//! wrote the names of the fields with each.

use super::codec::{from_json, micros, timestamp, to_json};
use crate::{
    model::{Attempt, AttemptOutcome},
    store::StoreError,
};
use serde::{Deserialize, Serialize};

/// Outcomes that are written by their place here. One is only ever added at the end.
const OUTCOMES: [AttemptOutcome; 9] = [
    AttemptOutcome::Accepted,
    AttemptOutcome::Unclear,
    AttemptOutcome::Opposite,
    AttemptOutcome::NoBudget,
    AttemptOutcome::NotSent,
    AttemptOutcome::Refused,
    AttemptOutcome::Failed,
    AttemptOutcome::DryRun,
    AttemptOutcome::Interrupted,
];

/// How one ended: by its place, or by a word that has none.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Outcome {
    Place(usize),
    Word(AttemptOutcome),
}

/// A try in its row.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Short(i64, Outcome, Option<u16>),
    WithBody(i64, Outcome, Option<u16>, String),
    Named(Attempt),
}

/// The text of a row; none of an action that was not tried.
pub(super) fn to_text(attempts: &[Attempt], decided_at: i64) -> Result<Option<String>, StoreError> {
    let short = |attempt: &Attempt| {
        let began = micros(attempt.at).saturating_sub(decided_at);
        let outcome = match OUTCOMES.iter().position(|outcome| *outcome == attempt.outcome) {
            Some(place) => Outcome::Place(place),
            None => Outcome::Word(attempt.outcome.clone()),
        };
        match &attempt.body {
            Some(body) => Stored::WithBody(began, outcome, attempt.status, body.clone()),
            None => Stored::Short(began, outcome, attempt.status),
        }
    };
    match attempts {
        [] => Ok(None),
        some => to_json(&some.iter().map(short).collect::<Vec<_>>()).map(Some),
    }
}

/// The tries that a row tells of.
pub(super) fn from_text(text: Option<&str>, decided_at: i64) -> Result<Vec<Attempt>, StoreError> {
    let stored: Vec<Stored> = text.map_or_else(|| Ok(Vec::new()), from_json)?;
    let attempt = |stored: Stored| {
        let (began, outcome, status, body) = match stored {
            Stored::Short(began, outcome, status) => (began, outcome, status, None),
            Stored::WithBody(began, outcome, status, body) => (began, outcome, status, Some(body)),
            Stored::Named(attempt) => return Ok(attempt),
        };
        let outcome = match outcome {
            Outcome::Place(place) => {
                OUTCOMES.get(place).cloned().unwrap_or_else(|| AttemptOutcome::Other(format!("outcome {place}")))
            }
            Outcome::Word(word) => word,
        };
        Ok(Attempt { at: timestamp(decided_at.saturating_add(began))?, outcome, status, body })
    };
    stored.into_iter().map(attempt).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECIDED: i64 = 1_764_195_600_123_456;

    fn attempt(after: i64, outcome: AttemptOutcome, status: Option<u16>, body: Option<&str>) -> Attempt {
        Attempt { at: timestamp(DECIDED + after).unwrap(), outcome, status, body: body.map(str::to_owned) }
    }

    #[test]
    fn tries_come_back_as_they_were() {
        let other = AttemptOutcome::Other("postponed".to_owned());
        let mut all: Vec<Attempt> = OUTCOMES.iter().map(|outcome| attempt(-5, outcome.clone(), None, None)).collect();
        all.push(attempt(i64::from(u32::MAX), other, Some(503), Some("12-abc")));
        let text = to_text(&all, DECIDED).unwrap();
        assert_eq!(from_text(text.as_deref(), DECIDED).unwrap(), all);
        assert_eq!(to_text(&[], DECIDED).unwrap(), None);
        assert_eq!(from_text(None, DECIDED).unwrap(), []);
    }

    #[test]
    fn the_usual_one_is_short() {
        let usual = attempt(350_000, AttemptOutcome::Accepted, Some(200), None);
        assert_eq!(to_text(&[usual], DECIDED).unwrap().as_deref(), Some("[[350000,0,200]]"));
    }

    #[test]
    fn those_of_earlier_versions_are_read() {
        let text = r#"[{"at":"2026-01-05T09:00:00.123456Z","outcome":"accepted","status":200},
            {"at":"2026-01-05T09:01:00Z","outcome":"postponed","status":null,"body":"12-abc"}]"#;
        let read = from_text(Some(text), DECIDED).unwrap();
        let [first, second] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!((&first.outcome, first.status), (&AttemptOutcome::Accepted, Some(200)));
        assert_eq!(first.at, "2026-01-05T09:00:00.123456Z".parse().unwrap());
        assert_eq!((second.outcome.as_str(), second.body.as_deref()), ("postponed", Some("12-abc")));
    }

    #[test]
    fn an_outcome_of_a_later_version_is_read() {
        let read = from_text(Some("[[1,77,null]]"), DECIDED).unwrap();
        assert_eq!(read, [attempt(1, AttemptOutcome::Other("outcome 77".to_owned()), None, None)]);
    }
}
