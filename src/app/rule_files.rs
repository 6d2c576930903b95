//! The files of the active configuration, listed, read, and loaded with an edit. Nothing is written, and nothing becomes active.

use super::{Caps, RulesSource, TestRunner, rules_context};
use crate::{
    admin::{EditError, FileList, ListedFile, RuleEdit, RuleFiles, Seen, TestRun},
    rules::{Edit, LoadContext, RuleFile, RuleSet, TestResult},
    settings::DEFAULT_FILE,
    yaml::MAX_BYTES,
};
use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    io::Read as _,
    path::{Component, Path, PathBuf},
    time::Instant,
};
use tokio::{runtime::Handle, task::spawn_blocking};

#[async_trait]
impl RuleFiles for RulesSource {
    async fn list(&self, seen: &Seen) -> Result<FileList, EditError> {
        self.with_files(seen, |files| Ok(files.list())).await
    }

    async fn check_names(&self, seen: &Seen, names: &[&str]) -> Result<(), EditError> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        self.with_files(seen, move |files| names.iter().try_for_each(|name| files.place_of(name).map(drop))).await
    }

    async fn read(&self, seen: &Seen, name: &str) -> Result<String, EditError> {
        let name = name.to_owned();
        self.with_files(seen, move |files| {
            let file = files.find_named(&name).ok_or_else(|| EditError::UnknownFile(name.clone()))?;
            read(&file.path)
        })
        .await
    }

    async fn load(&self, edit: &RuleEdit) -> Result<RuleSet, EditError> {
        let texts = edit.texts.clone();
        self.with_files(&edit.seen, move |files| files.load(&texts)).await
    }

    async fn test(&self, run: TestRun) -> Result<Vec<TestResult>, EditError> {
        let caps = Caps::from(&self.settings().await);
        let TestRun { rules, cancelled, tell } = run;
        let handle = Handle::current();
        // A test is work without a pause: it must not stand in the way of what the service does.
        let running = spawn_blocking(move || {
            handle.block_on(async {
                let mut runner = TestRunner::new(&rules, &caps);
                let mut results = Vec::with_capacity(rules.tests().len());
                for case in rules.tests() {
                    let began = Instant::now();
                    let Some(result) = cancelled.run_until_cancelled(runner.run(case)).await else { break };
                    results.push(result.map_err(|error| EditError::Failed(error.to_string()))?);
                    tell(results.len() as u64);
                    let rest = tokio::time::sleep(began.elapsed());
                    if cancelled.run_until_cancelled(rest).await.is_none() {
                        break;
                    }
                }
                runner.shutdown().await;
                Ok(results)
            })
        });
        running.await.map_err(|error| EditError::Failed(format!("the tests have failed: {error}")))?
    }
}

impl RulesSource {
    /// Does something with the files, where it may take its time.
    async fn with_files<T: Send + 'static>(
        &self,
        seen: &Seen,
        work: impl FnOnce(&Files) -> Result<T, EditError> + Send + 'static,
    ) -> Result<T, EditError> {
        let (context, seen) = (rules_context(&self.settings().await), seen.clone());
        let working = spawn_blocking(move || work(&Files::find(context, seen)));
        working.await.map_err(|error| EditError::Failed(format!("the rules cannot be read: {error}")))?
    }
}

/// The files, as somebody sees them.
struct Files {
    /// With the workspaces that they see.
    context: LoadContext,
    /// Those that they may see and edit.
    shown: Vec<RuleFile>,
    /// How many more of their workspaces' files there are.
    shared: usize,
    sees_everything: bool,
}

impl Files {
    fn find(mut context: LoadContext, seen: Seen) -> Self {
        let all = RuleSet::find_files(&context);
        let Some(names) = seen else { return Self { context, shown: all, shared: 0, sees_everything: true } };
        let sees = |name: &String| names.contains(name);
        let theirs = all.into_iter().filter(|file| file.workspaces.iter().any(sees));
        let (shown, shared): (Vec<_>, Vec<_>) = theirs.partition(|file| file.workspaces.iter().all(sees));
        context.workspaces.retain(|workspace| names.contains(&workspace.name));
        Self { context, shown, shared: shared.len(), sees_everything: false }
    }

    fn list(&self) -> FileList {
        let file = |file: &RuleFile| ListedFile { name: shown(&file.path), workspaces: file.workspaces.clone() };
        FileList { files: self.shown.iter().map(file).collect(), shared: self.shared }
    }

    /// By its name, or by an end of it that no other file has.
    fn find_named(&self, name: &str) -> Option<&RuleFile> {
        let whole = self.shown.iter().find(|file| shown(&file.path) == name);
        whole.or_else(|| {
            let mut ending = self.shown.iter().filter(|file| !name.is_empty() && file.path.ends_with(name));
            ending.next().filter(|_| ending.next().is_none())
        })
    }

    /// Where a file of this name would be that is not there yet: below a folder of rules, named like its files, such as
    /// `rules/30-new.yaml`. Only whoever sees everything adds one,
    /// because a folder may be several workspaces'.
    fn place_for(&self, name: &str) -> Option<PathBuf> {
        let written = Path::new(name);
        let is_plain = |part: Component<'_>| match part {
            Component::Normal(part) => {
                part.to_str().is_some_and(|part| !part.starts_with('.') && !part.contains(['\\', ':']))
            }
            _ => false,
        };
        let is_yaml = written.extension().is_some_and(|end| end == "yaml" || end == "yml");
        // What is never read as rules is none here either.
        let is_configuration = written.file_name().is_some_and(|name| name == DEFAULT_FILE);
        let is_typed = name.len() <= MAX_NAME && !name.contains(char::is_control);
        if !self.sees_everything || !is_yaml || is_configuration || !is_typed {
            return None;
        }
        let roots = self.context.workspaces.iter().flat_map(|workspace| &workspace.rules);
        let mut places = roots.filter(|root| root.is_dir()).flat_map(|root| {
            let beside = root.parent().map(|parent| parent.join(written));
            [Some(written.to_owned()), beside].into_iter().flatten().filter_map(move |place| {
                let inner = place.strip_prefix(root).ok()?.to_owned();
                let is_free = inner.components().next().is_some() && inner.components().all(is_plain);
                (is_free && place.symlink_metadata().is_err()).then_some(place)
            })
        });
        places.next()
    }

    /// Where an edited text belongs.
    fn place_of(&self, name: &str) -> Result<PathBuf, EditError> {
        let known = self.find_named(name).map(|file| file.path.clone());
        known.or_else(|| self.place_for(name)).ok_or_else(|| EditError::UnknownFile(name.to_owned()))
    }

    fn load(&self, texts: &BTreeMap<String, String>) -> Result<RuleSet, EditError> {
        let mut edit = Edit::default();
        for (name, text) in texts {
            edit.texts.insert(self.place_of(name)?, text.clone());
        }
        if !self.sees_everything {
            // What their rules send as they are now, and nothing that others have put beside it.
            let none = Some(Edit { may_name: Some(Vec::new()), ..Edit::default() });
            let now = RuleSet::load_workspaces(&LoadContext { edit: none, ..self.context.clone() });
            edit.may_name = Some(now.map(|rules| rules.sources().named_paths().collect()).unwrap_or_default());
        }
        let context = LoadContext { edit: Some(edit), ..self.context.clone() };
        RuleSet::load_workspaces(&context).map_err(EditError::Invalid)
    }
}

/// A longer name is none, in bytes.
const MAX_NAME: usize = 200;

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The text of a file that is no larger than rules may be.
fn read(path: &Path) -> Result<String, EditError> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes));
    let failed = |why: String| EditError::Failed(format!("{} cannot be read: {why}", path.display()));
    read.map_err(|error| failed(error.to_string()))?;
    if bytes.len() > MAX_BYTES {
        return Err(failed("it is larger than 1 MiB".to_owned()));
    }
    String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8 text".to_owned()))
}
