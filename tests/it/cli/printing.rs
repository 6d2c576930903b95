//! What a lead wrote does not steer the terminal.

use crate::cli_fixture::{CliFixture, EVERYTHING};
use reply_router::simulator::NewThread;

const STEERING: [char; 6] = ['\u{9b}', '\u{85}', '\u{202e}', '\u{2066}', '\u{7}', '\u{1b}'];

#[tokio::test]
async fn what_a_lead_wrote_steers_no_terminal() {
    let place = CliFixture::new(EVERYTHING).await;
    let words: String = STEERING.iter().collect();
    let thread = NewThread::new("jane@acme.example").name(format!("Jane{words} Doe")).category("interested");
    let thread = thread.message(format!("Sure, a call?{words}[2J evil"));
    let id = place.simulator.workspace().add_thread(thread);
    for args in [
        vec!["preview"],
        vec!["preview", "--format", "json"],
        vec!["explain", id.as_str()],
        vec!["explain", id.as_str(), "--format", "json"],
    ] {
        let ran = place.run(&args).await.assert_exit(0);
        assert!(ran.out.contains("evil"), "{args:?}: {}", ran.out);
        let found: Vec<_> = STEERING.iter().filter(|c| ran.out.contains(**c) || ran.err.contains(**c)).collect();
        assert!(found.is_empty(), "{args:?}: {found:?}");
        if args == ["preview", "--format", "json"] {
            assert!(ran.json().to_string().contains('\u{202e}'), "the data is what was written");
        }
    }
}
