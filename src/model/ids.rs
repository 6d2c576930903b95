//! The ids of decisions and of their actions.
//!
//! A decision's id leaves room for the places of its actions: an action's id is its decision's with its place in the last
//! bytes. So either tells the other, and a store need not keep both.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// The part of an id that says which action of the decision it is; all zero for the decision itself.
const PLACE: u128 = 0xffff;

/// A new id of a decision: a UUID version 7, so that ids sort by time, with room for its actions.
pub fn new_decision_id() -> String {
    Uuid::from_u128(Uuid::now_v7().as_u128() & !PLACE).to_string()
}

/// The id of an action record: a UUID version 7, so ids sort by time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActionId(pub String);

impl ActionId {
    /// A new id that tells nothing of a decision.
    pub fn new() -> Self {
        Self(Uuid::now_v7().to_string())
    }

    /// The id of the action with this place, from 0, in a decision. `None` if the decision's id leaves no room for it, as
    /// those of earlier versions.
    pub fn of_decision(decision: &str, place: usize) -> Option<Self> {
        let id = whole(decision).filter(|id| id & PLACE == 0)?;
        let place = u128::try_from(place).ok()?.checked_add(1).filter(|place| *place <= PLACE)?;
        Some(Self(Uuid::from_u128(id | place).to_string()))
    }

    /// The decision's id and the place in it that this id was made of, if it was made so.
    pub fn decision(&self) -> Option<(String, usize)> {
        let id = whole(&self.0)?;
        let place = usize::try_from(id & PLACE).ok()?.checked_sub(1)?;
        Some((Uuid::from_u128(id & !PLACE).to_string(), place))
    }
}

/// The number that a UUID stands for, if it is written as ids are.
fn whole(id: &str) -> Option<u128> {
    let mut buffer = Uuid::encode_buffer();
    let parsed = Uuid::try_parse(id).ok()?;
    (parsed.hyphenated().encode_lower(&mut buffer) == id).then(|| parsed.as_u128())
}

impl Default for ActionId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_s_id_tells_its_decision_and_its_place() {
        let decision = new_decision_id();
        let ids: Vec<ActionId> = (0..3).filter_map(|place| ActionId::of_decision(&decision, place)).collect();
        assert!(ids.is_sorted() && ids[0].0 > decision && ids[2].0 < new_decision_id(), "{ids:?}");
        for (place, id) in ids.iter().enumerate() {
            assert_eq!(id.decision(), Some((decision.clone(), place)));
            assert_eq!(ActionId::of_decision(&id.0, 0), None, "it is no decision's");
        }
        let last = ActionId::of_decision(&decision, 0xfffe).unwrap();
        assert_eq!(last.decision(), Some((decision.clone(), 0xfffe)));
        assert_eq!(ActionId::of_decision(&decision, 0xffff), None, "there is no room for more");
    }

    #[test]
    fn other_ids_tell_nothing() {
        for id in ["d1", "", "01A21599-74BC-7715-94ED-272728070000", "01a2159974bc771594ed272728070000"] {
            assert_eq!(ActionId::of_decision(id, 0), None, "{id}");
            assert_eq!(ActionId(id.to_owned()).decision(), None, "{id}");
        }
        assert_eq!(ActionId::of_decision("01a21599-74bc-7715-94ed-272728070001", 0), None, "there is no room");
    }

    #[test]
    fn decisions_have_ids_of_their_own() {
        let ids: std::collections::BTreeSet<String> = (0..10_000).map(|_| new_decision_id()).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
