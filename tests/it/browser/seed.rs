//! A service at work: every state that an action can be in, and mail that is hard to show.

use super::BrowserFixture;
use crate::fixture::FixtureOptions;
use reply_router::store::prelude::*;
use reply_router::{
    model::{ActionKind, ActionState, Attempt, AttemptOutcome, DestinationKind, Reason, ReasonCode},
    simulator::{Message, NewThread},
};
use std::time::Duration;

const RULES: &str = r"
version: 1
rules:
  - name: book-a-call
    description: Answer leads who ask for a call with a link to the calendar.
    when: { category: interested, body: '\bcall\b', not: { body: '\bholiday\b' } }
    then:
      - reply: { text: 'Hi {{ lead.first_name }}, here is my calendar: https://cal.example/ae' }
      - star
      - slack: sales
  - name: pricing
    description: The lead asks about the price. An account executive looks over the answer.
    mode: draft
    when: { body: '\b(price|pricing|quote)\b' }
    script: |
      #{ matched: true, vars: #{ seats: 25 } }
    then:
      - reply: { text: 'Hi, for {{ vars.seats }} seats it is 490 EUR a month.' }
  - name: call-back-later
    description: Not now, but soon.
    when: { body: '\bnext week\b' }
    then:
      - reply: { text: 'Sure, I will come back to you.', after: 2h }
  - name: no-interest
    mode: shadow
    when: { category: not_interested }
    then: [star]
";

/// Mail that tries to be more than text, never ends, runs the other way, or is made of pictures.
pub(super) const HARD: [&str; 4] = [
    "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\"><b>What is the price?</b>",
    "Pneumonoultramicroscopicsilicovolcanoconiosis-Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft-and-the-price-please-of-this-very-very-long-word-without-any-space-in-it",
    "مرحبا، ما هو السعر؟ price من فضلك. שלום, מה המחיר?",
    "👋🏽 Hi! 🎉🎉 What’s the price for 👩‍👩‍👧‍👦? 🇪🇺 日本語もOK",
];

impl BrowserFixture {
    /// One lead in a campaign writes.
    pub(super) fn lead(&self, email: &str, category: &str, text: &str) -> String {
        self.lead_about(email, category, "Re: 15 minutes for a demo?", text)
    }

    /// The same, about something else.
    pub(super) fn lead_about(&self, email: &str, category: &str, subject: &str, text: &str) -> String {
        let thread = NewThread::new(email).name("Jane Doe").campaign("Q1 Product Launch").category(category);
        self.fixture.simulator.workspace().add_thread(thread.subject(subject).message(text))
    }

    /// A lead from an odd address, who quotes us below words that nobody knows.
    fn quoting(&self, email: &str) {
        let pitch = "Hi Jane, would you like to see how our planner saves each of your drivers an hour a day?";
        let thread = NewThread::new(email).name("Jane Doe").campaign("Q1 Product Launch").category("interested");
        let sent = Message::text(pitch).outgoing().with_age(Duration::from_secs(86_400));
        let answer = format!("Yes, please give me a call on Tuesday.\n\nZorg blipte:\n{pitch}");
        self.fixture.simulator.workspace().add_thread(thread.message(sent).message(Message::text(answer)));
    }

    /// Everything at once.
    pub(super) async fn at_work() -> Self {
        let office = Self::new(FixtureOptions { rules: RULES, ..FixtureOptions::default() }).await;
        for day in 0..6 {
            for number in 0..=(day * 2 % 5) {
                office.lead(&format!("lead{day}{number}@acme.example"), "interested", "Sure, give me a call.");
            }
            office.fixture.tick().await;
            office.fixture.clock.advance(Duration::from_secs(86_400));
        }
        office.lead("jane@globex.example", "interested", "Sounds good. Can we have a call on Tuesday?\n\nBest, Jane");
        office.lead("later@initech.example", "interested", "Busy now, try me next week.");
        office.lead("no@hooli.example", "not_interested", "Not for us, thanks.");
        office.lead("away@umbrella.example", "interested", "I am on holiday, no call please.");
        office.lead("out@hooli.example", "interested", "A call? No. Please remove me from your list.");
        office.lead("calm@umbrella.example", "question", "How did you find me?");
        for (number, text) in HARD.iter().enumerate() {
            office.lead_about(&format!("hard{number}@acme.example"), "question", text, text);
        }
        office.quoting("notifications@umbrella.example");
        office.lead("buyer@stark.example", "interested", "What is the price for 25 seats?\n\nTony");
        office.fixture.tick().await;
        office.in_trouble().await;
        office
    }

    /// Two actions whose ends no test waits for.
    async fn in_trouble(&self) {
        let mut actions = self.fixture.actions().await;
        let at = self.fixture.engine.now();
        let attempt = |outcome, status| Attempt { at, outcome, status, body: None };
        let unclear = actions.iter_mut().find(|action| action.kind == ActionKind::Reply).unwrap();
        unclear.state = ActionState::Quarantined;
        unclear.reason = Some(Reason::new(
            ReasonCode::Ambiguous,
            "no answer came, and the reply is not among the outgoing messages of the thread",
        ));
        unclear.attempts = vec![attempt(AttemptOutcome::Unclear, None)];
        self.fixture.store.update_action(unclear).await.unwrap();
        let failed =
            actions.iter_mut().find(|action| action.kind == ActionKind::Forward(DestinationKind::Slack)).unwrap();
        failed.state = ActionState::Failed;
        failed.reason = Some(Reason::new(ReasonCode::Refused, "Slack answered 404: channel_not_found"));
        failed.attempts = vec![attempt(AttemptOutcome::Unclear, None), attempt(AttemptOutcome::Refused, Some(404))];
        self.fixture.store.update_action(failed).await.unwrap();
    }
}
