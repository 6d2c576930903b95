//! `simulate`: the simulated ColdSend API alone.

use super::{CommandStatus, args::SimulateArgs, shutdown_signal};
use crate::simulator::{DEFAULT_KEY, Inbox, Options, Simulator, StreamOptions};

pub(super) async fn simulate(args: SimulateArgs) -> anyhow::Result<CommandStatus> {
    let shutdown = shutdown_signal()?;
    let simulator = Simulator::start(Options {
        listen: args.listen,
        inbox: args.inbox.map_or(Inbox::Builtin, Inbox::File),
        visibility_lag: args.lag,
        stream: args.every.map(|every| StreamOptions { every, ..StreamOptions::default() }),
        ..Options::default()
    })
    .await?;
    super::terminal::out!(
        "A simulated ColdSend workspace is running. Try your rules on it:\n\n  \
         export COLDSEND_API_KEY={DEFAULT_KEY}\n  export COLDSEND_BASE_URL={}\n  \
         reply-router preview --rules rules/\n\n\
         inbox page       {}\nslack webhook    {}\nmail server      {}\nwebhook          {}\n\nPress Ctrl-C to stop.",
        simulator.base_url(),
        simulator.web_url(),
        simulator.slack_url(),
        simulator.smtp_url(),
        simulator.webhook_url(),
    );
    shutdown.cancelled().await;
    let seen = simulator.workspace().requests().len();
    super::terminal::out!(
        "\n{seen} API requests, {} replies, {} Slack messages, {} mails, {} webhook calls",
        simulator.workspace().accepted_replies().len(),
        simulator.slack().len(),
        simulator.mail().len(),
        simulator.webhooks().len()
    );
    simulator.shutdown().await;
    Ok(CommandStatus::Success)
}
