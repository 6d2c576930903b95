//! The rules as files, as far as somebody may see and try them.

use crate::{
    diagnostics::Diagnostics,
    rules::{RuleSet, TestResult},
};
use async_trait::async_trait;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

/// The names of the workspaces that somebody sees; `None` for all.
pub type Seen = Option<Arc<[String]>>;

/// A file of rules or tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = RuleFile)]
pub struct ListedFile {
    /// As `check` names it.
    pub name: String,
    /// The workspaces that have it.
    pub workspaces: Vec<String>,
}

/// The files that somebody sees.
#[derive(Debug, Clone, Default)]
pub struct FileList {
    /// In the order in which they are read.
    pub files: Vec<ListedFile>,
    /// So many more do workspaces of theirs share with others: these are not shown.
    pub shared: usize,
}

/// Texts in place of files.
#[derive(Debug, Clone, Default)]
pub struct RuleEdit {
    /// Who tries them sees these workspaces: no other rule is loaded, and no other file.
    pub seen: Seen,
    /// By the files' names.
    pub texts: BTreeMap<String, String>,
}

/// Why there are no rules to try.
#[derive(Debug)]
pub enum EditError {
    /// There is no such file, or they do not see it.
    UnknownFile(String),
    /// Mistakes in the rules.
    Invalid(Diagnostics),
    /// Anything else, in a sentence.
    Failed(String),
}

/// Tests that run.
pub struct TestRun {
    /// The rules, with the tests beside them.
    pub rules: Arc<RuleSet>,
    /// Ends it.
    pub cancelled: CancellationToken,
    /// Is told how many tests have run.
    pub tell: Box<dyn Fn(u64) + Send + Sync>,
}

/// The rules as files on disk, and as they would be if some of them were edited. Nothing of it is written, and nothing of it
/// becomes active.
#[async_trait]
pub trait RuleFiles: Send + Sync {
    /// The files of the active configuration: of whoever does not see all workspaces, those that only workspaces have that they
    /// see.
    async fn list(&self, seen: &Seen) -> Result<FileList, EditError>;

    /// Says whether all of these name files that may be edited.
    async fn check_names(&self, seen: &Seen, names: &[&str]) -> Result<(), EditError>;

    /// What one of these files says now.
    async fn read(&self, seen: &Seen, name: &str) -> Result<String, EditError>;

    /// Loads the rules with an edit, in the active configuration.
    async fn load(&self, edit: &RuleEdit) -> Result<RuleSet, EditError>;

    /// Runs the tests beside the rules, one after the other and beside all other work; what came of each, in their order, as far
    /// as it came. Nothing leaves this machine.
    async fn test(&self, run: TestRun) -> Result<Vec<TestResult>, EditError>;
}
