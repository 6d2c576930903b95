//! Quoted text told by the thread alone: one of our messages, quoted under headers that no mail program writes, in many
//! shapes. The mails are drawn here, by rules of their own; what a reader must see of each is known before it is read.

mod drawn;

use jiff::Timestamp;
use reply_router::text::{self, Earlier, Evidence, NewText, QuoteReason, Reading};

use super::{fold, read as read_cases};
use drawn::{Mail, Source};

/// When our message was sent.
const SENT: &str = "2026-01-05T09:00:00Z";

fn sent() -> Timestamp {
    SENT.parse().unwrap()
}

fn ours<'a>(text: &'a str, subject: &'a str) -> Earlier<'a> {
    Earlier {
        from: Some("Sam Lee <sam@us.example>"),
        to: Some("jane@acme.example"),
        subject: Some(subject),
        date: Some(sent()),
        text: Some(text),
        outgoing: true,
        ..Earlier::default()
    }
}

fn theirs(text: &str) -> Earlier<'_> {
    Earlier {
        from: Some("Jane Doe <jane@acme.example>"),
        to: Some("sam@us.example"),
        date: Some(sent() + jiff::SignedDuration::from_hours(24)),
        text: Some(text),
        ..Earlier::default()
    }
}

fn read(mail: &Mail) -> NewText {
    let thread = [
        ours(&mail.ours, &mail.subject),
        Earlier { html: mail.html.as_deref(), text: mail.text.as_deref(), ..theirs("") },
    ];
    let reading = Reading::in_thread(mail.text.as_deref(), mail.html.as_deref(), &Evidence::new(&thread), 1);
    NewText { text: reading.new_text().to_owned(), quoted: reading.quoted().to_vec() }
}

/// Reads the last message of a thread.
fn read_last(thread: &[Earlier<'_>]) -> NewText {
    let (last, earlier) = thread.split_last().unwrap();
    text::new_text_in_thread(last.text, last.html, earlier)
}

const OURS: &str = "Hi Jane,\n\nI saw that your team grows fast. Would you like a demo of our tool? It saves most support teams about three hours a week.\n\nTuesday at ten works for me.\n\nSam\n\nIf you would rather not hear from us again, reply with stop: https://us.example/u/1";

#[test]
fn the_leads_own_words_stay() {
    for (name, text, wanted) in [
        ("a phrase of ours in a sentence", "You say \"would you like a demo\" - yes.", None),
        ("a longer one", "You wrote \"it saves most support teams about three hours a week\" - how?", None),
        ("our subject", "A quick question: what does it cost?", None),
        ("our whole sentence as the answer", "Tuesday at ten works for me.", None),
        ("our words as a wish", "Would love a demo of our tool with your data!", None),
        (
            "our whole sentence above all of our message",
            &format!("Tuesday at ten works for me.\n\nZorg blipte 5 Jan. Sam:\n{OURS}"),
            Some("Tuesday at ten works for me."),
        ),
        ("one word of ours", "Stop", None),
        ("the same below a bare quote", &format!("Zorg blipte 5 Jan. Sam:\n{OURS}\n\nStop"), Some("Stop")),
        (
            "the same below a marked quote that ends before it",
            "> If you would rather not hear from us again, reply with\n\nstop",
            Some("stop"),
        ),
        (
            "the sender and the day of our message",
            &format!("Thanks Sam, 5 January works!\n\n{OURS}"),
            Some("Thanks Sam, 5 January works!"),
        ),
        (
            "a greeting with a colon",
            &format!("Hi Sam Lee, see my answers below:\n\n{OURS}"),
            Some("Hi Sam Lee, see my answers below:"),
        ),
        (
            "an own address above a quote",
            &format!("Write to jane@acme.example\n\n{OURS}"),
            Some("Write to jane@acme.example"),
        ),
        (
            "a label",
            &format!("Budget: 5 thousand\nSeats: 40\n\nZorg: Sam Lee\nBlip: 5 Jan 2026\n\n{OURS}"),
            Some("Budget: 5 thousand Seats: 40"),
        ),
        (
            "no full stop",
            &format!("Tuesday works for me\nZorg blipte 5 Jan. Sam:\n{OURS}"),
            Some("Tuesday works for me"),
        ),
        ("an opt-out right above", &format!("unsubscribe\n{OURS}"), Some("unsubscribe")),
        ("an opt-out right below", &format!("{OURS}\nunsubscribe"), Some("unsubscribe")),
        ("an opt-out in our words", &format!("{OURS}\n\nreply with stop"), Some("reply with stop")),
        ("a picture", &format!("👍\n\nZorg blipte 5 Jan. Sam:\n{OURS}"), Some("👍")),
    ] {
        let found = read_last(&[ours(OURS, "A quick question"), theirs(text)]);
        assert_eq!(fold(&found.text), fold(wanted.unwrap_or(text)), "{name}: {found:?}");
    }
}

#[derive(serde::Deserialize)]
struct Mailed {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    html: Option<String>,
}

#[test]
fn mail_that_quotes_another_message_is_read_as_without_a_thread() {
    for file in ["new_text.yaml", "new_text_html.yaml", "languages/new_text.yaml"] {
        for mail in read_cases::<Mailed>(file) {
            let alone = text::new_text(mail.text.as_deref(), mail.html.as_deref());
            let last = Earlier { text: mail.text.as_deref(), html: mail.html.as_deref(), ..theirs("") };
            let found = read_last(&[ours(OURS, "A quick question"), last]);
            assert_eq!(fold(&found.text), fold(&alone), "{:?} {:?}: {found:?}", mail.text, mail.html);
        }
    }
}

#[test]
fn an_answer_between_our_lines_stays() {
    let answered = OURS
        .replace("our tool?", "our tool? YES PLEASE")
        .replace("\n\nTuesday", "\n\nThat is not much.\n\nTuesday")
        .replace("\n\nSam", "\nNot for me, Wednesday?\n\nSam");
    for (name, text) in
        [("bare", format!("Zorg blipte 5 Jan. Sam:\n{answered}")), ("without any header", answered.clone())]
    {
        let found = read_last(&[ours(OURS, "A quick question"), theirs(&text)]);
        assert_eq!(fold(&found.text), "YES PLEASE That is not much. Not for me, Wednesday?", "{name}: {found:?}");
    }
}

#[test]
fn damaged_and_changed_quotes_are_ours() {
    let french = "Bonjour Jane,\n\nj’ai été très intéressé par votre équipe, qui s’est agrandie l’année passée. Préférez-vous être rappelée à midi ?\n\nBien à vous,\nSam";
    for (name, ours_text, quote) in [
        ("question marks for accents", french, french.replace(['é', 'ê', 'è', 'à', '’'], "?")),
        ("no accents", french, french.replace(['é', 'ê', 'è'], "e").replace('à', "a").replace('’', "'")),
        ("the bytes of another encoding", french, french.replace('é', "Ã©").replace('è', "Ã¨").replace('’', "â€™")),
        ("decomposed accents", french, french.replace('é', "e\u{301}").replace('è', "e\u{300}")),
        ("another link", OURS, OURS.replace("https://us.example/u/1", "<https://click.example/?u=\nhttps%3A%2F%2Fus>")),
        (
            "a link of the tracker's on a line of its own",
            OURS,
            OURS.replace("https://us.example/u/1", "\nhttps://click.example/u/1"),
        ),
        ("pictures", OURS, OURS.replace("\n\nSam", "\n\n[image: photo of Sam]\n[cid:image001.png@01D]\nSam")),
        ("marks of emphasis", OURS, OURS.replace("demo of our tool", "*demo* of _our tool_")),
        ("a changed word", OURS, OURS.replace("three hours", "3 hours")),
        ("two deep", OURS, OURS.lines().map(|line| format!("> > {line}\n")).collect()),
    ] {
        let text = format!("No.\n\nZorg blipte 5 Jan. Sam:\n\n{quote}\n");
        let found = read_last(&[ours(ours_text, "A quick question"), theirs(&text)]);
        assert_eq!(fold(&found.text), "No.", "{name}: {found:?}");
    }
}

#[test]
fn the_leads_own_earlier_words_are_quoted_only_where_quotes_stand() {
    let first = "Yes please, tell me more about the prices and the plans that you offer.\n\nBest regards,\nJane Doe\nHead of Support\nAcme, Main Street 1, Springfield";
    let second = "Hi Jane, prices start at nine dollars a seat, and the first month is free.\n\nSam";
    let answer = Earlier {
        text: Some(second),
        date: Some(sent() + jiff::SignedDuration::from_hours(48)),
        ..ours(OURS, "Re: A quick question")
    };
    let thread =
        |last: &'static str| [ours(OURS, "A quick question"), theirs(first), answer, theirs(last)].map(|it| it);
    // Sent twice: all of it stays, its signature too.
    assert_eq!(read_last(&thread(first)).text, first);
    // A signature repeats each time.
    let signed = "Fine, Tuesday.\n\nBest regards,\nJane Doe\nHead of Support\nAcme, Main Street 1, Springfield";
    assert_eq!(read_last(&thread(signed)).text, signed);
    // Short words that were said before.
    assert_eq!(
        read_last(&[ours(OURS, "Q"), theirs("Yes, Tuesday works for me"), theirs("Yes, Tuesday works for me")]).text,
        "Yes, Tuesday works for me"
    );
    // Quoted below our answer, under headers nobody knows.
    let whole = "Too much.\n\nZorg 7 Jan. blipte Sam:\nHi Jane, prices start at nine dollars a seat, and the first month is free.\n\nSam\n\nKvag 6 Jan. shumte Jane:\nYes please, tell me more about the prices and the plans that you offer.\n\nBest regards,\nJane Doe\nHead of Support\nAcme, Main Street 1, Springfield\n\nZorg: Sam Lee\nBlip: 5 Jan 2026\nTem: A quick question\n\nHi Jane,\n\nI saw that your team grows fast. Would you like a demo of our tool?";
    let found = read_last(&thread(whole));
    assert_eq!(found.text, "Too much.", "{found:?}");
    let reasons: Vec<_> = found.quoted.iter().map(|passage| passage.reason).collect();
    for message in 0..3 {
        assert!(reasons.contains(&QuoteReason::Repeats(message)), "{message} in {reasons:?}");
        assert!(reasons.contains(&QuoteReason::Names(message)), "{message} in {reasons:?}");
    }
}

#[test]
fn our_unsubscribe_footer_opts_nobody_out() {
    let text = format!(
        "Tuesday suits me.\n\nZorg blipte 5 Jan. Sam:\n\n{}",
        OURS.replace("reply with stop", "click here to unsubscribe")
    );
    let ours_text = OURS.replace("reply with stop", "click here to unsubscribe");
    let found = read_last(&[ours(&ours_text, "A quick question"), theirs(&text)]);
    assert_eq!(text::opt_out(None, &found.text), None);
    assert!(
        text::opt_out(None, &read_last(&[ours(&ours_text, "Q"), theirs(&format!("unsubscribe\n\n{text}"))]).text)
            .is_some()
    );
}

#[test]
fn the_part_that_shows_less_of_our_words_is_read() {
    let html = format!("<div>Yes.</div><blockquote type=\"cite\">{}</blockquote>", OURS.replace('\n', "<br>"));
    // A gateway made the plain part, and left out half of each line.
    let plain =
        "Yes.\n\nI saw that your team [..] like a demo of\nour tool? It saves most [..] about three hours a week.";
    let last = Earlier { html: Some(&html), ..theirs(plain) };
    assert_eq!(read_last(&[ours(OURS, "A quick question"), last]).text, "Yes.");
}

#[test]
fn our_quoted_words_are_ours_under_any_header() {
    const MAILS: u64 = 2000;
    let mut shapes = std::collections::BTreeMap::<String, (usize, usize)>::new();
    let mut wrong = Vec::new();
    for seed in 0..MAILS {
        let mail = Mail::draw(&mut Source::new(seed));
        let found = read(&mail);
        let (got, wanted) = (fold(&found.text), fold(&mail.wanted));
        let right =
            if mail.open_end { got.starts_with(&wanted) && got.len() <= wanted.len() + 80 } else { got == wanted };
        for shape in &mail.shapes {
            let (all, good) = shapes.entry(shape.clone()).or_default();
            *all += 1;
            *good += usize::from(right);
        }
        if !right {
            wrong.push(format!(
                "mail {seed} {:?}\n  ours   {:?}\n  mail   {:?}\n  wanted {:?}\n  got    {:?}",
                mail.shapes,
                mail.ours,
                mail.text.as_ref().or(mail.html.as_ref()),
                fold(&mail.wanted),
                fold(&found.text)
            ));
        }
    }
    for (shape, (all, good)) in &shapes {
        println!("{shape}: {good} of {all}");
    }
    wrong.iter().for_each(|wrong| println!("{wrong}"));
    assert!(wrong.is_empty(), "{} of {MAILS} mails are read wrong", wrong.len());
}
