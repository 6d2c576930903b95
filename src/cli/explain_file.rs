//! `explain --file`: what the rules would do with a message from a file, without requests and without the store.

use super::{args::ExplainArgs, chosen, env};
use crate::{
    app::{self, AppError, CliOptions},
    engine::{Explanation, SampleFields, SampleThread},
    model::{MailAttachment, Message, Mode},
    rules::{LoadContext, RuleSet},
};
use anyhow::Context as _;
use jiff::Timestamp;
use mail_parser::{MessageParser, MimeHeaders};
use std::{collections::HashMap, path::Path};

/// No reply of a lead is larger than this.
pub(super) const MAX_BYTES: u64 = 32 * 1024 * 1024;

pub(super) fn explain(overrides: &CliOptions, args: &ExplainArgs, file: &Path) -> anyhow::Result<Vec<Explanation>> {
    let (rules, workspace, caps) = match app::load(overrides, &env) {
        Ok(settings) => {
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
            (app::load_rules(&settings)?, name, caps)
        }
        Err(error) => match &overrides.rules {
            Some(rules) => {
                let context = LoadContext { without_configuration: true, ..LoadContext::default() };
                (RuleSet::load(rules, &context).map_err(AppError::Invalid)?, "file".to_owned(), (Mode::Live, true))
            }
            None => return Err(error.into()),
        },
    };
    let is_yaml = file.extension().is_some_and(|end| end == "yaml" || end == "yml");
    let told = if is_yaml { from_tests(file, args)? } else { vec![from_message(file, args)?] };
    told.iter().map(|told| judged(told, &rules, &workspace, caps)).collect()
}

fn judged(told: &SampleThread, rules: &RuleSet, workspace: &str, caps: (Mode, bool)) -> anyhow::Result<Explanation> {
    let judged = told.evaluate(rules, workspace, caps, &HashMap::new());
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
    let message = if is_mail { from_mail(&bytes, file)? } else { from_text(bytes, file)? };
    let about = SampleFields {
        lead_email: args.lead_email.clone(),
        lead_name: None,
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

pub(super) fn from_mail(bytes: &[u8], file: &Path) -> anyhow::Result<Message> {
    let mail = MessageParser::default().parse(bytes);
    let mail = mail.with_context(|| format!("{} is not a mail", file.display()))?;
    let address = |list: Option<&mail_parser::Address<'_>>| {
        list.and_then(|list| list.first()).and_then(|first| first.address()).map(str::to_owned)
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
    Ok(Message {
        from: address(mail.from()),
        to: address(mail.to()),
        subject: mail.subject().map(str::to_owned),
        text: text.and_then(|_| part(&mail.text_body)),
        html: html.and_then(|_| part(&mail.html_body)),
        created_at: mail.date().and_then(|date| Timestamp::from_second(date.to_timestamp()).ok()),
        attachments: attachments.collect(),
        ..Message::default()
    })
}
