//! `test`: runs the tests beside the rules, offline.

use super::{CommandStatus, args::TextFormat, explain_text, load_offline};
use crate::diagnostics::code;
use crate::{
    app::{self, AppError, Caps, CliOptions, TestRunner},
    engine::ExplainedAction,
    rules::{LoadContext, RuleSet, StepLocation, TestCase, TestResult},
};
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

pub(super) async fn test(
    overrides: &CliOptions,
    paths: &[PathBuf],
    format: TextFormat,
    junit: Option<&Path>,
) -> anyhow::Result<CommandStatus> {
    let without = || LoadContext { without_configuration: true, ..LoadContext::default() };
    let (settings, configured) = match load_offline(overrides) {
        // Tests send nothing.
        Ok((settings, _)) => (Some(settings), None),
        Err(AppError::NoConfiguration(_)) if !paths.is_empty() || overrides.rules.is_some() => {
            (None, overrides.rules.clone())
        }
        // No substitute for an unset variable is valid.
        Err(AppError::Invalid(found)) if found.iter().all(|found| found.code == code::UNSET_VARIABLE) => {
            (None, overrides.rules.clone().or_else(|| Some(PathBuf::from("rules")).filter(|path| path.is_dir())))
        }
        Err(other) => return Err(other.into()),
    };
    let caps = settings.as_ref().map(Caps::from).unwrap_or_default();
    // The paths of the configuration are one set; each path of the command line is a set of its own.
    let paths: Vec<Option<PathBuf>> = match (paths, configured) {
        ([], Some(path)) => vec![Some(path)],
        ([], None) => vec![None],
        (paths, _) => paths.iter().cloned().map(Some).collect(),
    };
    let (mut out, mut report) = (String::new(), String::new());
    let (mut passed, mut failed) = (0_usize, 0_usize);
    let mut results = Vec::new();
    for path in &paths {
        // A test file tests the rules in its folder.
        let alone = path.as_deref().filter(|path| is_test_file(path));
        let named = match alone {
            Some(path) => path.parent().filter(|folder| !folder.as_os_str().is_empty()).or(Some(Path::new("."))),
            None => path.as_deref(),
        };
        let rules = match (&settings, named) {
            (Some(settings), Some(path)) => app::load_rules(&settings.clone().with_rules(path))?,
            (Some(settings), None) => app::load_rules(settings)?,
            (None, Some(path)) => RuleSet::load(path, &without()).map_err(AppError::Invalid)?,
            (None, None) => continue,
        };
        let mut tests = TestRunner::new(&rules, &caps);
        let mut file = "";
        for case in rules.tests().iter().filter(|case| alone.is_none_or(|path| path.ends_with(file_name(&case.file)))) {
            if case.file != file {
                file = &case.file;
                let _ = writeln!(out, "{file}");
            }
            let result = tests.run(case).await?;
            if result.failures.is_empty() {
                passed += 1;
                let _ = writeln!(out, "  {}✓{} {}", GOOD.render(), GOOD.render_reset(), case.name);
                print_notes(&mut out, &result);
            } else {
                failed += 1;
                failure(&mut out, case, &result);
            }
            junit_case(&mut report, case, &result);
            results.push(test_report(case, &result));
        }
        tests.shutdown().await;
    }
    if format == TextFormat::Json {
        let all = json!({ "passed": passed, "failed": failed, "tests": results });
        super::terminal::out!("{}", super::terminal::json(&all)?);
    } else {
        super::terminal::part!("{out}");
        if passed + failed == 0 {
            super::terminal::out!("no tests: add some under `tests:` beside the rules (`init` writes an example)");
        }
        super::terminal::out!("{passed} passed, {failed} failed");
    }
    if let Some(path) = junit {
        let suite = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"reply-router\" tests=\"{}\" \
             failures=\"{failed}\">\n{report}</testsuite>\n",
            passed + failed
        );
        std::fs::write(path, suite).map_err(|error| anyhow::anyhow!("cannot write {}: {error}", path.display()))?;
    }
    Ok(if failed == 0 { CommandStatus::Success } else { CommandStatus::Problem })
}

/// One test of `test --format json`.
fn test_report(case: &TestCase, result: &TestResult) -> Value {
    let failures = result.failures.iter().map(|failure| {
        json!({ "what": failure.what, "expected": failure.wanted, "actual": failure.got, "rules": failure.concerned })
    });
    let step =
        result.step.map(|step| json!({ "number": step.number, "line": step.line, "event": step.event, "at": step.at }));
    json!({
        "name": case.name,
        "file": case.file,
        "line": case.line,
        "passed": result.failures.is_empty(),
        "step": step,
        "failures": failures.collect::<Vec<_>>(),
        "uncertain": result.uncertain,
        "errors": result.errors,
        "actions": result.actions,
    })
}

fn is_test_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| {
        let name = name.to_string_lossy();
        name.ends_with(".test.yaml") || name.ends_with(".test.yml")
    })
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Prints expected and actual values, and the trace of the rules involved.
fn failure(out: &mut String, case: &TestCase, result: &TestResult) {
    let (on, off) = (BAD.render(), BAD.render_reset());
    let _ = writeln!(out, "  {on}✗{off} {}  ({}:{})", case.name, case.file, case.line);
    if let Some(step) = result.step {
        let _ = writeln!(out, "      {} at {}", place(step), step.at);
    }
    let mut concerned: Vec<&str> = Vec::new();
    for failure in &result.failures {
        let _ = writeln!(out, "      {:<8} expected  {}", failure.what, indented(&failure.wanted));
        let _ = writeln!(out, "      {:<8} actual    {}", "", indented(&failure.got));
        concerned.extend(failure.concerned.iter().map(String::as_str));
    }
    print_notes(out, result);
    if !result.actions.is_empty() {
        out.push_str("      actions at that point\n");
    }
    for action in &result.actions {
        let _ = writeln!(out, "        {action}");
    }
    for trace in result.rules.iter().filter(|trace| concerned.contains(&trace.name.as_str())) {
        let mut why = String::new();
        explain_text::render_rule(&mut why, &trace.clone().map_actions(ExplainedAction::new));
        for line in why.lines().filter(|line| !line.is_empty()) {
            let _ = writeln!(out, "      {line}");
        }
    }
    for name in concerned.iter().filter(|name| !result.rules.iter().any(|trace| trace.name == **name)) {
        let _ = writeln!(out, "      no rule `{name}`");
    }
}

/// Names the rules that could not be evaluated, also where a test passes without them, and the replies that are held as
/// uncertain: `reply: null` and `rules: []` allow them.
fn print_notes(out: &mut String, result: &TestResult) {
    for error in &result.errors {
        let _ = writeln!(out, "      {}error{} {}", BAD.render(), BAD.render_reset(), indented(error));
    }
    for why in &result.uncertain {
        let _ = writeln!(out, "      held as uncertain: {why}");
    }
}

/// `step 2 (line 14, then_lead_writes)`.
fn place(step: StepLocation) -> String {
    format!("step {} (line {}, {})", step.number, step.line, step.event)
}

fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n                         ")
}

fn junit_case(report: &mut String, case: &TestCase, result: &TestResult) {
    let name = escaped(&case.name);
    let (file, line) = (escaped(&case.file), case.line);
    let _ = write!(report, "  <testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\" line=\"{line}\"");
    if result.failures.is_empty() {
        report.push_str("/>\n");
        return;
    }
    report.push_str(">\n");
    let step = result.step.map(|step| format!("{}, ", place(step))).unwrap_or_default();
    let errors = result.errors.iter().map(|error| format!("; {error}")).collect::<String>();
    for failure in &result.failures {
        let message =
            escaped(&format!("{step}{}: expected {}, actual {}{errors}", failure.what, failure.wanted, failure.got));
        let _ = writeln!(report, "    <failure message=\"{message}\"/>");
    }
    report.push_str("  </testcase>\n");
}

/// Escapes an XML attribute. Drops characters that XML 1.0 does not allow.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\r' => out.push_str("&#13;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}
