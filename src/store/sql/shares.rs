//! How many of the workspaces each process runs, also while their configurations differ. Pure.
//!
//! Each workspace counts in equal parts for the processes that know it; a process runs as many as its parts add up to. So that
//! nothing stands still, what only one process knows runs there, whatever else it runs; and a process gives up what it has
//! too much of only to one that knows it and has room.

use std::collections::{BTreeSet, HashMap};

/// A process that lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Replica {
    pub(super) holder: String,
    /// The workspaces of its configuration.
    pub(super) knows: BTreeSet<String>,
    /// How many it holds.
    pub(super) held: usize,
}

/// What a process should hold.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// At most so many, but for those that are urgent.
    pub(super) most: usize,
    /// These in any case.
    pub(super) urgent: Vec<String>,
    /// Where configurations differ: of each workspace, which of the others know it.
    known_by: Option<HashMap<String, Vec<usize>>>,
    /// How many more each of the others has room for.
    room: Vec<usize>,
}

impl Plan {
    /// All of so many.
    pub(super) fn take(count: usize) -> Self {
        Self { most: count, ..Self::default() }
    }

    /// An equal part of so many, which all processes know.
    pub(super) fn alike(count: usize, replicas: usize) -> Self {
        Self { most: count.div_ceil(replicas.max(1)), ..Self::default() }
    }

    /// The part of a process that wants these, by what each process knows.
    pub(super) fn differing(replicas: &[Replica], holder: &str, wanted: &BTreeSet<String>) -> Self {
        let mut knowing: HashMap<&str, usize> = HashMap::new();
        for name in replicas.iter().flat_map(|replica| &replica.knows) {
            *knowing.entry(name).or_default() += 1;
        }
        let share =
            |knows: &BTreeSet<String>| whole(knows.iter().filter_map(|name| knowing.get(name.as_str()).copied()));
        let others: Vec<&Replica> = replicas.iter().filter(|replica| replica.holder != holder).collect();
        let mut known_by: HashMap<String, Vec<usize>> = HashMap::new();
        for (number, other) in others.iter().enumerate() {
            for name in other.knows.intersection(wanted) {
                known_by.entry(name.clone()).or_default().push(number);
            }
        }
        let urgent = wanted.iter().filter(|name| !known_by.contains_key(*name)).cloned().collect();
        let room = others.iter().map(|other| share(&other.knows).saturating_sub(other.held)).collect();
        Self { most: share(wanted), urgent, known_by: Some(known_by), room }
    }

    /// The same with more that are urgent.
    pub(super) fn with_urgent(mut self, more: Vec<String>) -> Self {
        self.urgent.extend(more);
        self
    }

    /// What of these, in their order, others should have.
    pub(super) fn surplus(mut self, held: &[&String]) -> Vec<String> {
        let count = held.len().saturating_sub(self.most);
        let last = held.iter().rev();
        let Some(known_by) = &self.known_by else { return last.take(count).map(|name| (*name).clone()).collect() };
        let mut surplus = Vec::new();
        for name in last {
            if surplus.len() == count {
                break;
            }
            let takers = known_by.get(*name).into_iter().flatten();
            let taker = takers.copied().find(|other| self.room.get(*other).is_some_and(|room| *room > 0));
            if let Some(room) = taker.and_then(|taker| self.room.get_mut(taker)) {
                *room -= 1;
                surplus.push((*name).clone());
            }
        }
        surplus
    }
}

/// The sum of the parts, rounded up, of workspaces that so many processes know.
fn whole(knowing: impl Iterator<Item = usize>) -> usize {
    let mut by_count: HashMap<usize, usize> = HashMap::new();
    for count in knowing {
        *by_count.entry(count.max(1)).or_default() += 1;
    }
    // In 5,040ths, which 1 to 10 processes divide exactly; more of them round up.
    const PARTS: usize = 5_040;
    let parts: usize = by_count.into_iter().map(|(count, workspaces)| (workspaces * PARTS).div_ceil(count)).sum();
    parts.div_ceil(PARTS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn equal_configurations_have_equal_parts() {
        let replica = |holder: &str| Replica { holder: holder.to_owned(), knows: set(&["a", "b", "c"]), held: 0 };
        let replicas = ["x", "y"].map(replica);
        assert_eq!(Plan::differing(&replicas, "x", &set(&["a", "b", "c"])).most, Plan::alike(3, 2).most);
        assert_eq!((Plan::alike(9, 3).most, Plan::alike(0, 3).most, Plan::alike(4, 0).most), (3, 0, 4));
    }

    /// Whatever processes know, each workspace that one knows runs somewhere, nobody runs what it does not know, and the
    /// sharing comes to rest.
    #[test]
    fn every_workspace_runs_where_it_is_known() {
        let mut seed = 7_u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for round in 0..300 {
            let names: Vec<String> = (0..1 + random(9)).map(|number| format!("w{number}")).collect();
            let mut knows: Vec<BTreeSet<String>> = Vec::new();
            for _ in 0..1 + random(4) {
                knows.push(names.iter().filter(|_| random(3) > 0).cloned().collect());
            }
            let mut holders: BTreeMap<String, usize> = BTreeMap::new();
            let mut free: Vec<HashMap<String, u32>> = vec![HashMap::new(); knows.len()];
            let mut quiet = 0;
            for turn in 0.. {
                assert!(turn < 300, "round {round}: it does not come to rest: {knows:?} {holders:?}");
                let me = turn % knows.len();
                let before = holders.clone();
                let replicas: Vec<Replica> = knows
                    .iter()
                    .enumerate()
                    .map(|(number, knows)| Replica {
                        holder: number.to_string(),
                        knows: knows.clone(),
                        held: holders.values().filter(|holder| **holder == number).count(),
                    })
                    .collect();
                let waited: Vec<String> =
                    free[me].iter().filter(|(_, times)| **times >= 3).map(|(name, _)| name.clone()).collect();
                let plan = Plan::differing(&replicas, &me.to_string(), &knows[me]).with_urgent(waited);
                for name in plan.urgent.iter().filter(|name| knows[me].contains(*name)) {
                    holders.entry(name.clone()).or_insert(me);
                }
                for name in &knows[me] {
                    let held = holders.values().filter(|holder| **holder == me).count();
                    if held < plan.most && !holders.contains_key(name) {
                        holders.insert(name.clone(), me);
                    }
                }
                let still_free = knows[me].iter().filter(|name| !holders.contains_key(*name));
                free[me] =
                    still_free.map(|name| (name.clone(), free[me].get(name).map_or(1, |times| times + 1))).collect();
                let held: Vec<String> =
                    holders.iter().filter(|(_, holder)| **holder == me).map(|(name, _)| name.clone()).collect();
                for name in plan.surplus(&held.iter().collect::<Vec<_>>()) {
                    holders.remove(&name);
                }
                quiet = if holders == before { quiet + 1 } else { 0 };
                if quiet > 4 * knows.len() {
                    break;
                }
            }
            for name in &names {
                let is_known = knows.iter().any(|known| known.contains(name));
                assert_eq!(holders.contains_key(name), is_known, "round {round}: {name} {knows:?} {holders:?}");
            }
            assert!(holders.iter().all(|(name, holder)| knows[*holder].contains(name)), "{knows:?} {holders:?}");
        }
    }
}
