//! The mails and the rules of the measurements: as they come in, none like another.

use reply_router::simulator::{Message, NewThread};
use std::fmt::Write as _;
use std::time::Duration;

/// What real mails are made of, beside the sentence that the rule looks for.
const SENTENCES: [&str; 12] = [
    "Thanks for getting in touch.",
    "We have been looking at something like this since the spring.",
    "Our team is spread over three offices, which makes it harder.",
    "I have put my colleague from purchasing in copy.",
    "Last year we tried two other vendors and were not happy with either.",
    "The budget for the next quarter is not fixed yet.",
    "Could you send over what it costs for around forty people?",
    "We would need it in German and in French as well.",
    "Before that I have to check with our head of engineering.",
    "The integration with our own system matters most to us.",
    "I was travelling, so sorry for the late answer.",
    "Happy to hear how others in our field use it.",
];

/// A lead who is interested, and asks for a call: the campaign's mail, and an answer of some 1.5 kB that quotes it.
pub(crate) fn hot_thread(number: usize) -> NewThread {
    let campaign = format!(
        "Hi Jane,\n\nmany companies like yours lose hours each week on lists that nobody reads. We have a way out \
         that took others two weeks.\n\nDo you have 15 minutes for a demo?\n\nBest,\nSam"
    );
    let mut answer = format!("Hi Sam,\n\nsounds good, number {number}. Can we have a call on Tuesday?\n");
    for line in 0..10 {
        let _ = writeln!(answer, "{}", SENTENCES[(number * 7 + line * (number % 5 + 1)) % SENTENCES.len()]);
    }
    let _ = write!(answer, "\nBest regards,\nJane Doe\nHead of Operations, Acme {number}\n\n");
    let _ = writeln!(answer, "On Mon, Jan 5, 2026 at 9:00 AM Sam <sam@outreach.example> wrote:");
    for line in campaign.lines() {
        let _ = writeln!(answer, "> {line}");
    }
    NewThread::new(format!("jane{number}@acme{}.example", number % 997))
        .name("Jane Doe")
        .campaign("Q1 Product Launch")
        .category("interested")
        .message(Message::text(campaign).outgoing().with_age(Duration::from_secs(3_600)))
        .message(answer)
}

/// The rule that hot threads are for, after so many that look for other words in the body.
pub(crate) fn rules(count: usize) -> String {
    let mut rules = "version: 1\nrules:\n".to_owned();
    for other in 1..count {
        let _ = write!(
            rules,
            "  - name: other-{other}\n    when: {{ category: interested, body: '\\b(refund|invoice) {other}\\b' }}\n    \
             then: [{{ reply: {{ text: 'Hi, about that.' }} }}]\n"
        );
    }
    rules
        + "  - name: book-a-call
    when: { category: interested, body: '\\bcall\\b' }
    then:
      - reply: { text: 'Hi {{ lead.first_name }}, here is my calendar: https://cal.example/sam' }
      - star
      - mark_read
      - slack: sales
"
}
