//! Reading mail: how many mails a second one thread answers all questions about, and how the time grows with the text.
//! Time is that of the thread at work, where the system tells it.
//!
//! `cargo bench --bench reading` prints a table; nothing is asserted, the machine decides.

mod clock;

use std::hint::black_box;
use std::time::Duration;

use clock::Clock;
use reply_router::text::{Earlier, Evidence, Mail, Reading};

/// So long each row is measured.
const LEAST: Duration = Duration::from_secs(2);

const ANSWER: &str = "Hi Sam,\n\nThanks for reaching out. We looked at a couple of tools in this space last year and decided to stay with what we have for now, mostly because our operations team was moving to a new warehouse system. That said, the numbers in your note look interesting, and I could see us coming back to this in the second quarter when the new budget is out.\n\nCould you send me something short that I can forward to our head of operations? She will want to know how long the rollout takes, what it costs per seat, and whether it works with the tools we use today. If she likes it we can find half an hour, Tuesday or Thursday mornings usually work best.\n\nBest regards,\nJane Doe\nHead of Procurement | Acme Ltd\nT: +44 20 7946 0000\nwww.acme.example\n\n";
const OURS: &str = "Hi Jane,\n\nI saw that Acme opened two new sites this autumn. Teams that grow this fast often tell us that planning shifts by hand starts to hurt around the fourth site, and that nobody notices until the first big customer complains.\n\nWe built a planner that takes the orders from your shop system and makes a schedule out of it every night. Globex cut their overtime by a third in the first two months.\n\nWould you be open to a short call next week? It takes fifteen minutes.\n\nBest,\nSam\n\n--\nSam Lee | Us Ltd\nIf you would rather not hear from us again, click here to unsubscribe: https://us.example/u?id=4711\n";
const GERMAN: &str = "Guten Tag Herr Lee,\n\nvielen Dank für Ihre Nachricht. Ich bin bis einschließlich 11. Januar nicht im Büro und ab Montag, dem 12. Januar, wieder erreichbar. Ihre E-Mail wird nicht weitergeleitet. In dringenden Fällen wenden Sie sich bitte an meine Kollegin Frau Roe (roe@acme.example).\n\nMit freundlichen Grüßen\nJana Doe\nAcme GmbH | Hauptstraße 1 | 10115 Berlin\nTel. 030 1234567\n\n";

fn quoted(text: &str) -> String {
    text.lines().map(|line| format!("> {line}\n")).collect()
}

/// Mails of about 2 kB: a person's answer above a quote with and without signs, a note, and one that is all new.
fn mails() -> Vec<(&'static str, String)> {
    let attribution = "On Mon, Jan 5, 2026 at 9:00 AM Sam Lee <sam@us.example> wrote:\n\n";
    vec![
        ("an answer above a quote", format!("{ANSWER}{attribution}{}", quoted(OURS))),
        ("the same without signs", format!("{ANSWER}{attribution}{OURS}")),
        ("an absence note", format!("{GERMAN}{}", "Wir freuen uns auf Ihren Besuch auf der Messe im Mai. ".repeat(25))),
        ("all new", format!("{ANSWER}{ANSWER}")),
    ]
}

/// Reads a mail by itself, or as the answer to ours.
fn read(text: &str, is_in_thread: bool) {
    let reading = if is_in_thread {
        let ours = Earlier { text: Some(OURS), outgoing: true, ..Earlier::default() };
        let answer = Earlier { text: Some(text), ..Earlier::default() };
        Reading::in_thread(Some(text), None, &Evidence::new(&[ours, answer]), 1)
    } else {
        Reading::of(Some(text), None)
    };
    let mail =
        Mail { subject: Some("Re: A quick question"), written: Some(jiff::civil::date(2026, 1, 5)), ..Mail::default() };
    black_box((reading.new_text().len(), reading.automatic(&mail), reading.opt_out(mail.subject), reading.language()));
}

fn seconds_each(text: &str, is_in_thread: bool) -> f64 {
    read(text, is_in_thread);
    let (start, mut count) = (Clock::start(), 0u32);
    while start.elapsed() < LEAST {
        (0..50).for_each(|_| read(text, is_in_thread));
        count += 50;
    }
    start.elapsed().as_secs_f64() / f64::from(count)
}

fn main() {
    // `cargo test --benches` only wants to see it start.
    if std::env::args().any(|argument| argument == "--test") {
        mails().iter().for_each(|(_, text)| read(text, true));
        return;
    }
    println!("{:<26} {:>7} {:>10} {:>15} {:>22}", "mail", "bytes", "mails/s", "in its thread", "time of four times it");
    for (name, text) in mails() {
        let (once, four) = (seconds_each(&text, false), seconds_each(&text.repeat(4), false));
        let in_thread = 1.0 / seconds_each(&text, true);
        println!("{name:<26} {:>7} {:>10.0} {in_thread:>15.0} {:>21.1}x", text.len(), 1.0 / once, four / once);
    }
}
