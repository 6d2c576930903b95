use super::*;
use crate::backtest::words::StandIns;
use serde_json::json;

fn redactor() -> Redactor {
    Redactor { stand_ins: StandIns::with_key(b"a key"), others: Default::default() }
}

fn event(row: serde_json::Value, messages: serde_json::Value) -> EventLine {
    let event = json!({
        "version": 1, "id": "d1", "kind": "message", "time": "2026-01-05T09:00:00Z", "workspace": "acme",
        "row": row, "messages": messages,
    });
    EventLine::from_json(&event.to_string()).unwrap()
}

#[test]
fn nothing_that_identifies_is_left_and_the_same_stays_the_same() {
    let text = "Hi Sam,\n\nsure, call me on +49 (170) 123 45 67 or at JANE.DOE@Acme-Corp.example on 2026-01-31 12:00.\n\
                My page: https://acme-corp.example/people/jane?id=7. Book me: https://calendly.com/jane-doe/30min\n\n\
                Jane Doe\nAcme-Corp\n\nOn Mon, 5 Jan 2026, Sam Smith <sam.smith@us.example> wrote:\n> We cost 99.50";
    let event = event(
        json!({ "id": "t1", "lead_email": "jane.doe@acme-corp.example", "lead_name": "Dr. Jane Doe",
                "preview": "Hi Sam, sure", "subject": "Re: Jane, a question", "campaign_name": "Q1", "category": "interested" }),
        json!([
            { "id": "m1", "outgoing": true, "from": "Sam Smith <sam.smith@us.example>", "to": "jane.doe@acme-corp.example", "text": "Hi Jane" },
            { "id": "m2", "from": "Jane Doe <Jane.Doe@acme-corp.example>", "to": "sam.smith@us.example", "text": text,
              "html": "<p>Regards, <b>jane</b> <a href=\"mailto:jane.doe@acme-corp.example\">mail</a></p>" },
        ]),
    );
    let redactor = redactor();
    let found = redactor.redact(event.clone());
    let json = found.to_json().unwrap();
    for word in [
        "jane",
        "doe",
        "acme-corp",
        "sam",
        "smith",
        "us.example",
        "123",
        "people",
        "30min",
        "\"t1\"",
        "\"m1\"",
        "\"d1\"",
    ] {
        assert!(!json.to_lowercase().contains(word), "{word} is in {json}");
    }
    for kept in [
        "call me on",
        "2026-01-31 12:00",
        "calendly.com/removed",
        "99.50",
        "Dr. ",
        "Q1",
        "interested",
        "mailto:",
        "\\n\\nOn Mon, 5 Jan 2026, ",
    ] {
        assert!(json.contains(kept), "{kept} is not in {json}");
    }
    // Names and addresses agree with each other.
    let row = &found.row;
    let name = row.lead_name.as_deref().unwrap().trim_start_matches("Dr. ");
    let address = name.to_lowercase().replace(' ', ".");
    assert!(row.lead_email.as_deref().unwrap().starts_with(&format!("{address}@")), "{row:?}");
    let from = found.messages.as_ref().unwrap()[1].from.clone().unwrap();
    assert!(from.starts_with(name) && from.to_lowercase().contains(row.lead_email.as_deref().unwrap()), "{from}");
    assert!(found.messages.as_ref().unwrap()[0].text.as_deref().unwrap().ends_with(name.split(' ').next().unwrap()));
    assert_eq!(redactor.redact(event.clone()), found);
    assert_ne!(Redactor::default().redact(event).row.lead_email, found.row.lead_email, "another export has other ones");
}

#[test]
fn what_rules_ask_of_addresses_stays() {
    let redactor = redactor();
    for (address, kept) in [
        ("no-reply@acme.example", "no-reply@"),
        ("MAILER-DAEMON@mail.acme.co.uk", "MAILER-DAEMON@mail."),
        ("jane@gmail.com", "@gmail.com"),
        ("jane@acme.edu", ".edu"),
        ("jane@acme.co.uk", ".co.uk"),
    ] {
        let found = redactor.address(address);
        assert!(found.contains(kept) && !found.contains("jane") && !found.contains("acme"), "{address}: {found}");
    }
}

#[test]
fn a_name_that_is_a_word_takes_no_words_away() {
    let row = json!({ "id": "t", "lead_name": "Will May", "lead_email": "will@x.example" });
    let messages = json!([{ "id": "m", "from": "will@x.example", "text": "I will call. We may meet.\nWill" }]);
    let found = redactor().redact(event(row, messages));
    let text = found.messages.unwrap()[0].text.clone().unwrap();
    assert!(text.contains("We may meet.") && !text.contains("Will"), "{text}");
}

#[test]
fn names_of_other_leads_are_replaced_as_they_are_written() {
    let lead = |name: &str, text: &str| {
        event(
            json!({ "id": "t", "lead_name": name, "lead_email": "x@x.example" }),
            json!([{ "id": "m", "from": "Ola Norman <x@x.example>", "text": text }]),
        )
    };
    let asking = lead(
        "Ina Berg",
        "Ask Tomasz Nowak, TOMASZ or Will May. You will may. Will is away, may I? The price is 1.000.000 EUR.",
    );
    let mut redactor = redactor();
    let before = redactor.redact(asking.clone()).messages.unwrap()[0].text.clone().unwrap();
    assert!(before.contains("Tomasz Nowak"), "nobody has told of him: {before}");
    for other in ["Tomasz Nowak", "Will May", "Vincent Price"] {
        redactor.learn(&lead(other, ""));
    }
    let found = redactor.redact(asking).messages.unwrap()[0].text.clone().unwrap();
    assert!(
        !found.contains("Tomasz")
            && !found.contains("Nowak")
            && !found.contains("TOMASZ")
            && !found.contains("Will May"),
        "{found}"
    );
    assert!(found.contains(" You will may. Will is away, may I? The price is 1.000.000 EUR."), "{found}");
    // The same stand-in as in his own events.
    let own = redactor.redact(lead("Tomasz Nowak", "")).row.lead_name.unwrap();
    assert!(found.contains(&own), "{own}: {found}");
}

/// A text in an event of Ina Berg's.
fn mail(text: &str) -> EventLine {
    event(
        json!({ "id": "t", "lead_name": "Ina Berg", "lead_email": "ina@x.example" }),
        json!([{ "id": "m", "from": "Ina Berg <ina@x.example>", "text": text }]),
    )
}

fn redacted(redactor: &Redactor, text: &str) -> String {
    redactor.redact(mail(text)).messages.unwrap()[0].text.clone().unwrap()
}

#[test]
fn names_beside_addresses_are_replaced_wherever_the_event_tells_them() {
    for text in [
        "Ask Petra Kern <petra@beta.example> about it. Petra decides, and Kern signs.",
        "cc: \"Petra Kern\" <pk@beta.example>",
        "To: Kern, Petra <pk@beta.example>",
        "Please write to petra.kern@beta.example. I have asked Petra Kern already; petra is fast.",
        "My colleague Petra Kern (pkern@beta.example) buys this.",
        "petra@beta.example (Petra Kern) buys this.",
        "Petra Kern: petra@beta.example",
        "Best regards,\n\nPetra Kern\nHead of Sales\nBeta\nM: kern@beta.example",
        "Dr. Petra von Kern\nHead of Sales\np.kern@beta.example",
        "Regards\nPETRA KERN\npetra.kern@beta.example",
        "Frag bitte Petra Kern, sie entscheidet. Ihre Adresse ist petra@beta.example",
        "On Mon, 5 Jan 2026 at 9:00, Petra Kern [mailto:info@beta.example] wrote:",
        "<p>Ask <a class=\"x\" href=\"mailto:pk@beta.example?subject=x\"><b>Petra</b> Kern</a>.</p>",
        "<p>Von: Petra Kern &lt;office@beta.example&gt;</p>",
    ] {
        let found = redacted(&redactor(), text);
        let small = found.to_lowercase();
        assert!(!small.contains("petra") && !small.contains("kern"), "{text}\n{found}");
        for kept in [
            "Ask",
            "about it",
            "decides",
            "buys this",
            "Head of Sales",
            "egards",
            "wrote:",
            "mailto:",
            "Mon, 5 Jan 2026",
        ] {
            assert_eq!(text.contains(kept), found.contains(kept), "{kept}\n{text}\n{found}");
        }
    }
    for (name, address) in [("Jörg Müller", "joerg.mueller"), ("Zoë Łuc", "zoe.luc"), ("Jean-Luc O'Brien", "jobrien")]
    {
        let found = redacted(&redactor(), &format!("{name} is away. Write to {address}@beta.example. {name}?"));
        assert!(
            name.split([' ', '-', '\'']).filter(|word| word.len() > 1).all(|word| !found.contains(word)),
            "{found}"
        );
    }
}

#[test]
fn what_mailboxes_are_for_is_no_name() {
    for text in [
        "Unsubscribe here: unsubscribe@us.example",
        "Book a Demo <demo@us.example> on Monday. Our Sales Team <sales@us.example> will call.",
        "Kind Regards, sales@us.example. The price is 5.",
        "Invoices go to invoices@us.example. Invoices only.",
    ] {
        let found = redacted(&redactor(), text);
        let outside = |text: &str| -> Vec<String> {
            text.split_whitespace().filter(|word| !word.contains('@')).map(str::to_owned).collect()
        };
        assert_eq!(outside(&found), outside(text), "{text}\n{found}");
    }
}

#[test]
fn a_name_beside_an_address_is_found_in_other_events_as_a_whole() {
    let mut redactor = redactor();
    redactor.learn(&mail("Bring Petra Kern <petra@beta.example>."));
    let own = redacted(&redactor, "Petra Kern <petra@beta.example>");
    let found = redacted(&redactor, "cc: Petra Kern. Bring what you need.");
    assert!(!found.contains("Petra") && !found.contains("Kern") && found.contains("Bring what you need"), "{found}");
    let stand_in = own.split(" <").next().unwrap();
    assert!(found.contains(stand_in), "the same stand-in: {own}, {found}");
}
