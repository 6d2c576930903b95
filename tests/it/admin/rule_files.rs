//! Rules as files that only this process has.

use async_trait::async_trait;
use reply_router::{
    admin::{EditError, FileList, ListedFile, Reload, ReloadError, RuleEdit, RuleFiles, Seen, TestRun},
    rules::{LoadContext, RuleSet, TestResult},
};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Semaphore;

pub(crate) const FILE: &str = "rules/10-interested.yaml";

pub(crate) struct FilesInMemory {
    files: BTreeMap<String, String>,
    /// So many loads may go on; the others wait.
    pub(crate) loads: Semaphore,
    /// How many have begun.
    pub(crate) begun: AtomicUsize,
}

impl FilesInMemory {
    pub(crate) fn new(text: &str) -> Self {
        let files = BTreeMap::from([
            (FILE.to_owned(), text.to_owned()),
            ("rules/20-later.yaml".to_owned(), "version: 1\nrules: []\n".to_owned()),
        ]);
        Self { files, loads: Semaphore::new(Semaphore::MAX_PERMITS), begun: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl Reload for FilesInMemory {
    async fn reload(&self) -> Result<String, ReloadError> {
        Ok("5f2d1c9a".to_owned())
    }

    fn rule_files(&self) -> Option<&dyn RuleFiles> {
        Some(self)
    }
}

#[async_trait]
impl RuleFiles for FilesInMemory {
    async fn list(&self, _: &Seen) -> Result<FileList, EditError> {
        let files =
            self.files.keys().map(|name| ListedFile { name: name.clone(), workspaces: vec!["acme".to_owned()] });
        Ok(FileList { files: files.collect(), shared: 0 })
    }

    async fn check_names(&self, _: &Seen, names: &[&str]) -> Result<(), EditError> {
        match names.iter().find(|name| !self.files.contains_key(**name)) {
            Some(name) => Err(EditError::UnknownFile((*name).to_owned())),
            None => Ok(()),
        }
    }

    async fn read(&self, _: &Seen, name: &str) -> Result<String, EditError> {
        self.files.get(name).cloned().ok_or_else(|| EditError::UnknownFile(name.to_owned()))
    }

    async fn load(&self, edit: &RuleEdit) -> Result<RuleSet, EditError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.loads.acquire().await.unwrap().forget();
        let files = self.files.iter();
        let files = files.map(|(name, text)| (name.as_str(), edit.texts.get(name).unwrap_or(text).as_str()));
        let context = LoadContext { without_configuration: true, ..LoadContext::default() };
        RuleSet::parse(&files.collect::<Vec<_>>(), &context).map_err(EditError::Invalid)
    }

    async fn test(&self, run: TestRun) -> Result<Vec<TestResult>, EditError> {
        (run.tell)(run.rules.tests().len() as u64);
        Ok(run.rules.tests().iter().map(|case| case.run(&run.rules, true)).collect())
    }
}
