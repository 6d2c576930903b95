//! CSV with a header row, as spreadsheets write it: separated by commas, semicolons or tabs, cells perhaps in quotes.

use super::{MAX_COLUMNS, builder::Builder, list::CellKind};
use crate::{diagnostics::code, model::counted};
use csv::{ReaderBuilder, StringRecord};
use std::borrow::Cow;

/// What may stand between cells.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Reads the rows of a text; `start` is where it begins in the file, behind a mark of the byte order.
pub(super) fn read(text: &str, start: usize, key: Option<&str>, builder: &mut Builder<'_>) {
    let (separator, skipped) = separator_of(text);
    let (text, start) = (text.get(skipped..).unwrap_or_default(), start + skipped);
    let mut reader =
        ReaderBuilder::new().delimiter(separator).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    let mut has_columns = false;
    loop {
        let before = place(reader.position());
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                let at = start + before;
                builder.report(code::LIST_FORMAT, at..at, format!("the row cannot be read: {error}"), "save it as CSV");
                return;
            }
        }
        // The reader's place lies before blank lines.
        let at = record.position().map_or(before, place);
        let at = start + at + blank_before(text.get(at..).unwrap_or_default());
        let end = place(reader.position());
        let written = text.get(at.saturating_sub(start)..end).unwrap_or_default();
        if written.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
            let hint = "close the quotes; a quote inside of a cell in quotes is written twice: \"\"";
            builder.report(code::LIST_FORMAT, at..builder.end_of_line(at), "quotes are not closed in this row", hint);
            if end >= text.len() {
                return;
            }
        }
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if !has_columns {
            if !read_header(&record, key, at, builder) {
                return;
            }
            has_columns = true;
            continue;
        }
        push(&record, at, separator, builder);
        if builder.has_given_up() {
            return;
        }
    }
    if !has_columns {
        let hint = "the first row names the columns, such as `domain,owner,channel`";
        builder.report(code::LIST_FORMAT, start..start, "the list is empty: it has no header row", hint);
    }
}

fn read_header(record: &StringRecord, key: Option<&str>, at: usize, builder: &mut Builder<'_>) -> bool {
    let mut columns: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
    // Spreadsheets write separators after the last column where a cell further right was once used.
    let used = columns.iter().rposition(|column| !column.is_empty()).map_or(0, |last| last + 1);
    columns.truncate(used);
    let range = at..builder.end_of_line(at);
    if columns.len() > MAX_COLUMNS {
        let message = format!("the list has {} columns; {MAX_COLUMNS} is the most", columns.len());
        builder.report(code::LIST_FILE, range, message, "leave out the columns that no rule uses");
        return false;
    }
    builder.set_columns(columns, key, range)
}

fn push(record: &StringRecord, at: usize, separator: u8, builder: &mut Builder<'_>) {
    let width = builder.width();
    let extra = record.iter().skip(width).any(|cell| !cell.trim().is_empty());
    if record.len() < width || extra {
        let message = match record.len() {
            1 => format!("this row has one cell, and the list has {width} columns"),
            cells => format!("this row has {cells} cells, and the list has {}", counted(width, "column", "columns")),
        };
        let shown = if separator == b'\t' { "a tab".to_owned() } else { format!("`{}`", char::from(separator)) };
        let hint = if extra {
            format!("cells are separated by {shown}; put a cell that holds one into quotes")
        } else {
            format!("cells are separated by {shown}; leave the place between two of them empty for a blank cell")
        };
        builder.report(code::LIST_FORMAT, at..builder.end_of_line(at), message, &hint);
        return;
    }
    builder.push(at, record.iter().take(width).map(|cell| (Cow::Borrowed(cell), CellKind::Text)));
}

/// What separates the cells, and how many bytes say so: `sep=;` on a line of its own, as some programs write, or what
/// stands in the first line most often, outside of quotes.
fn separator_of(text: &str) -> (u8, usize) {
    let line = text.lines().next().unwrap_or_default();
    if let Some(told) = line.trim_end().strip_prefix("sep=")
        && let [separator] = told.as_bytes()
        && separator.is_ascii()
    {
        let rest = text.get(line.len()..).unwrap_or_default();
        return (*separator, line.len() + rest.len() - rest.trim_start_matches('\r').trim_start_matches('\n').len());
    }
    let line = text.trim_start().lines().next().unwrap_or_default();
    let mut counts = [0_usize; SEPARATORS.len()];
    let mut quoted = false;
    for byte in line.bytes() {
        quoted ^= byte == b'"';
        let found = SEPARATORS.iter().position(|separator| *separator == byte && !quoted);
        if let Some(count) = found.and_then(|found| counts.get_mut(found)) {
            *count += 1;
        }
    }
    // Of equal ones the first.
    let best = SEPARATORS.iter().zip(counts).rev().max_by_key(|(_, count)| *count);
    (best.map_or(b',', |(separator, _)| *separator), 0)
}

fn place(position: &csv::Position) -> usize {
    usize::try_from(position.byte()).unwrap_or(usize::MAX)
}

fn blank_before(text: &str) -> usize {
    text.len() - text.trim_start_matches(['\r', '\n']).len()
}
