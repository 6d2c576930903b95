//! Opt-outs as a table that spreadsheets read and write: CSV with the columns workspace, email, since and evidence.
//!
//! A cell that a spreadsheet would take for a formula gets a leading apostrophe when it is written, and loses it when it is
//! read, so that what was written is what is read.

use super::{OptOut, OptOutStore, StoreError};
use crate::model::address_of;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use std::{borrow::Cow, time::Duration};

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

impl ReadTable<'_> {
    /// The opt-outs of a table, or every line that is none. Of two lines about the same address both are there.
    ///
    /// # Errors
    /// Lines that are no opt-outs. Then none of the others counts.
    pub fn read(&self, table: &[u8]) -> Result<Vec<OptOut>, Vec<BadLine>> {
        let table = table.strip_prefix(b"\xef\xbb\xbf").unwrap_or(table);
        if table.starts_with(b"\xff\xfe") || table.starts_with(b"\xfe\xff") {
            return Err(vec![bad(1, "this is UTF-16: save the table as CSV in UTF-8")]);
        }
        let delimiter = delimiter(table);
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
                    bad_lines.push(bad(error.position().map_or(0, csv::Position::line), error.to_string()));
                    break;
                }
            }
            let ended = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
            let written = table.get(began..ended).unwrap_or_default();
            began = ended;
            if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
                continue;
            }
            let line = line_of(table, &record);
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
        if columns.is_none() {
            bad_lines.push(bad(1, "the table is empty: its first line names the columns, of which `email` is needed"));
        }
        if bad_lines.is_empty() { Ok(found) } else { Err(bad_lines) }
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

/// Which cell of a line is what.
struct Columns {
    email: usize,
    workspace: Option<usize>,
    since: Option<usize>,
    evidence: Option<usize>,
    count: usize,
}

impl Columns {
    fn read(header: &csv::ByteRecord) -> Result<Self, String> {
        let mut places = [None; 4];
        for (place, cell) in header.iter().enumerate() {
            let name = String::from_utf8_lossy(cell.trim_ascii()).to_lowercase();
            let named = COLUMNS.iter().position(|column| *column == name);
            let slot = named.and_then(|named| places.get_mut(named)).ok_or_else(|| {
                let shown: String = name.chars().take(80).collect();
                format!("unknown column `{shown}`: the first line names the columns, which are {}", COLUMNS.join(", "))
            })?;
            if slot.replace(place).is_some() {
                return Err(format!("the column `{name}` is there twice"));
            }
        }
        let [workspace, email, since, evidence] = places;
        let email = email.ok_or("the first line names no column `email`")?;
        Ok(Self { email, workspace, since, evidence, count: header.len() })
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    const NOW: &str = "2026-07-15T12:00:00Z";

    fn read(table: impl AsRef<[u8]>, workspaces: &[&str], chosen: Option<&str>) -> Result<Vec<OptOut>, Vec<BadLine>> {
        let workspaces = names(workspaces);
        ReadTable { workspaces: &workspaces, chosen, now: NOW.parse().unwrap() }.read(table.as_ref())
    }

    #[test]
    fn a_row_whose_quotes_are_not_closed_takes_no_others_with_it() {
        for (table, line, told) in [
            ("email,evidence\na@q.example,\"wrote: stop\nb@q.example,bar\nc@q.example,bar\n", 2, "not closed"),
            ("email,evidence\na@q.example,no\n\n\"b@q.example\"x,no\n", 4, "behind its closing quote"),
            ("email;evidence\na@q.example;\"said \"stop\" twice\"\n", 2, "behind its closing quote"),
        ] {
            let bad = read(table, &["acme"], None).unwrap_err();
            assert!(bad.len() == 1 && bad[0].line == line && bad[0].problem.contains(told), "{table}: {bad:?}");
        }
        let fine = "email,evidence\r\na@q.example,he said \"stop\"\r\nb@q.example,\"said \"\"stop\"\", twice\"\r\n";
        assert_eq!(read(fine, &["acme"], None).unwrap().len(), 2);
    }

    #[test]
    fn columns_stand_in_any_order_and_only_the_address_is_needed() {
        let opt_out = |email: &str, since: &str, evidence: &str| OptOut {
            workspace: "acme".to_owned(),
            email: email.to_owned(),
            since: since.parse().unwrap(),
            evidence: evidence.to_owned(),
        };
        for table in [
            "email\nJane@Acme.example\n",
            "\u{feff}email\r\nJane@Acme.example\r\n",
            "email\nJane Doe <jane@acme.example>",
            "\n\nEMAIL , Workspace\n\n jane@acme.example , acme \n,\n\n",
            "since;email;evidence\n;jane@acme.example;\n",
            "workspace\temail\n\tjane@acme.example\n",
        ] {
            assert_eq!(read(table, &["acme"], None).unwrap(), [opt_out("jane@acme.example", NOW, IMPORTED)], "{table}");
        }
        let table = "evidence,since,email\n\"no, thanks\nand bye\",2026-01-31,*@Acme.example\n\
                     no,2026-02-01T10:00:00+02:00,a@b.example\n";
        assert_eq!(
            read(table, &["acme", "globex"], Some("acme")).unwrap(),
            [
                opt_out("*@acme.example", "2026-01-31T00:00:00Z", "no, thanks\nand bye"),
                opt_out("a@b.example", "2026-02-01T08:00:00Z", "no")
            ]
        );
    }

    #[test]
    fn every_bad_line_is_named_and_nothing_counts_then() {
        let long = format!("a@b.example,,,{}", "x".repeat(MAX_EVIDENCE + 1));
        let lines = [
            "workspace,email,since,evidence",
            "acme,good@acme.example,,",
            "acme,nobody,,",
            "",
            "acme,,,",
            "acme,*@acme,,",
            "other,a@b.example,,",
            ",a@b.example,,",
            "acme,a@b.example,yesterday,",
            "acme,a@b.example,2030-01-01,",
            "acme,a@b.example",
            "acme,a b@c.example,,",
            "acme,a@b@c.example,,",
            "acme,@c.example,,",
            "acme,erased:00ff,,",
            &long,
        ];
        for end in ["\n", "\r\n"] {
            let found = read(lines.join(end), &["acme", "globex"], None).unwrap_err();
            let at: Vec<u64> = found.iter().map(|bad| bad.line).collect();
            assert_eq!(at, [3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], "{found:#?}");
            for (bad, part) in found.iter().zip([
                "`nobody` is not an e-mail address",
                "missing",
                "*@acme.example",
                "unknown workspace `other`; use one of acme, globex",
                "names no workspace",
                "`yesterday` is no time",
                "in the future",
                "2 cells where the first line has 4",
            ]) {
                assert!(bad.problem.contains(part), "{bad:?}");
            }
        }
        for (table, part) in [
            ("", "empty"),
            ("jane@acme.example\n", "unknown column `jane@acme.example`"),
            ("workspace\nacme\n", "no column `email`"),
            ("email,email\na@b.example,\n", "twice"),
            ("email\n\"a@b.example\nc@d.example\n", "not closed"),
        ] {
            let found = read(table, &["acme"], None).unwrap_err();
            assert!(found[0].problem.contains(part), "{table}: {found:?}");
        }
        let found = read("workspace,email\nglobex,a@b.example\n", &["acme", "globex"], Some("acme")).unwrap_err();
        assert!(found[0].problem.contains("`acme` was chosen"), "{found:?}");
        assert!(read(b"email\n\xff@b.example\n", &["acme"], None).unwrap_err()[0].problem.contains("UTF-8"));
        assert!(read(b"\xff\xfee\0", &["acme"], None).unwrap_err()[0].problem.contains("UTF-16"));
    }

    #[test]
    fn a_cell_that_looks_like_a_formula_gets_an_apostrophe() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@x", "'@x"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("'=1", "''=1"),
            ("'tis", "'tis"),
            ("a=1", "a=1"),
            ("", ""),
        ] {
            assert_eq!((&*guarded(cell), &*unguarded(written)), (written, cell));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            rows in proptest::collection::vec(
                (0..2_usize, "[=+@-]{0,2}[a-z]{1,3}", 0..4_000_000_i64, "['=+@\t\r\n\",; a-zé-]{0,12}x"), 0..20
            )
        ) {
            let workspaces = ["acme", "-globex"];
            let opt_outs: Vec<OptOut> = rows
                .into_iter()
                .map(|(workspace, name, since, evidence)| OptOut {
                    workspace: workspaces[workspace].to_owned(),
                    email: format!("{}@b.example", name.replace('@', "")),
                    since: Timestamp::from_microsecond(since * 1_000_003).unwrap(),
                    evidence,
                })
                .collect();
            let (first, rest) = opt_outs.split_at(opt_outs.len() / 2);
            let mut table = WriteTable::default();
            let written = [table.lines(first), table.lines(rest)].concat();
            prop_assert_eq!(read(written, &workspaces, None).unwrap(), opt_outs);
        }

        #[test]
        fn no_table_ends_in_a_panic(table in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&table, &["acme"], None);
            let _ = read([b"email,since\n".as_slice(), &table].concat(), &["acme"], None);
        }
    }
}
