//! The workspaces of the configuration. A reload replaces them all at once; whoever holds a snapshot keeps what it has.

use super::Workspace;
use arc_swap::ArcSwap;
use std::{collections::HashMap, ops::Deref, sync::Arc};

/// The workspaces of one configuration, in its order. A clone is cheap.
#[derive(Debug, Clone, Default)]
pub struct Workspaces(Arc<Ordered>);

#[derive(Debug, Default)]
struct Ordered {
    all: Vec<Arc<Workspace>>,
    /// With a thousand workspaces, each decision and each page asks for one by its name.
    places: HashMap<String, usize>,
}

impl Workspaces {
    /// The workspace of that name.
    pub fn named(&self, name: &str) -> Option<&Arc<Workspace>> {
        self.0.places.get(name).and_then(|place| self.0.all.get(*place))
    }
}

impl FromIterator<Arc<Workspace>> for Workspaces {
    fn from_iter<I: IntoIterator<Item = Arc<Workspace>>>(all: I) -> Self {
        let all: Vec<_> = all.into_iter().collect();
        let places = all.iter().enumerate().map(|(place, workspace)| (workspace.name().to_owned(), place)).collect();
        Self(Arc::new(Ordered { all, places }))
    }
}

impl Deref for Workspaces {
    type Target = [Arc<Workspace>];

    fn deref(&self) -> &Self::Target {
        &self.0.all
    }
}

impl IntoIterator for Workspaces {
    type Item = Arc<Workspace>;
    type IntoIter = std::vec::IntoIter<Arc<Workspace>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.all.clone().into_iter()
    }
}

/// The active workspaces. A reload replaces them, and so does whoever gains the lease of some.
#[derive(Debug)]
pub(in crate::engine) struct WorkspaceSet(ArcSwap<Ordered>);

impl WorkspaceSet {
    pub(in crate::engine) fn new(workspaces: Workspaces) -> Self {
        Self(ArcSwap::new(workspaces.0))
    }

    /// The workspaces as they are now.
    pub(in crate::engine) fn now(&self) -> Workspaces {
        Workspaces(self.0.load_full())
    }

    /// The workspace of that name, if there is one now.
    pub(in crate::engine) fn named(&self, name: &str) -> Option<Arc<Workspace>> {
        self.now().named(name).cloned()
    }

    /// Puts in their place what `next` makes of those that there are at that moment, however many others do the same: whoever
    /// looked before it waited for something would take back what has come since. `next` may be called again and again.
    pub(in crate::engine) fn update(&self, next: impl Fn(&Workspaces) -> Workspaces) {
        self.0.rcu(|now| next(&Workspaces(Arc::clone(now))).0);
    }
}
