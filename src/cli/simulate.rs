//! `simulate`: the simulated ColdSend API alone.

use super::{CommandStatus, args::SimulateArgs, shutdown_signal};
use crate::{
    model::counted,
    simulator::{Inbox, Key, Options, SLACK_TOKEN, Simulator, StreamOptions},
};

pub(super) async fn simulate(args: SimulateArgs) -> anyhow::Result<CommandStatus> {
    let shutdown = shutdown_signal()?;
    let simulator = Simulator::start(Options {
        listen: args.listen,
        inbox: args.inbox.map_or(Inbox::Builtin, Inbox::File),
        visibility_lag: args.lag,
        keys: vec![Key::new(&args.key)],
        stream: args.every.map(|every| StreamOptions { every, ..StreamOptions::default() }),
        ..Options::default()
    })
    .await?;
    super::terminal::out!(
        "A simulated ColdSend workspace is running. Try your rules on it:\n\n  \
         export COLDSEND_API_KEY={}\n  export COLDSEND_BASE_URL={}\n  \
         reply-router preview --rules rules/\n\n\
         inbox page       {}\nslack webhook    {}\nslack api_url    {}  (token {})\nmail server      {}\nwebhook          {}\n\nPress Ctrl-C to stop.",
        args.key,
        simulator.base_url(),
        simulator.web_url(),
        simulator.slack_url(),
        simulator.slack_api_url(),
        SLACK_TOKEN,
        simulator.smtp_url(),
        simulator.webhook_url(),
    );
    shutdown.cancelled().await;
    super::terminal::out!(
        "\n{}, {}, {}, {}, {}",
        counted(simulator.workspace().requests().len(), "API request", "API requests"),
        counted(simulator.workspace().accepted_replies().len(), "reply", "replies"),
        counted(simulator.slack().len(), "Slack message", "Slack messages"),
        counted(simulator.mail().len(), "mail", "mails"),
        counted(simulator.webhooks().len(), "webhook call", "webhook calls")
    );
    simulator.shutdown().await;
    Ok(CommandStatus::Success)
}
