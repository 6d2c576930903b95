//! `explain`: why each rule matches a thread, or does not.

use super::{Outcome, args::TextFormat, chosen, env, explain_text, test_case, warn_of};
use crate::{
    app::{self, Overrides},
    engine::{Explanation, Subject, fetch_messages, judge},
};
use std::collections::HashMap;

pub(super) async fn explain(
    overrides: &Overrides,
    thread: &str,
    format: TextFormat,
    as_test: bool,
    workspace: Option<&str>,
) -> anyhow::Result<Outcome> {
    let settings = app::load_without_file(overrides, &env)?;
    warn_of(&settings);
    let rules = app::load_rules(&settings)?;
    let workspace = chosen(&settings, workspace)?;
    let client = app::client(workspace)?;
    let mut detail = client.thread(thread, crate::coldsend::Priority::Read).await?;
    thread.clone_into(&mut detail.row.id);
    let messages = fetch_messages(&client, thread, crate::coldsend::Priority::Read).await?;
    if as_test {
        anstream::print!("{}", test_case::yaml(&detail.row, messages.conversation())?);
        return Ok(Outcome::Fine);
    }
    let subject = Subject {
        workspace: &workspace.name,
        ceiling: workspace.mode,
        row: &detail.row,
        history: None,
        overrides: &HashMap::new(),
        lead_opted_out: None,
        thorough: true,
    };
    let judged = judge(&client, &rules, subject, Some(messages), jiff::Timestamp::now()).await?;
    let explanation = Explanation::new(&detail.row, &judged);
    match format {
        TextFormat::Json => anstream::println!("{}", serde_json::to_string_pretty(&explanation)?),
        TextFormat::Text => anstream::print!("{}", explain_text::text(&explanation)),
    }
    Ok(Outcome::Fine)
}
