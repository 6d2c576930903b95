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

#[cfg(test)]
mod tests {
    use super::RuleBits;

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
