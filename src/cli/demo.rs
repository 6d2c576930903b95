//! `demo`: live rules on a simulated workspace, with events printed as they happen.

use super::{CommandStatus, args::DemoArgs, shutdown_signal};
use crate::{
    app::{Demo, DemoOptions},
    engine::{EngineEvent, EngineEventKind},
    model::{Action, ActionKind, ActionState, counted, cut_line},
    simulator::{Simulator, Workspace},
    store::DecisionRecord,
};
use anstyle::{AnsiColor, Style};
use std::time::{Duration, Instant};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// How often to check whether the script has ended.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);
/// How long the last reply of the script may take to be decided.
const LAST_ONE: Duration = Duration::from_secs(6);

const NAME: Style = AnsiColor::Cyan.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const QUIET: Style = Style::new().dimmed();

pub(super) async fn demo(args: DemoArgs) -> anyhow::Result<CommandStatus> {
    let shutdown = shutdown_signal()?;
    let options = DemoOptions { listen: args.listen, sinks: args.sinks, every: args.every };
    let demo = Demo::start(&options).await?;
    greet(&demo);
    let events = demo.engine().subscribe();
    let told = tokio::spawn(tell(events));
    if let Some(duration) = args.duration {
        let stop = shutdown.clone();
        tokio::spawn(async move {
            tokio::time::sleep(duration).await;
            stop.cancel();
        });
    }
    let ending = tokio::spawn(say_when_over(
        demo.simulator().workspace(),
        demo.simulator().web_url(),
        demo.pages().map(|address| format!("http://{address}")).unwrap_or_default(),
    ));
    let began = Instant::now();
    let simulated = demo.simulator().workspace();
    let received = demo.simulator().received();
    demo.run(shutdown).await?;
    told.abort();
    ending.abort();
    super::terminal::out!(
        "\n{QUIET}── {} s ──{QUIET:#}\n{} sent, {}, {}, {}\nNothing was real. \
         To set up your own workspace, run `reply-router init`.",
        began.elapsed().as_secs(),
        counted(simulated.accepted_replies().len(), "reply", "replies"),
        counted(received.slack().len(), "Slack message", "Slack messages"),
        counted(received.mail().len(), "mail", "mails"),
        counted(simulated.requests().len(), "API request", "API requests"),
    );
    Ok(CommandStatus::Success)
}

fn greet(demo: &Demo) {
    let simulator: &Simulator = demo.simulator();
    let pages = demo.pages().map(|address| format!("http://{address}")).unwrap_or_default();
    super::terminal::out!(
        "Reply Router demo: a simulated ColdSend workspace with the rules of {}, live.\n\n  \
         rules and their status   {pages}\n  \
         inbox, Slack and mail    {}\n\n\
         The {} existing threads are left alone; new messages arrive now. Press Ctrl-C to stop.\n",
        demo.rules_path().display(),
        simulator.web_url(),
        simulator.workspace().threads().len(),
    );
}

/// Prints what to do next once the last message of the script has arrived; the demo runs on.
async fn say_when_over(workspace: Workspace, inbox: String, pages: String) {
    while !workspace.wait_until(LOOK_EVERY, |now| now.stream_remaining() == 0).await {}
    // Deciding and answering the last message takes a few seconds.
    tokio::time::sleep(LAST_ONE).await;
    super::terminal::out!(
        "\n{NAME}No more messages will arrive.{NAME:#} Next:\n  \
         {pages}/queue   approve or reject drafts\n  \
         {pages}/        see what each rule did and why\n  \
         {inbox}   see what leads, Slack and the mailbox received\n  \
         Press Ctrl-C to stop; run `reply-router init` to set up your own workspace.\n"
    );
}

async fn tell(mut events: Receiver<EngineEvent>) {
    loop {
        match events.recv().await {
            Ok(event) => tell_one(&event),
            Err(RecvError::Lagged(missed)) => super::terminal::out!("… {missed} more"),
            Err(RecvError::Closed) => return,
        }
    }
}

fn tell_one(event: &EngineEvent) {
    let time = event.at.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%H:%M:%S").to_string();
    match &event.what {
        EngineEventKind::Decided { decision, lead, .. } => decided(&time, decision, lead),
        EngineEventKind::Action(action) => action_changed(&time, action),
        EngineEventKind::PollFailed(error) => {
            super::terminal::out!("{time} {BAD}poll failed: {error}{BAD:#}")
        }
        // Nobody else writes here.
        EngineEventKind::Written => {}
        EngineEventKind::Alert(title) => super::terminal::out!("{time} {BAD}{title}{BAD:#}"),
    }
}

fn decided(time: &str, decision: &DecisionRecord, lead: &str) {
    let trace = &decision.trace;
    let category = trace.category.as_deref().unwrap_or("no category");
    super::terminal::out!(
        "{time} {NAME}{lead}{NAME:#} {QUIET}({category}, {}){QUIET:#}",
        trace.campaign.as_deref().unwrap_or("no campaign")
    );
    if let Some(body) = &trace.body {
        super::terminal::out!("         “{}”", cut_line(body, 100));
    }
    if decision.matched.is_empty() {
        super::terminal::out!("         {QUIET}no rule matched{QUIET:#}");
    }
    for rule in trace.rules.iter().filter(|rule| rule.matched) {
        let because: Vec<_> = rule
            .conditions
            .iter()
            .filter(|condition| condition.held == Some(true) && !condition.path.contains("not"))
            .map(|condition| {
                let name = condition.path.rsplit('.').next().unwrap_or_default();
                let found = condition.span.and_then(|(from, to)| condition.seen.as_deref()?.get(from..to));
                match found.or(condition.seen.as_deref()) {
                    Some(seen) => format!("{name} has “{}”", cut_line(seen, 30)),
                    None => name.to_owned(),
                }
            })
            .collect();
        super::terminal::out!("         rule {GOOD}{}{GOOD:#} matched: {}", rule.name, because.join(", "));
    }
}

fn action_changed(time: &str, action: &Action) {
    let target = action.target.as_deref().map(|target| format!(" to {target}")).unwrap_or_default();
    let reason = action.reason.as_ref().map(ToString::to_string).unwrap_or_default();
    let lead = action.lead_email.as_deref().unwrap_or_default();
    match action.state {
        ActionState::Done => {
            super::terminal::out!("{time}   {GOOD}✓ {}{target}{GOOD:#} {QUIET}{lead}{QUIET:#}", action.kind);
            if action.kind == ActionKind::Reply {
                let text = action.payload.preview_text().unwrap_or_default();
                for line in text.trim_end().lines().filter(|line| !line.trim().is_empty()) {
                    super::terminal::out!("         {QUIET}> {line}{QUIET:#}");
                }
            }
        }
        ActionState::Failed | ActionState::Quarantined => {
            super::terminal::out!("{time}   {BAD}✗ {}{target}: {} {reason}{BAD:#}", action.kind, action.state);
        }
        ActionState::Held | ActionState::Suppressed | ActionState::Cancelled | ActionState::Retrying => {
            super::terminal::out!("{time}   {QUIET}· {}{target}: {} {reason}{QUIET:#}", action.kind, action.state);
        }
        ActionState::Planned | ActionState::Waiting | ActionState::InFlight | ActionState::Unknown => {}
    }
}
