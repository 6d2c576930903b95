//! The table of the module's documentation, row by row.

use super::*;

const STEP_1: &str =
    "Hi Jane, we help teams such as Acme to book twice as many demos with half the mail. Worth a look?";
const STEP_2: &str = "Hi Jane, just floating this to the top of your inbox. Any thoughts on how Acme handles outreach?";
const STEP_2_BOB: &str =
    "Hi Bob, just floating this to the top of your inbox. Any thoughts on how Globex handles outreach?";
const FOOTER: &str =
    "\n\nSam Smith, Us Ltd., 1 Main Street, Springfield, to hear no more of us write back and say so at any time";
const LEAD: &str = "Sounds good, could we talk on Tuesday at three in the afternoon?";

fn message(id: &str, outgoing: bool, text: &str) -> Message {
    let from = if outgoing { "sam@outreach.example" } else { "jane@acme.example" };
    let (id, text, from) = (id.to_owned(), Some(text.to_owned()), Some(from.to_owned()));
    Message { id, outgoing, text, from, ..Message::default() }
}

fn step(text: &str) -> CampaignStep {
    CampaignStep {
        thread_id: "other".to_owned(),
        message_id: "x".to_owned(),
        sender: Some("sam@outreach.example".to_owned()),
        words: word_pairs(text),
    }
}

#[test]
fn who_wrote_an_outgoing_message() {
    let others = vec![step(&STEP_1.replace("Jane", "Bob").replace("Acme", "Globex")), step(STEP_2_BOB)];
    let first_only = vec![others[0].clone()];
    let quoting = format!("{STEP_2}\n\nOn Tue, Jan 6, 2026 Jane <jane@acme.example> wrote:\n> {LEAD}");
    let with_footer = |text: &str| format!("{text}{FOOTER}");
    let in_a_campaign = |opening: Option<&str>, last: Message| {
        let first = opening.map(|text| message("1", true, text));
        Conversation::new(first.into_iter().chain([message("2", false, LEAD), last]).collect())
    };
    let sent = |text: &str| message("3", true, text);
    let sent_by = |from: &str, text: &str| Message { from: Some(from.to_owned()), ..sent(text) };
    for (what, opening, last, steps, in_campaign, wanted) in [
        ("another lead's step", Some(STEP_1), sent(STEP_2), &others, true, "step"),
        ("the same in a thread without the opening", None, sent(STEP_2), &others, true, "step"),
        ("a step below which the lead is quoted", Some(STEP_1), sent(&quoting), &others, true, "person"),
        ("a teammate", Some(STEP_1), sent_by("max@us.example", STEP_2), &others, true, "person"),
        ("an answer", Some(STEP_1), sent("Tuesday at three suits me."), &others, true, "person"),
        ("an answer, nothing known", Some(STEP_1), sent("Yes: on Tuesday at three."), &vec![], true, "person"),
        ("few words, much known", Some(STEP_1), sent("I will call you."), &others, true, "person"),
        ("nothing known yet", Some(STEP_1), sent(STEP_2), &vec![], true, "unclear"),
        ("the first step once more", Some(STEP_1), sent(STEP_1), &others, true, "unclear"),
        (
            "an unknown step that offers to unsubscribe",
            Some(STEP_1),
            sent("Last try. Click to unsubscribe."),
            &first_only,
            true,
            "unclear",
        ),
        (
            "a step that nobody got so far",
            Some(STEP_1),
            sent("Any news, Jane? My last note may have been lost."),
            &first_only,
            true,
            "unclear",
        ),
        (
            "a long message that takes up nothing",
            Some(STEP_1),
            sent(
                "Our customers tell us that the second week is when a planner begins to pay for itself, so give it time.",
            ),
            &first_only,
            true,
            "unclear",
        ),
        ("no campaign", Some(STEP_1), sent("I will call you."), &vec![], false, "person"),
        ("nothing shows a campaign", None, sent("I take this one."), &vec![], true, "person"),
    ] {
        let conversation = in_a_campaign(opening, last.clone());
        let lead = Some("jane@acme.example");
        let around = Around { conversation: &conversation, in_campaign, lead, steps };
        let found = match author(&last, around) {
            Author::CampaignStep(_) => "step",
            Author::Unclear(_) => "unclear",
            Author::Teammate => "person",
        };
        assert_eq!(found, wanted, "{what}");
    }
    // A footer that every mail of the thread ends with makes no step of a short answer.
    let conversation = in_a_campaign(Some(&with_footer(STEP_1)), sent(&with_footer("Great, I will call you.")));
    let steps = vec![step(&with_footer(STEP_2_BOB))];
    let around = Around { conversation: &conversation, in_campaign: true, lead: None, steps: &steps };
    let last = conversation.messages().last().unwrap();
    assert!(!matches!(author(last, around), Author::CampaignStep(_)), "{:?}", author(last, around));
}
