//! `opt-outs`: the opt-outs as a table that other programs read and write.

use super::{
    CommandStatus,
    args::OptOutsCommand,
    chosen, load,
    service::{Records, Service},
    terminal,
};
use crate::{
    app::{CliOptions, StoreMode},
    lists::question_free_mail,
    model::counted,
    settings::Settings,
    store::{
        OptOut, OptOutStore as _, SqlStore,
        opt_out_table::{BadLine, MAX_NAMED, ReadTable, Table, WriteTable, add_in_parts},
    },
};
use anyhow::Context;
use jiff::Timestamp;
use std::{
    collections::BTreeSet,
    io::Read as _,
    path::{Path, PathBuf},
};

/// A larger file is refused.
const MAX_FILE: u64 = 256 * 1024 * 1024;
/// So many bytes are sent to the service at once: fewer than it takes, whatever is added in writing them.
const PART: usize = 256 * 1024;
/// So many opt-outs are read at once.
const READ: u32 = 1_000;

pub(super) async fn opt_outs(overrides: &CliOptions, command: OptOutsCommand) -> anyhow::Result<CommandStatus> {
    let (OptOutsCommand::Import { workspace, service, .. } | OptOutsCommand::Export { workspace, service }) = &command;
    // A service elsewhere may have another configuration, or this machine none.
    let settings = if service.url.is_none() { Some(load(overrides)?) } else { None };
    if let (Some(settings), Some(name)) = (&settings, workspace) {
        chosen(settings, Some(name))?;
    }
    // Nothing is made to be looked at.
    let how = match command {
        OptOutsCommand::Export { .. } => StoreMode::ReadOnly,
        OptOutsCommand::Import { .. } => StoreMode::ReadWrite,
    };
    let records = Records::reach(overrides, settings.as_ref(), service.url.clone(), how).await?;
    match command {
        OptOutsCommand::Import { file, workspace, yes, .. } => {
            import(records, settings.as_ref(), file, workspace, yes).await
        }
        OptOutsCommand::Export { workspace, .. } => export(records, workspace.as_deref()).await,
    }
}

/// What was imported.
struct Imported {
    added: u64,
    already_there: u64,
    workspaces: BTreeSet<String>,
}

async fn import(
    records: Records,
    settings: Option<&Settings>,
    file: PathBuf,
    workspace: Option<String>,
    yes: bool,
) -> anyhow::Result<CommandStatus> {
    let name = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let table =
        tokio::task::spawn_blocking(move || read(&file)).await?.with_context(|| format!("{name} cannot be read"))?;
    let workspaces = match (&records, settings) {
        (Records::Service(service), _) => workspaces_of(service).await?,
        (Records::Store(_), Some(settings)) => {
            settings.workspaces.iter().map(|found| found.name().to_owned()).collect()
        }
        (Records::Store(_), None) => Vec::new(),
    };
    if let Some(chosen) = workspace.as_ref().filter(|chosen| !workspaces.contains(chosen)) {
        anyhow::bail!("unknown workspace `{chosen}`; use one of {}", workspaces.join(", "));
    }
    let reading = ReadTable { workspaces: &workspaces, chosen: workspace.as_deref(), now: Timestamp::now() };
    let table = match reading.read(&table) {
        Ok(table) => table,
        Err(bad) => return Ok(refuse(&name, &bad)),
    };
    tell_columns(&name, &table);
    if !yes && let Some(question) = question_free_mail(table.whole_domains()) {
        terminal::err!("{name}: {question}; nothing was imported: with --yes it is");
        return Ok(CommandStatus::Problem);
    }
    let imported = match records {
        Records::Service(service) => through(&service, &table.opt_outs).await?,
        Records::Store(store) => {
            let imported = add(&store, table.opt_outs).await;
            store.close().await;
            imported?
        }
    };
    let Imported { added, already_there, workspaces } = imported;
    let names = workspaces.into_iter().collect::<Vec<_>>().join(", ");
    let place = if names.is_empty() { String::new() } else { format!(" to {names}") };
    let were = if already_there == 1 { "was" } else { "were" };
    terminal::out!("added {}{place}; {already_there} {were} there already", counted(added, "opt-out", "opt-outs"));
    Ok(CommandStatus::Success)
}

/// Says which columns were taken for what, and which were not used.
fn tell_columns(name: &str, table: &Table) {
    for (column, written) in &table.taken {
        terminal::err!("{name}: the column `{written}` is taken for the {column}");
    }
    if !table.unused.is_empty() {
        let (columns, are) = if table.unused.len() == 1 { ("column", "is") } else { ("columns", "are") };
        terminal::err!("{name}: the {columns} `{}` {are} not used", table.unused.join("`, `"));
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut table = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut table)?;
    } else {
        std::fs::File::open(file)?.take(MAX_FILE + 1).read_to_end(&mut table)?;
    }
    anyhow::ensure!(
        table.len() as u64 <= MAX_FILE,
        "it has more than {} MiB: import it in parts",
        MAX_FILE / 1024 / 1024
    );
    Ok(table)
}

fn refuse(name: &str, bad: &[BadLine]) -> CommandStatus {
    for BadLine { line, problem } in bad.iter().take(MAX_NAMED) {
        terminal::err!("{name}:{line}: {problem}");
    }
    if bad.len() > MAX_NAMED {
        terminal::err!("and {} more", bad.len() - MAX_NAMED);
    }
    let lines = if bad.len() == 1 { "a line is" } else { "lines are" };
    terminal::err!("nothing was imported: {lines} wrong");
    CommandStatus::Problem
}

async fn workspaces_of(service: &Service) -> anyhow::Result<Vec<String>> {
    let status = service.get("/api/v1/status").await?;
    let all = status["workspaces"].as_array().into_iter().flatten();
    Ok(all.filter_map(|found| found["name"].as_str().map(str::to_owned)).collect())
}

async fn through(service: &Service, opt_outs: &[OptOut]) -> anyhow::Result<Imported> {
    let mut imported = Imported { added: 0, already_there: 0, workspaces: BTreeSet::new() };
    let mut rest = opt_outs;
    while !rest.is_empty() {
        let mut size = 0;
        let fits = rest.iter().take_while(|opt_out| {
            let is_first = size == 0;
            size += 64 + opt_out.workspace.len() + opt_out.email.len() + opt_out.evidence.len();
            is_first || size <= PART
        });
        let (part, after) = rest.split_at(fits.count());
        rest = after;
        let response =
            service.post_table("/api/v1/opt-outs/import?free_mail=true", WriteTable::default().lines(part)).await?;
        imported.added += response["added"].as_u64().unwrap_or_default();
        imported.already_there += response["already_there"].as_u64().unwrap_or_default();
        imported.workspaces.extend(part.iter().map(|opt_out| opt_out.workspace.clone()));
    }
    Ok(imported)
}

async fn add(store: &SqlStore, opt_outs: Vec<OptOut>) -> anyhow::Result<Imported> {
    let workspaces: BTreeSet<String> = opt_outs.iter().map(|opt_out| opt_out.workspace.clone()).collect();
    let total = opt_outs.len() as u64;
    let added = add_in_parts(store, opt_outs).await?;
    let already_there = total - added;
    let details = serde_json::json!({ "workspaces": workspaces, "added": added, "already_there": already_there });
    super::audit::note(store, "opt_out.import", None, details).await?;
    Ok(Imported { added, already_there, workspaces })
}

async fn export(records: Records, workspace: Option<&str>) -> anyhow::Result<CommandStatus> {
    let left_out = match records {
        Records::Service(service) => download(&service, workspace).await?,
        Records::Store(store) => {
            let written = print(&store, workspace).await;
            store.close().await;
            written?
        }
    };
    if left_out > 0 {
        let told = counted(left_out, "opt-out of a person who was", "opt-outs of people who were");
        let (are, it) = if left_out == 1 { ("is", "it holds") } else { ("are", "they hold") };
        terminal::err!("{told} erased {are} left out; {it} on here");
    }
    Ok(CommandStatus::Success)
}

async fn download(service: &Service, workspace: Option<&str>) -> anyhow::Result<u64> {
    let mut path = "/api/v1/opt-outs/export".to_owned();
    if let Some(name) = workspace {
        path += &format!("?workspace={}", url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>());
    }
    let mut response = service.download(&path).await?;
    let left_out = response.headers().get("x-left-out").and_then(|count| count.to_str().ok()?.parse().ok());
    while let Some(part) = response.chunk().await? {
        terminal::write_stdout(&part)?;
    }
    Ok(left_out.unwrap_or_default())
}

async fn print(store: &SqlStore, workspace: Option<&str>) -> anyhow::Result<u64> {
    let only = workspace.map(|name| vec![name.to_owned()]);
    let (mut table, mut after) = (WriteTable::default(), None);
    loop {
        let found = store.opt_outs_after(only.as_deref(), after.as_ref(), READ).await?;
        terminal::write_stdout(&table.lines(&found))?;
        if found.len() < READ as usize {
            return Ok(store.erased_opt_outs(only.as_deref()).await?);
        }
        after = found.into_iter().next_back();
    }
}
