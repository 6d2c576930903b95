//! Opt-outs as a table that spreadsheets read and write: CSV with the columns workspace, email, since and evidence.
//!
//! A cell that a spreadsheet would take for a formula gets a leading apostrophe when it is written, and loses it when it is
//! read, so that what was written is what is read.

mod columns;

use super::{OptOut, OptOutStore, StoreError};
use crate::model::address_of;
use columns::Columns;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use std::{borrow::Cow, collections::BTreeSet, time::Duration};

/// The columns, in the order in which they are written.
pub const COLUMNS: [&str; 4] = ["workspace", "email", "since", "evidence"];
/// The evidence of a line that has none.
pub const IMPORTED: &str = "imported";
/// An address with more characters than this is none.
const MAX_ADDRESS: usize = 320;
/// Evidence has at most so many characters.
const MAX_EVIDENCE: usize = 4_000;
/// So many lines are named; more are counted.
pub const MAX_NAMED: usize = 50;
/// So many are written in a transaction.
const PART: usize = 1_000;
/// A clock elsewhere may be so far ahead.
const AHEAD: Duration = Duration::from_secs(86_400);

/// A line that cannot be imported, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub problem: String,
}

/// What a table is read with.
#[derive(Debug, Clone, Copy)]
pub struct ReadTable<'a> {
    /// The workspaces that lines may name.
    pub workspaces: &'a [String],
    /// The workspace that was asked for.
    pub chosen: Option<&'a str>,
    /// The time that lines without one get.
    pub now: Timestamp,
}

/// What was read of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its opt-outs, in order.
    pub opt_outs: Vec<OptOut>,
    /// The columns that were taken for something else than they are called: what for, and their names as written.
    pub taken: Vec<(&'static str, String)>,
    /// The columns that were not used.
    pub unused: Vec<String>,
}

impl Table {
    /// The domains of which everybody is opted out, in order, each once.
    pub fn whole_domains(&self) -> BTreeSet<&str> {
        self.opt_outs.iter().filter_map(|opt_out| opt_out.email.strip_prefix("*@")).collect()
    }
}

impl ReadTable<'_> {
    /// The opt-outs of a table, or every line that is none. Of two lines about the same address both are there.
    ///
    /// # Errors
    /// Lines that are no opt-outs. Then none of the others counts.
    pub fn read(&self, table: &[u8]) -> Result<Table, Vec<BadLine>> {
        let table = table.strip_prefix(b"\xef\xbb\xbf").unwrap_or(table);
        if table.starts_with(b"\xff\xfe") || table.starts_with(b"\xfe\xff") {
            return Err(vec![bad(1, "this is UTF-16: save the table as CSV in UTF-8")]);
        }
        let (delimiter, table, skipped) = match told_delimiter(table) {
            Some((delimiter, rest)) => (delimiter, rest, 1),
            None => (delimiter(table), table, 0),
        };
        let mut reader =
            csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(table);
        let (mut found, mut bad_lines) = (Vec::new(), Vec::new());
        let mut began = 0;
        let mut columns: Option<Columns> = None;
        let mut record = csv::ByteRecord::new();
        loop {
            match reader.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    bad_lines.push(bad(line + skipped, error.to_string()));
                    break;
                }
            }
            let ended = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
            let written = table.get(began..ended).unwrap_or_default();
            began = ended;
            if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
                continue;
            }
            let line = line_of(table, &record) + skipped;
            // The reader takes them as well as it can, and may take the lines below for a part of the cell.
            if let Err(problem) = check_quotes(written, delimiter) {
                bad_lines.push(bad(line, problem));
                continue;
            }
            match &columns {
                None => match Columns::read(&record) {
                    Ok(named) => columns = Some(named),
                    Err(problem) => return Err(vec![bad(line, problem)]),
                },
                Some(columns) => match self.opt_out(columns, &record) {
                    Ok(opt_out) => found.push(opt_out),
                    Err(problem) => bad_lines.push(bad(line, problem)),
                },
            }
        }
        let Some(columns) = columns else {
            bad_lines.push(bad(1, "the table is empty: its first line names the columns, of which `email` is needed"));
            return Err(bad_lines);
        };
        if !bad_lines.is_empty() {
            return Err(bad_lines);
        }
        Ok(Table { opt_outs: found, taken: columns.taken, unused: columns.unused })
    }

    fn opt_out(&self, columns: &Columns, record: &csv::ByteRecord) -> Result<OptOut, String> {
        if record.len() != columns.count {
            let (here, there) = (record.len(), columns.count);
            return Err(format!("it has {here} cells where the first line has {there}"));
        }
        let cell = |column: Option<usize>| -> Result<Cow<'_, str>, String> {
            let bytes = column.and_then(|column| record.get(column)).unwrap_or_default();
            let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8: save the table as CSV in UTF-8")?;
            Ok(unguarded(text))
        };
        let email = opt_out_address(&cell(Some(columns.email))?)?;
        let evidence = cell(columns.evidence)?;
        if evidence.chars().count() > MAX_EVIDENCE {
            return Err(format!("its evidence has more than {MAX_EVIDENCE} characters"));
        }
        Ok(OptOut {
            workspace: self.workspace(cell(columns.workspace)?.trim())?,
            email,
            since: self.since(cell(columns.since)?.trim())?,
            evidence: if evidence.trim().is_empty() { IMPORTED.to_owned() } else { evidence.into_owned() },
        })
    }

    fn workspace(&self, written: &str) -> Result<String, String> {
        let all = || self.workspaces.join(", ");
        match (written, self.chosen, self.workspaces) {
            ("", Some(chosen), _) => Ok(chosen.to_owned()),
            ("", None, [only]) => Ok(only.clone()),
            ("", None, _) => {
                Err(format!("it names no workspace: add one, or choose one for the whole table: {}", all()))
            }
            (name, Some(chosen), _) if name != chosen => {
                Err(format!("it names the workspace `{name}`, and `{chosen}` was chosen for the whole table"))
            }
            (name, ..) if self.workspaces.iter().any(|known| known == name) => Ok(name.to_owned()),
            (name, ..) => Err(format!("unknown workspace `{name}`; use one of {}", all())),
        }
    }

    fn since(&self, written: &str) -> Result<Timestamp, String> {
        if written.is_empty() {
            return Ok(self.now);
        }
        let at = written.parse::<Timestamp>().ok().or_else(|| {
            let day = written.parse::<Date>().ok().filter(|_| !written.contains([':', 'T']))?;
            TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
        });
        let at =
            at.ok_or_else(|| format!("`{written}` is no time: write it like 2026-01-31T12:00:00Z or 2026-01-31"))?;
        if self.now.saturating_add(AHEAD).is_ok_and(|latest| at > latest) {
            return Err(format!("`{written}` is in the future"));
        }
        Ok(at)
    }
}

/// Adds opt-outs, so many in a transaction that whatever else is written waits for none of them; how many there were none of
/// before comes back.
///
/// # Errors
/// The store fails. The parts before are added; adding them again changes nothing.
pub async fn add_in_parts(store: &(impl OptOutStore + ?Sized), mut opt_outs: Vec<OptOut>) -> Result<u64, StoreError> {
    let mut added = 0;
    while !opt_outs.is_empty() {
        let rest = opt_outs.split_off(opt_outs.len().min(PART));
        added += store.add_opt_outs(std::mem::replace(&mut opt_outs, rest)).await?;
    }
    Ok(added)
}

fn bad(line: u64, problem: impl Into<String>) -> BadLine {
    BadLine { line, problem: problem.into() }
}

/// Where a record begins: blank lines before it are no part of it.
fn line_of(table: &[u8], record: &csv::ByteRecord) -> u64 {
    let Some(position) = record.position() else { return 0 };
    let from = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let blank = table.get(from..).unwrap_or_default().iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    position.line() + blank.filter(|byte| **byte == b'\n').count() as u64
}

/// Whether each cell in quotes ends with them, before the next one begins (RFC 4180, section 2).
fn check_quotes(row: &[u8], delimiter: u8) -> Result<(), &'static str> {
    let blank = row.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let mut rest = row.get(blank..).unwrap_or_default();
    loop {
        if let Some(mut quoted) = rest.strip_prefix(b"\"") {
            loop {
                let Some(place) = quoted.iter().position(|byte| *byte == b'"') else {
                    return Err("quotes are not closed: close them, and write a quote inside of a cell twice");
                };
                quoted = quoted.get(place + 1..).unwrap_or_default();
                match quoted.strip_prefix(b"\"") {
                    Some(behind) => quoted = behind,
                    None => break,
                }
            }
            rest = quoted;
            if !rest.is_empty()
                && !rest.starts_with(&[delimiter])
                && !rest.starts_with(b"\r")
                && !rest.starts_with(b"\n")
            {
                return Err("a cell goes on behind its closing quote: write a quote inside of a cell twice");
            }
        }
        match rest.iter().position(|byte| *byte == delimiter) {
            Some(place) => rest = rest.get(place + 1..).unwrap_or_default(),
            None => return Ok(()),
        }
    }
}

/// What separates the cells: some spreadsheets write semicolons or tabs.
fn delimiter(table: &[u8]) -> u8 {
    let first = table.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    first.iter().copied().find(|byte| matches!(byte, b',' | b';' | b'\t')).unwrap_or(b',')
}

/// What a first line says that separates the cells: `sep=;`, as some spreadsheets write, and the lines behind it.
fn told_delimiter(table: &[u8]) -> Option<(u8, &[u8])> {
    let (told, rest) = table.split_at(table.iter().position(|byte| *byte == b'\n')? + 1);
    match told.trim_ascii().strip_prefix(b"sep=")? {
        [delimiter] if delimiter.is_ascii() => Some((*delimiter, rest)),
        _ => None,
    }
}

/// The address of an opt-out in lower case: an address, or a whole domain (`*@acme.example`).
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn opt_out_address(text: &str) -> Result<String, String> {
    let shown = || text.trim().chars().take(MAX_ADDRESS).collect::<String>();
    let Some(address) = address_of(text) else {
        return Err(match text.trim() {
            "" => "the e-mail address is missing".to_owned(),
            _ => format!("`{}` is not an e-mail address", shown()),
        });
    };
    let is_well_formed = |(name, domain): (&str, &str)| !name.is_empty() && !domain.is_empty() && !name.contains('@');
    let has_blanks = address.chars().any(|c| c.is_whitespace() || c.is_control());
    if has_blanks || address.chars().count() > MAX_ADDRESS || !address.rsplit_once('@').is_some_and(is_well_formed) {
        return Err(format!("`{}` is not an e-mail address", shown()));
    }
    if let Some(domain) = address.strip_prefix("*@")
        && (!domain.contains('.') || domain.contains('*') || domain.starts_with('.') || domain.ends_with('.'))
    {
        return Err(format!("`{address}` is no domain: write it like *@acme.example"));
    }
    Ok(address)
}

/// Writes a table, part by part.
#[derive(Debug, Default)]
pub struct WriteTable {
    has_begun: bool,
}

impl WriteTable {
    /// The next lines; the first part begins with the names of the columns.
    pub fn lines(&mut self, opt_outs: &[OptOut]) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        // Nothing that is written to memory fails.
        if !std::mem::replace(&mut self.has_begun, true) {
            let _ = writer.write_record(COLUMNS);
        }
        for OptOut { workspace, email, since, evidence } in opt_outs {
            let since = since.to_string();
            let _ = writer.write_record([workspace, email, &since, evidence].map(|cell| guarded(cell).into_owned()));
        }
        writer.into_inner().unwrap_or_default()
    }
}

/// Whether a spreadsheet may take the cell for a formula, apostrophes before it or not.
fn looks_like_a_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn guarded(cell: &str) -> Cow<'_, str> {
    if looks_like_a_formula(cell) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

fn unguarded(cell: &str) -> Cow<'_, str> {
    match cell.strip_prefix('\'') {
        Some(rest) if looks_like_a_formula(rest) => Cow::Borrowed(rest),
        _ => Cow::Borrowed(cell),
    }
}

#[cfg(test)]
mod tests;
