//! `explain --file`: what the rules would do with a message from a file, without requests and without the store.

use super::{args::ExplainArgs, chosen, export_test, load_offline, terminal};
use crate::{
    app::{self, AppError, CliOptions},
    engine::{Explanation, SampleFields, SampleThread},
    model::{Conversation, MailAttachment, Message, Mode},
    rules::{LoadContext, RuleSet},
};
use anyhow::Context as _;
use jiff::Timestamp;
use mail_parser::{DateTime, MessageParser, MimeHeaders};
use std::{collections::HashMap, path::Path};

/// No reply of a lead is larger than this.
pub(super) const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// What a message is evaluated with.
struct Rules {
    set: RuleSet,
    workspace: String,
    /// The workspace's mode, and whether it holds a reply to what may be automatic mail.
    caps: (Mode, bool),
}

/// Explains what the rules would do with each message of a file.
pub(super) fn explain(overrides: &CliOptions, args: &ExplainArgs, file: &Path) -> anyhow::Result<Vec<Explanation>> {
    let rules = load(overrides, args)?;
    let told = if is_yaml(file) { from_tests(file, args)? } else { vec![from_message(file, args)?] };
    told.iter().map(|told| judged(told, &rules)).collect()
}

/// Writes a message of a file as a test case that passes with the rules of now.
pub(super) fn as_test(overrides: &CliOptions, args: &ExplainArgs, file: &Path) -> anyhow::Result<String> {
    anyhow::ensure!(
        !is_yaml(file),
        "{} has tests already; --as-test takes a mail (.eml) or the text of a message",
        file.display()
    );
    let Rules { set, workspace, caps: (_, hold_uncertain) } = load(overrides, args)?;
    let SampleThread { thread, messages, now } = from_message(file, args)?;
    export_test::to_yaml(&thread, &Conversation::new(messages), &set, (&workspace, hold_uncertain), now)
}

fn is_yaml(file: &Path) -> bool {
    file.extension().is_some_and(|end| end == "yaml" || end == "yml")
}

/// The rules with as much of the configuration as there is: what is asked here reaches nobody, so it needs no secret.
fn load(overrides: &CliOptions, args: &ExplainArgs) -> anyhow::Result<Rules> {
    let left_out = match load_offline(overrides) {
        Ok((settings, unset)) => {
            if !unset.is_empty() {
                let (names, are) = (unset.join("`, `"), if unset.len() == 1 { "is" } else { "are" });
                terminal::err!("note: `{names}` {are} not set; nothing here needs it, so it is left out");
            }
            let workspace = match args.workspace.as_deref() {
                Some(name) => Some(chosen(&settings, Some(name))?),
                // Rules differ by workspace, so one must be selected.
                None if settings.workspaces.iter().any(|workspace| workspace.rules.is_some()) => {
                    Some(chosen(&settings, None)?)
                }
                None => settings.workspaces.first(),
            };
            let name = workspace.map_or_else(|| "file".to_owned(), |workspace| workspace.name().to_owned());
            let caps = workspace.map_or((Mode::Live, settings.safety.hold_uncertain), |workspace| {
                (workspace.settings.mode, workspace.settings.safety.hold_uncertain)
            });
            return Ok(Rules { set: app::load_rules(&settings)?, workspace: name, caps });
        }
        Err(error) => error,
    };
    let Some(rules) = &overrides.rules else { return Err(left_out.into()) };
    if !matches!(left_out, AppError::NoConfiguration(_)) {
        let why = left_out.to_string();
        let why = why.lines().next().unwrap_or_default();
        terminal::err!(
            "note: the configuration is left out, so its lists, destinations and hours are not known: {why}"
        );
    }
    let context = LoadContext { without_configuration: true, ..LoadContext::default() };
    let set = RuleSet::load(rules, &context).map_err(AppError::Invalid)?;
    Ok(Rules { set, workspace: "file".to_owned(), caps: (Mode::Live, true) })
}

fn judged(told: &SampleThread, rules: &Rules) -> anyhow::Result<Explanation> {
    let judged = told.evaluate(&rules.set, &rules.workspace, rules.caps, &HashMap::new());
    let (explanation, _) =
        judged.map_err(|need| anyhow::anyhow!("a rule needs {need:?}, which a file does not have"))?;
    Ok(explanation)
}

/// The tests of a file; their own rules, if it has any, do not count.
fn from_tests(file: &Path, args: &ExplainArgs) -> anyhow::Result<Vec<SampleThread>> {
    let cases = RuleSet::load_tests(file).map_err(AppError::Invalid)?;
    let names: Vec<String> = cases.iter().map(|case| format!("`{}`", case.name)).collect();
    let told: Vec<SampleThread> = cases
        .into_iter()
        .filter(|case| args.test.as_ref().is_none_or(|name| *name == case.name))
        .map(|case| SampleThread { thread: case.thread, messages: case.messages, now: case.now })
        .collect();
    match (told.is_empty(), &args.test) {
        (false, _) => Ok(told),
        (true, Some(name)) if !names.is_empty() => {
            anyhow::bail!("no test `{name}` in {}; it has {}", file.display(), names.join(", "))
        }
        (true, _) => anyhow::bail!("{} has no `tests:`", file.display()),
    }
}

fn from_message(file: &Path, args: &ExplainArgs) -> anyhow::Result<SampleThread> {
    let size = std::fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?.len();
    anyhow::ensure!(size <= MAX_BYTES, "{} is larger than 32 MiB", file.display());
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let is_mail = file.extension().is_some_and(|end| end == "eml");
    let message = match is_mail {
        true => from_mail(&bytes).with_context(|| format!("{} is not a mail", file.display()))?,
        false => from_text(bytes, file)?,
    };
    let about = SampleFields {
        lead_email: args.lead_email.clone(),
        lead_name: args.lead_name.clone(),
        subject: args.subject.clone(),
        category: args.category.clone(),
        campaign: args.campaign.clone(),
    };
    Ok(SampleThread::new(file.display().to_string(), message, about, Timestamp::now()))
}

fn from_text(bytes: Vec<u8>, file: &Path) -> anyhow::Result<Message> {
    let text = String::from_utf8(bytes)
        .with_context(|| format!("{} is not UTF-8 text; save a mail as .eml", file.display()))?;
    Ok(Message { text: Some(text), ..Message::default() })
}

/// The message of a mail; `None` if it is none.
pub(super) fn from_mail(bytes: &[u8]) -> Option<Message> {
    let mail = MessageParser::default().parse(bytes)?;
    let address = |list: Option<&mail_parser::Address<'_>>| {
        let first = list.and_then(|list| list.first())?;
        let address = first.address()?;
        let name = first.name().map(str::trim).filter(|name| !name.is_empty() && !name.contains(['<', '>']));
        Some(name.map_or_else(|| address.to_owned(), |name| format!("{name} <{address}>")))
    };
    let part = |ids: &[u32]| {
        ids.first().and_then(|id| mail.part(*id)).and_then(|part| part.text_contents()).map(str::to_owned)
    };
    let html = mail.html_body.first().and_then(|id| mail.part(*id)).filter(|part| part.is_text_html());
    let text = mail.text_body.first().and_then(|id| mail.part(*id)).filter(|part| !part.is_text_html());
    let attachments = mail.attachments().map(|file| MailAttachment {
        filename: file.attachment_name().map(str::to_owned),
        ..MailAttachment::default()
    });
    Some(Message {
        from: address(mail.from()),
        to: address(mail.to()),
        subject: mail.subject().map(str::to_owned),
        text: text.and_then(|_| part(&mail.text_body)),
        html: html.and_then(|_| part(&mail.html_body)),
        created_at: time_of(&mail),
        attachments: attachments.collect(),
        ..Message::default()
    })
}

/// When a mail was written. Where it does not say so, when the last server on its way took it: that stands first.
pub(super) fn time_of(mail: &mail_parser::Message<'_>) -> Option<Timestamp> {
    let received = mail.received_all().filter_map(mail_parser::Received::date);
    let mut dates = mail.date().copied().into_iter().chain(received).filter(DateTime::is_valid);
    dates.find_map(|date| Timestamp::from_second(date.to_timestamp()).ok())
}
