//! The two sets of rules that a `backtest` compares.

use super::{args::BacktestArgs, env, events, load_offline, service::Service, warn_of};
use crate::{
    app::{self, AppError, CliOptions},
    rules::{LoadContext, RuleSet, RuleSources, SourcesError},
    settings::Settings,
    store::{EventStore as _, SqlStore},
};
use anyhow::Context as _;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

/// The earlier and the later rules.
pub(super) struct Compared {
    /// `None` without a configuration.
    pub settings: Option<Settings>,
    /// The store, if it was opened for its rules.
    pub store: Option<Arc<SqlStore>>,
    pub before: Arc<RuleSet>,
    pub after: Arc<RuleSet>,
    /// Where they come from, for people.
    pub before_from: String,
    pub after_from: String,
}

pub(super) async fn compared_rules(overrides: &CliOptions, args: &BacktestArgs) -> anyhow::Result<Compared> {
    // Events and rules out of files reach neither the store nor an account: no secret is needed.
    let is_offline = args.from.is_some() && args.against != "running" && !args.fetch;
    let loaded = match is_offline {
        true => load_offline(overrides).map(|(settings, _)| settings),
        false => app::load(overrides, &env),
    };
    let settings = match loaded {
        Ok(settings) => {
            warn_of(&settings);
            Some(settings)
        }
        Err(AppError::NoConfiguration(_)) if overrides.rules.is_some() => None,
        Err(other) => return Err(other.into()),
    };
    let paths = paths(settings.as_ref(), overrides);
    let after = Arc::new(load(settings.as_ref(), overrides.rules.as_deref())?);
    let after_from = app::shown(&paths);
    let mut store = None;
    let (before, before_from) = match args.against.strip_prefix("git:") {
        Some(revision) => {
            let checkout = Checkout::of(&paths, revision)?;
            (checkout.load(settings.as_ref(), &paths)?, args.against.clone())
        }
        None if args.against == "running" => {
            let Some(settings) = &settings else {
                anyhow::bail!(
                    "without a configuration there is no service to compare with: use --against PATH or --against git:REV"
                );
            };
            let opened = events::open_existing(settings).await.context(
                "the rules that run are in the store; --against PATH or --against git:REV compares with others",
            )?;
            let (before, changed) = running(overrides, &opened, &after).await?;
            store = Some(opened);
            (before, format!("running{}", lists_as_now(&changed)))
        }
        None => {
            let path = Path::new(&args.against);
            anyhow::ensure!(
                path.exists(),
                "--against: there is no file or folder `{}`; use `running`, a path, or `git:REV`",
                args.against
            );
            (Arc::new(load(settings.as_ref(), Some(path))?), args.against.clone())
        }
    };
    Ok(Compared { settings, store, before, after, before_from, after_from })
}

fn paths(settings: Option<&Settings>, overrides: &CliOptions) -> Vec<PathBuf> {
    match settings {
        Some(settings) => settings.rule_paths().into_iter().map(Path::to_owned).collect(),
        None => overrides.rules.iter().cloned().collect(),
    }
}

/// The rules of the configuration, or those at a path in their place.
fn load(settings: Option<&Settings>, path: Option<&Path>) -> anyhow::Result<RuleSet> {
    Ok(match (settings, path) {
        (Some(settings), Some(path)) => app::load_rules(&settings.clone().with_rules(path))?,
        (Some(settings), None) => app::load_rules(settings)?,
        (None, path) => {
            let context = LoadContext { without_configuration: true, ..LoadContext::default() };
            RuleSet::load(path.unwrap_or(Path::new("rules")), &context).map_err(AppError::Invalid)?
        }
    })
}

/// What is said of rules whose lists are not those of then.
fn lists_as_now(changed: &BTreeSet<String>) -> String {
    let names: Vec<String> = changed.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!(" (with the list {one} as it is now)"),
        several => format!(" (with the lists {} as they are now)", several.join(", ")),
    }
}

/// The rules that the service has; those that decided last, if no service answers. With the lists that are other ones by now.
async fn running(
    overrides: &CliOptions,
    store: &SqlStore,
    after: &Arc<RuleSet>,
) -> anyhow::Result<(Arc<RuleSet>, BTreeSet<String>)> {
    let mut revisions = Vec::new();
    let service = Service::find(overrides, None)?;
    if service.is_there().await
        && let Ok(status) = service.get("/api/v1/status").await
        && let Some(revision) = status["rules"]["revision"].as_str()
    {
        revisions.push(revision.to_owned());
    }
    revisions.extend(store.newest_revision().await?);
    for revision in revisions {
        if revision == after.revision() {
            return Ok((Arc::clone(after), BTreeSet::new()));
        }
        let Some(text) = store.kept_rules(&revision).await? else { continue };
        let made =
            RuleSources::from_text(&text).and_then(|sources| RuleSet::from_sources_with_lists_of(&sources, after));
        return match made {
            Ok((rules, changed)) => Ok((Arc::new(rules), changed)),
            Err(gone @ SourcesError::ListChanged(_)) => Err(anyhow::anyhow!(
                "{gone} or is gone, and the rules that run look into it: use --against PATH or --against git:REV"
            )),
            Err(error) => {
                Err(anyhow::Error::from(error).context("the rules that run cannot be loaded by this version"))
            }
        };
    }
    anyhow::bail!("the store has no rules yet: use --against PATH or --against git:REV")
}

/// Rules as git has them, in a folder that goes with this.
struct Checkout {
    folder: PathBuf,
    /// For each path, where it is in there.
    places: Vec<PathBuf>,
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Checkout {
    /// Takes out each path, or the folder of a file, as it was at a revision. Nothing in the repository changes: git writes
    /// an index and files of our own.
    fn of(paths: &[PathBuf], revision: &str) -> anyhow::Result<Self> {
        anyhow::ensure!(
            !revision.is_empty() && !revision.starts_with('-'),
            "--against git:REV needs a revision, such as git:main or git:HEAD~1"
        );
        let folder = std::env::temp_dir().join(format!("reply-router-{}", uuid::Uuid::new_v4()));
        let mut checkout = Self { folder, places: Vec::new() };
        for (number, path) in paths.iter().enumerate() {
            let place = checkout.folder.join(number.to_string());
            private_folder(&checkout.folder)?;
            private_folder(&place)?;
            let (from, name) = match path.is_dir() {
                true => (path.clone(), None),
                false => {
                    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                    (parent.unwrap_or(Path::new(".")).to_owned(), path.file_name())
                }
            };
            take_out(&from, revision, &checkout.folder.join(format!("{number}.index")), &place)?;
            let found = name.map_or_else(|| place.clone(), |name| place.join(name));
            anyhow::ensure!(found.exists(), "{} does not exist in git at {revision}", path.display());
            checkout.places.push(found);
        }
        Ok(checkout)
    }

    fn load(&self, settings: Option<&Settings>, paths: &[PathBuf]) -> anyhow::Result<Arc<RuleSet>> {
        let place = |path: &PathBuf| {
            let at = paths.iter().position(|known| known == path);
            at.and_then(|at| self.places.get(at)).unwrap_or(path).clone()
        };
        let Some(settings) = settings else {
            return Ok(Arc::new(load(None, self.places.first().map(PathBuf::as_path))?));
        };
        let mut settings = settings.clone();
        settings.rules = settings.rules.iter().map(place).collect();
        for workspace in &mut settings.workspaces {
            workspace.rules = workspace.rules.as_ref().map(|rules| rules.iter().map(place).collect());
        }
        Ok(Arc::new(load(Some(&settings), None)?))
    }
}

fn private_folder(path: &Path) -> anyhow::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path).with_context(|| format!("cannot create {}", path.display()))
}

/// Writes a folder of a repository, as it was, to a place outside.
fn take_out(from: &Path, revision: &str, index: &Path, place: &Path) -> anyhow::Result<()> {
    let run = |args: &[&str], more: &dyn Fn(&mut Command)| -> anyhow::Result<String> {
        let mut command = Command::new("git");
        command.args(args);
        more(&mut command);
        let ran = command.output().context("--against git:REV needs the program `git`")?;
        if ran.status.success() {
            return Ok(String::from_utf8_lossy(&ran.stdout).trim_end_matches('\n').to_owned());
        }
        let why = String::from_utf8_lossy(&ran.stderr);
        let why = why.lines().next().unwrap_or("it gives no reason").trim_start_matches("fatal: ").to_owned();
        anyhow::bail!("git cannot read {} at {revision}: {why}", from.display())
    };
    let here = |command: &mut Command| {
        command.current_dir(from);
    };
    let git = run(&["rev-parse", "--absolute-git-dir"], &here)?;
    let prefix = run(&["rev-parse", "--show-prefix"], &here)?;
    let tree = format!("{revision}:{prefix}");
    let apart = |command: &mut Command| {
        command.current_dir(place).env("GIT_INDEX_FILE", index).env("GIT_DIR", &git).env("GIT_WORK_TREE", place);
    };
    run(&["read-tree", &tree], &apart)?;
    run(&["checkout-index", "--all", "--force"], &apart)?;
    Ok(())
}
