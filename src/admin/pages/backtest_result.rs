//! What a check, the tests or a comparison has found, as a page shows it.

use super::{
    super::backtest::{Found, Job, JobState, Task, TestOutcome},
    view::{SentenceTag, TimeTag},
};
use crate::{
    backtest::{Change, Progress, Report, RuleRow},
    diagnostics::{Diagnostic, Severity},
    model::{counted, cut_text},
};
use jiff::Timestamp;
use std::sync::Arc;

/// So many changed events stand on one page.
const PER_PAGE: usize = 25;
/// So much of what a lead wrote is shown, in characters.
const MAX_TEXT: usize = 1_000;
/// So much of a source line is shown before and after the place, in characters.
const MAX_LINE: usize = 160;

/// What was tried.
pub(super) struct JobView {
    pub id: String,
    pub is_running: bool,
    /// The rules have errors: nothing else was found.
    pub is_rejected: bool,
    pub headline: String,
    /// `well`, `waiting` or `trouble`.
    pub class: &'static str,
    /// From 0 to 100, if that is known.
    pub percent: Option<u64>,
    pub error: Option<String>,
    pub by: Option<String>,
    pub started_at: TimeTag,
    pub diagnostics: Vec<DiagnosticView>,
    pub tests: Vec<TestOutcome>,
    /// How many tests are not listed.
    pub tests_left: u64,
    pub report: Option<ReportView>,
}

/// An error or a warning.
pub(super) struct DiagnosticView {
    pub severity: &'static str,
    pub code: &'static str,
    pub message: SentenceTag,
    pub hint: Option<SentenceTag>,
    pub file: String,
    pub line: usize,
    pub column: usize,
    /// It stands in the file that is shown.
    pub is_here: bool,
    /// The source line, and blanks up to the caret.
    pub source: Option<(String, String)>,
}

/// A comparison.
pub(super) struct ReportView {
    pub summary: Vec<String>,
    /// The rules that count otherwise or change events, and then the others.
    pub differing: Vec<[String; RuleRow::HEADER.len()]>,
    pub same: Vec<[String; RuleRow::HEADER.len()]>,
    pub changes: Vec<ChangeView>,
    pub page: usize,
    pub pages: usize,
    pub changed: u64,
    pub left_out: u64,
}

/// An event whose outcome changes.
pub(super) struct ChangeView {
    pub lead: String,
    pub workspace: String,
    pub at: TimeTag,
    pub decision: String,
    pub new_text: Option<String>,
    pub before: SentenceTag,
    pub after: SentenceTag,
    pub why: SentenceTag,
}

impl JobView {
    /// `shown` is the file in the text area.
    pub(super) fn new(job: &Arc<Job>, page: usize, shown: &str, now: Timestamp) -> Self {
        let (state, found, progress) = (job.state(), job.found(), *job.progress.borrow());
        let (headline, class) = headline(job, state, &found, progress);
        let is_running = state == JobState::Running;
        let (passed, failed) = found.counts.unwrap_or_default();
        Self {
            id: job.id.clone(),
            is_running,
            is_rejected: state == JobState::Rejected,
            headline,
            class,
            percent: is_running.then(|| percent(progress, now)).flatten(),
            error: found.error.clone(),
            by: job.order.by.clone(),
            started_at: TimeTag(job.started_at),
            diagnostics: found.diagnostics.iter().map(|found| DiagnosticView::new(found, shown)).collect(),
            tests_left: (passed + failed).saturating_sub(found.tests.len() as u64),
            tests: found.tests.clone(),
            report: found.report.as_ref().map(|report| ReportView::new(report, page)),
        }
    }
}

fn headline(job: &Job, state: JobState, found: &Found, progress: Progress) -> (String, &'static str) {
    let errors = found.diagnostics.iter().filter(|found| found.severity == Severity::Error).count();
    let warnings = found.diagnostics.len() - errors;
    let warned = match warnings {
        0 => String::new(),
        _ => format!(", {}", counted(warnings as u64, "warning", "warnings")),
    };
    match (state, job.order.task) {
        (JobState::Running, task) => (running(task, progress), "waiting"),
        (JobState::Rejected, _) => (format!("{}{warned}", counted(errors as u64, "error", "errors")), "trouble"),
        (JobState::Failed, _) => ("It could not go on".to_owned(), "trouble"),
        (JobState::Cancelled, Task::Compare) => {
            (format!("Cancelled after {}", counted(progress.done, "event", "events")), "waiting")
        }
        (JobState::Cancelled, _) => ("Cancelled".to_owned(), "waiting"),
        (JobState::Done, Task::Check) => (format!("No errors{warned}"), if warnings > 0 { "waiting" } else { "well" }),
        (JobState::Done, Task::Test) => match found.counts.unwrap_or_default() {
            (0, 0) => ("There are no tests beside these rules".to_owned(), "waiting"),
            (passed, 0) => (format!("{} passed", counted(passed, "test", "tests")), "well"),
            (passed, failed) => (format!("{} failed, {passed} passed", counted(failed, "test", "tests")), "trouble"),
        },
        (JobState::Done, Task::Compare) => match &found.report {
            Some(report) if report.changed > 0 => (report.headline(), "waiting"),
            Some(report) => (report.headline(), "well"),
            None => ("Nothing was compared".to_owned(), "waiting"),
        },
    }
}

fn running(task: Task, progress: Progress) -> String {
    match (task, progress.total) {
        (Task::Check, _) => "Checking".to_owned(),
        (Task::Test, Some(total)) => format!("Testing: {} of {total}", progress.done),
        (Task::Compare, _) if progress.done > 0 => format!(
            "Comparing: {}, the outcome of {} changes",
            counted(progress.done, "event", "events"),
            progress.changed
        ),
        _ => "Loading the rules".to_owned(),
    }
}

/// Of tests, by their count; of events, by when they were: they come in this order.
fn percent(progress: Progress, now: Timestamp) -> Option<u64> {
    if let Some(total) = progress.total {
        return Some(progress.done.saturating_mul(100) / total.max(1));
    }
    let (from, up_to) = progress.from.zip(progress.up_to)?;
    let (done, whole) = (up_to.duration_since(from).as_secs().max(0), now.duration_since(from).as_secs().max(1));
    u64::try_from(done.saturating_mul(100) / whole).ok().map(|percent| percent.min(100))
}

impl DiagnosticView {
    fn new(found: &Diagnostic, shown: &str) -> Self {
        let line = found.source.as_ref().and_then(|source| source.redacted_line(found.line));
        Self {
            severity: found.severity.as_str(),
            code: found.code,
            message: SentenceTag(found.message.clone()),
            hint: found.hint.clone().map(SentenceTag),
            file: found.file.clone(),
            line: found.line,
            column: found.column,
            is_here: found.file == shown && found.line > 0,
            source: line.map(|line| excerpt(&line, found.column)),
        }
    }
}

/// A part of a line around a column, and blanks as long as what is before it.
fn excerpt(line: &str, column: usize) -> (String, String) {
    let at = column.saturating_sub(1);
    let from = at.saturating_sub(MAX_LINE);
    let part: String = line.chars().skip(from).take(2 * MAX_LINE).collect();
    let blanks = part.chars().take(at - from).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    (part, blanks)
}

impl ReportView {
    fn new(report: &Report, page: usize) -> Self {
        let (differing, same): (Vec<&RuleRow>, Vec<&RuleRow>) = report.rules.iter().partition(|row| row.differs());
        let cells = |rows: Vec<&RuleRow>| rows.into_iter().map(RuleRow::cells).collect();
        let pages = report.changes.len().div_ceil(PER_PAGE).max(1);
        let page = page.clamp(1, pages);
        let compared = format!("{} compared.", counted(report.events, "event", "events"));
        Self {
            summary: std::iter::once(compared).chain(report.left_out()).collect(),
            differing: cells(differing),
            same: cells(same),
            changes: report.changes.iter().skip((page - 1) * PER_PAGE).take(PER_PAGE).map(ChangeView::new).collect(),
            page,
            pages,
            changed: report.changed,
            left_out: report.changes_left_out,
        }
    }
}

impl ChangeView {
    fn new(change: &Change) -> Self {
        Self {
            lead: change.lead.clone().unwrap_or_else(|| change.thread_id.clone()),
            workspace: change.workspace.clone(),
            at: TimeTag(change.time),
            decision: change.id.clone(),
            new_text: change.new_text.as_deref().map(|text| cut_text(text, MAX_TEXT)),
            before: SentenceTag(change.before.describe()),
            after: SentenceTag(change.after.describe()),
            why: SentenceTag(change.why.text.clone()),
        }
    }
}
