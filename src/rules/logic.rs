//! What can be said of conditions without any message: that they never hold together, or that one holds wherever another
//! does.
//!
//! A condition is brought into clauses, each a list of checks that must hold or must not. A clause is *impossible* when two
//! or more of its checks about one field cannot be true of one value. Everything here errs on one side: what is called
//! impossible is; what is not may be all the same.

mod values;

use super::{
    definition::{Condition, Matcher, Predicate, Rule},
    field::FlagField,
};
use std::{cell::Cell, mem::discriminant};
use values::{no_value, price};

/// More clauses than this are not kept at once.
const MAX_CLAUSES: usize = 20_000;

/// How much may be compared before an analysis gives up: a large rule must not hold up whoever loads it.
#[derive(Debug)]
pub(super) struct Budget(Cell<u64>);

impl Budget {
    /// So many comparisons of one thing with another.
    pub(super) fn new(steps: u64) -> Self {
        Self(Cell::new(steps))
    }

    /// Whether it is used up.
    pub(super) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }

    /// Takes some of it; `None`, then and from then on, when so much is not left.
    fn spend(&self, steps: usize) -> Option<()> {
        let left = self.0.get().checked_sub(steps as u64);
        self.0.set(left.unwrap_or(0));
        left.map(|_| ())
    }
}

/// Automatic mail: what a rule that does not speak of it does not match.
static AUTOMATIC: Matcher = Matcher::Flag(FlagField::AutoReply, true);

/// A check, or a whole script, that must be true, or must not.
#[derive(Debug, Clone, Copy)]
enum Literal<'r> {
    Check(&'r Matcher, bool),
    Script(&'r str, bool),
}

/// One of the ways in which a condition can hold.
type Clause<'r> = Vec<Literal<'r>>;

/// All the ways in which a condition can hold, without those that are impossible; none at all: it never does.
#[derive(Debug, Clone)]
pub(super) struct Dnf<'r>(Vec<Clause<'r>>);

impl<'r> Dnf<'r> {
    /// The one way of what always holds.
    fn always() -> Self {
        Self(vec![Vec::new()])
    }

    /// Of a tree of conditions; `None` where there are too many, or the budget is spent.
    pub(super) fn from_condition(condition: &'r Condition, tests: &'r [Predicate], budget: &Budget) -> Option<Self> {
        Self::signed(condition, tests, true, budget)
    }

    /// Of its negation.
    pub(super) fn from_negation(condition: &'r Condition, tests: &'r [Predicate], budget: &Budget) -> Option<Self> {
        Self::signed(condition, tests, false, budget)
    }

    /// Of all that makes a rule match.
    pub(super) fn from_rule(rule: &'r Rule, budget: &Budget) -> Option<Self> {
        let mut ways = Self::from_condition(&rule.when, &rule.tests, budget)?;
        if let Some(script) = &rule.script {
            ways = ways.and(&Self(vec![vec![Literal::Script(script.source(), true)]]), budget)?;
        }
        if !rule.mentions.auto_reply {
            ways = ways.and(&Self(vec![vec![Literal::Check(&AUTOMATIC, false)]]), budget)?;
        }
        Some(ways)
    }

    /// Of all that makes it not match.
    pub(super) fn from_rule_negation(rule: &'r Rule, budget: &Budget) -> Option<Self> {
        let mut ways = Self::from_negation(&rule.when, &rule.tests, budget)?;
        if let Some(script) = &rule.script {
            ways.0.push(vec![Literal::Script(script.source(), false)]);
        }
        if !rule.mentions.auto_reply {
            ways.0.push(vec![Literal::Check(&AUTOMATIC, true)]);
        }
        Some(ways)
    }

    fn signed(condition: &'r Condition, tests: &'r [Predicate], holds: bool, budget: &Budget) -> Option<Self> {
        match condition {
            Condition::Always if holds => Some(Self::always()),
            Condition::Always => Some(Self(Vec::new())),
            Condition::Not(inner) => Self::signed(inner, tests, !holds, budget),
            Condition::Test(index) => {
                let clause = vec![Literal::Check(&tests.get(*index)?.check, holds)];
                let impossible = is_impossible(&clause, 0, budget)?;
                Some(Self(if impossible { Vec::new() } else { vec![clause] }))
            }
            Condition::Is(used) => {
                let mut ways = Self::signed(&used.condition, tests, holds, budget)?;
                if let Some(script) = used.script {
                    let script = Self(vec![vec![Literal::Check(&tests.get(script)?.check, holds)]]);
                    if holds {
                        ways = ways.and(&script, budget)?;
                    } else {
                        ways.0.extend(script.0);
                    }
                }
                Some(ways)
            }
            Condition::All(children) | Condition::Any(children) => {
                let together = matches!(condition, Condition::All(_)) == holds;
                let mut ways = if together { Self::always() } else { Self(Vec::new()) };
                for child in children {
                    let child = Self::signed(child, tests, holds, budget)?;
                    if together {
                        ways = ways.and(&child, budget)?;
                    } else {
                        ways.0.extend(child.0);
                    }
                    if ways.0.len() > MAX_CLAUSES {
                        return None;
                    }
                }
                Some(ways)
            }
        }
    }

    /// The ways in which both hold, without those that are impossible.
    pub(super) fn and(&self, other: &Self, budget: &Budget) -> Option<Self> {
        let mut both = Vec::new();
        for left in &self.0 {
            for right in &other.0 {
                budget.spend(left.len() + right.len() + 1)?;
                let clause: Clause<'r> = left.iter().chain(right).copied().collect();
                if !is_impossible(&clause, left.len(), budget)? {
                    both.push(clause);
                }
                if both.len() > MAX_CLAUSES {
                    return None;
                }
            }
        }
        Some(Self(both))
    }

    /// Whether it surely never holds.
    pub(super) fn is_unsatisfiable(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every way demands a check of this sort.
    pub(super) fn all_require(&self, sort: impl Fn(&Matcher) -> bool) -> bool {
        let demands = |literal: &Literal<'_>| matches!(literal, Literal::Check(check, true) if sort(check));
        self.0.iter().all(|clause| clause.iter().any(demands))
    }
}

/// What a check is about; two checks of one subject look at one value.
fn same_subject(left: &Matcher, right: &Matcher) -> bool {
    match (left, right) {
        (Matcher::Glob(left, _), Matcher::Glob(right, _)) => left == right,
        (Matcher::Text(left, _), Matcher::Text(right, _)) => left == right,
        (Matcher::Says(left, _), Matcher::Says(right, _)) => left == right,
        (Matcher::Listed(left), Matcher::Listed(right)) => left.field == right.field,
        (Matcher::Number(left, _), Matcher::Number(right, _)) => left == right,
        (Matcher::Flag(left, _), Matcher::Flag(right, _)) => left == right,
        _ => discriminant(left) == discriminant(right),
    }
}

/// Whether a clause cannot hold, if it can without the literals that stand from `new` on.
fn is_impossible(clause: &[Literal<'_>], new: usize, budget: &Budget) -> Option<bool> {
    for literal in clause.iter().skip(new) {
        let impossible = match *literal {
            Literal::Script(source, holds) => {
                clause.iter().any(|other| matches!(*other, Literal::Script(o, h) if o == source && h != holds))
            }
            Literal::Check(check, _) => {
                let about = clause.iter().filter_map(|other| match *other {
                    Literal::Check(other, holds) if same_subject(check, other) => Some((other, holds)),
                    _ => None,
                });
                let about: Vec<_> = about.collect();
                budget.spend(price(&about))?;
                no_value(&about)
            }
        };
        if impossible {
            return Some(true);
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests;
