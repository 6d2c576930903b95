//! A set of rules of one list, by their places.

/// Which rules are meant: one bit for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RuleBits(Box<[u64]>);

impl RuleBits {
    /// None of so many rules.
    pub(super) fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)].into())
    }

    /// All of so many rules.
    pub(super) fn all(count: usize) -> Self {
        let mut bits = Self(vec![u64::MAX; count.div_ceil(64)].into());
        if let (Some(last), spare @ 1..) = (bits.0.last_mut(), count.next_multiple_of(64) - count) {
            *last >>= spare;
        }
        bits
    }

    /// Adds a rule.
    pub(super) fn insert(&mut self, place: usize) {
        if let Some(word) = self.0.get_mut(place / 64) {
            *word |= 1 << (place % 64);
        }
    }

    /// Takes a rule out.
    pub(super) fn remove(&mut self, place: usize) {
        if let Some(word) = self.0.get_mut(place / 64) {
            *word &= !(1 << (place % 64));
        }
    }

    /// Adds the rules of another set of the same list.
    pub(super) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }

    /// Keeps what another set of the same list has too.
    pub(super) fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine &= theirs);
    }

    /// Whether the two have a rule in common.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(mine, theirs)| mine & theirs != 0)
    }

    /// The places of the rules, in order.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(index, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.checked_ilog2().map(|_| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(index * 64 + usize::try_from(bit).unwrap_or_default())
            })
        })
    }
}

/// Some rules of a list, as places where they are few: many such sets of one list take no more than what is in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RulePlaces {
    Few(Box<[u32]>),
    Many(RuleBits),
}

impl RulePlaces {
    /// The rules at these places of so many.
    pub(super) fn of(places: Vec<u32>, count: usize) -> Self {
        let is_few = places.len().saturating_mul(32) < count;
        if is_few {
            return Self::Few(places.into());
        }
        let mut bits = RuleBits::none(count);
        places.into_iter().for_each(|place| bits.insert(place as usize));
        Self::Many(bits)
    }

    /// Adds them to others of the same list.
    pub(super) fn add_to(&self, all: &mut RuleBits) {
        match self {
            Self::Few(places) => places.iter().for_each(|place| all.insert(*place as usize)),
            Self::Many(bits) => all.add(bits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{RuleBits, RulePlaces};

    #[test]
    fn few_rules_are_kept_as_places() {
        for (places, is_few) in [(vec![], true), (vec![0, 99], true), (vec![3, 4, 5, 50], false)] {
            let made = RulePlaces::of(places.clone(), 100);
            assert_eq!(matches!(made, RulePlaces::Few(_)), is_few, "{places:?}");
            let mut all = RuleBits::none(100);
            all.insert(7);
            made.add_to(&mut all);
            let mut expected: Vec<usize> = places.iter().map(|place| *place as usize).chain([7]).collect();
            expected.sort_unstable();
            assert_eq!(all.places().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn rules_come_in_order() {
        for count in [0, 1, 63, 64, 65, 200] {
            assert_eq!(RuleBits::all(count).places().collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
            assert_eq!(RuleBits::none(count).places().count(), 0);
        }
        let mut bits = RuleBits::none(130);
        [0, 64, 129].into_iter().for_each(|place| bits.insert(place));
        let mut others = RuleBits::all(130);
        others.remove(64);
        assert!(bits.meets(&others));
        bits.keep(&others);
        assert_eq!(bits.places().collect::<Vec<_>>(), [0, 129]);
        let mut few = RuleBits::none(130);
        few.insert(1);
        assert!(!few.meets(&bits));
        few.add(&bits);
        assert_eq!(few.places().collect::<Vec<_>>(), [0, 1, 129]);
    }
}
