//! Hostile mail: four times the text takes about four times the time, not sixteen. The processor's time of this thread is
//! compared, not the clock's, so that other work on the machine does not matter.

use std::time::{Duration, Instant};

use reply_router::text;

/// A step that looks at everything again for each line would take sixteen times as long.
const MAX_ITEMS: f64 = 9.0;
/// Below this nothing can be told from noise.
const LEAST: Duration = Duration::from_millis(20);

/// The time that this thread has had; where the system does not tell, the time that has passed.
fn used(since: Instant) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.as_deref().and_then(|told| told.split_whitespace().next()?.parse().ok());
    nanos.map_or_else(|| since.elapsed(), Duration::from_nanos)
}

fn time(work: &dyn Fn(&str), input: &str) -> Duration {
    let since = Instant::now();
    let before = used(since);
    work(input);
    used(since).saturating_sub(before)
}

/// Mail of `bytes` bytes made of `unit`, in which `{}` is a running number.
fn mail(unit: &str, bytes: usize) -> String {
    let mut out = String::with_capacity(bytes + unit.len());
    let mut number = 0;
    while out.len() < bytes {
        number += 1;
        out.push_str(&unit.replace("{}", &number.to_string()));
    }
    out
}

fn check(work: &dyn Fn(&str), small: usize, units: &[(&str, &str)]) {
    // The patterns are compiled at their first use, which is not what is measured.
    for (_, unit) in units {
        work(&mail(unit, 2000));
    }
    let mut wrong = Vec::new();
    for (name, unit) in units {
        let (little, much) = (mail(unit, small), mail(unit, small * 4));
        let ratio = (0..3)
            .map(|_| {
                let (first, second) = (time(work, &little).max(LEAST), time(work, &much).max(LEAST));
                println!("{name}: {} bytes {first:?}, {} bytes {second:?}", little.len(), much.len());
                second.as_secs_f64() / first.as_secs_f64()
            })
            .find(|ratio| *ratio < MAX_ITEMS);
        if ratio.is_none() {
            wrong.push(*name);
        }
    }
    assert!(wrong.is_empty(), "these take more time than their length deserves: {wrong:?}");
}

#[test]
fn plain_text_takes_time_in_proportion_to_its_length() {
    // Plain text is looked at in its first 256 KiB.
    let new_text = |input: &str| drop(text::new_text(Some(input), None));
    check(
        &new_text,
        60 * 1024,
        &[
            ("nested quotes", "> > > > > > > > > > > > > > > > quote {}\n"),
            (
                "deeper and deeper quotes",
                ">>>>>>>>>>>>>>>> On Mon, Jan 5, 2026 at 9:00 AM Sam <sam@us.example> wrote:\n",
            ),
            (
                "attributions with answers",
                "On Mon, Jan 5, 2026 at 9:00 AM Sam <sam@us.example> wrote:\n> why {}?\nso\n",
            ),
            ("attributions that are not sure", "Sam {} wrote:\n"),
            ("verbs that are no attribution", "Sam wrote: I wrote: we wrote {} "),
            ("warnings", "CAUTION: external sender. This email originated from outside {}.\n\n"),
            ("initials", "SL> line {}\n"),
            ("attributions that never end", "On Mon, Jan 5, 2026 at 9:00 AM Sam {}\n"),
            ("attributions above blank lines", "Sam {} wrote:\n\n\n\n\n\n\n\n"),
            (
                "attributions in many languages",
                "Am Mo., 5. Jan. 2026 um 09:00 Uhr schrieb\nEl lun, 5 ene 2026 escribió\nпн, 5 янв. 2026 г. в 09:00 <sam@us.example>\n",
            ),
            ("announced mail", "-----Original Message-----\nFrom: Sam\n> quote\n"),
            ("headers without an end", "From: Sam {} <sam@us.example>\nTo: Jane\n\n"),
            ("recipients", "To: a{}@acme.example; b{}@acme.example;\n"),
            ("greetings", "Best regards,\nJane Doe\nAcme Ltd\n+44 20 7946 0000\n\n"),
            (
                "notices",
                "This e-mail is confidential and intended for the addressee only. Delete it if you got it in error. {}\n\n",
            ),
            ("dashes", "--\n{}\n"),
            ("device lines", "Sent from my iPhone {}\n"),
            ("one long line", "On Mon, Jan 5, 2026 at 9:00 AM Sam {} "),
            ("one long line of addresses", "a{}@acme.example 5. jan. 2026 09:00 "),
            (
                "long lines",
                "From: to: sent: subject: wrote schrieb a écrit escribió {} and so on and on and on and on and on and on\n",
            ),
        ],
    );
}

#[test]
fn html_takes_time_in_proportion_to_its_length() {
    let new_text = |input: &str| drop(text::new_text(None, Some(input)));
    check(
        &new_text,
        256 * 1024,
        &[
            ("open elements", "<div>"),
            ("elements with text", "<div>word {}</div>"),
            ("nested quotes", "<blockquote type=\"cite\">quote {}"),
            ("nested lists", "<ul><li>item {}"),
            ("marks of history", "<div id=\"divRplyFwdMsg\"></div><hr id=\"stopspelling\">"),
            ("boxes", "<div style=\"border:none;border-top:solid #E1E1E1 1.0pt\"><p>From: Sam {}"),
            (
                "attributions",
                "<div class=\"gmail_attr\">On Mon Sam wrote:</div><blockquote class=\"gmail_quote\">why</blockquote>so ",
            ),
            ("attributes", "<a b{}='c' "),
            ("mis-nested elements", "<b><i>{}</b></i>"),
            ("entities", "&#x1F600;&unknown{};&"),
            ("empty lines", "<br><p></p>"),
            ("words", "word {} and <b>more</b> &amp; more\n"),
            ("addresses", "<sam{}@acme.example> <https://acme.example/{} <www.acme.example"),
            ("elements of many names", "<x{}>a</x{}>"),
            ("open elements of many names", "<x{}>a"),
            ("many attributes", "<p a{}=b class=\"c{}\" style=\"display:none;x:{}\">"),
            ("quotes that do not close", "<a b=\"x>y\" "),
            ("quotes within quotes", "<a b='\"><a b=\"'>"),
            ("comments that do not end", "<!-- {} <p>"),
            ("comments", "<!-- {} --><!--> <!--!> "),
            ("styles that do not end", "<style>p{} <xml> </styles> <title>"),
            ("styles", "<style>p</style {}><script>'</scripts>'</script>"),
            ("containers without a quote", "<div class=\"gmail_quote\">Sam {} &lt;sam@us.example&gt;:</div>"),
            ("containers within containers", "<div class=\"protonmail_quote\">sam@us.example {}:"),
            ("hidden elements", "<div hidden><span style='mso-hide:all'>{}</div>"),
        ],
    );
}

#[test]
fn what_kind_of_mail_it_is_takes_time_in_proportion_to_its_length() {
    let kind = |input: &str| {
        let _ = text::auto_reply(None, Some("Re: Hi"), Some(input), Some(jiff::civil::date(2026, 1, 5)));
        let mail =
            text::Mail { subject: Some(input), our_subjects: &[input, "A quick question"], ..Default::default() };
        let _ = text::automatic(&mail);
        let _ = text::language(input);
        let _ = text::opt_out(None, input);
    };
    // No more than 64 KiB are looked at.
    check(
        &kind,
        15 * 1024,
        &[
            ("returns", "I am away, back on {} January until 12 until "),
            ("dates", "12.1.-13.1. "),
            ("halves of an opt-out", "not more not again "),
            ("other halves", "remove me please from further write "),
            ("sentences", "no. more. stop? not! "),
            ("machines and talk of them", "this is an automated message if "),
            ("exceptions", "please don't contact me before unsubscribe don't "),
            ("days", "Monday the 5 to Tuesday 6 January back on Monday until "),
            ("words", "nicht plus więcej больше не ikke mer lista {} "),
        ],
    );
}

#[test]
fn a_thread_takes_time_in_proportion_to_its_length() {
    let date = "2026-01-05T09:00:00Z".parse().ok();
    let read = |input: &str, earlier: Option<&str>| {
        let party = |from, to| text::Earlier { from: Some(from), to: Some(to), date, ..text::Earlier::default() };
        let ours = party("Sam Lee <sam@us.example>", "Jane Doe <jane@acme.example>");
        let theirs = party("Jane Doe <jane@acme.example>", "sam@us.example");
        let thread = [
            text::Earlier { text: Some("Hi Jane, would you like a demo of our tool? Sam"), outgoing: true, ..ours },
            text::Earlier { text: earlier, outgoing: true, subject: Some("A quick question"), ..ours },
            text::Earlier { text: earlier, ..theirs },
        ];
        drop(text::new_text_in_thread(Some(input), None, &thread));
    };
    // The mail quotes a short message, or one of the same making.
    let below_a_short_one = |input: &str| read(input, None);
    let below_itself = |input: &str| read(input, Some(input));
    // Below itself, a long text of these is quoted only as far as the thread's words are kept: the rest costs more.
    check(
        &below_a_short_one,
        60 * 1024,
        &[("pieces of ours with answers", "would you like a demo of our tool\nno {}\n")],
    );
    let works: [&dyn Fn(&str); 2] = [&below_a_short_one, &below_itself];
    for work in works {
        check(
            work,
            60 * 1024,
            &[
                ("one word again and again", "a "),
                ("two words in turn", "a b\n"),
                ("a word on each line", "word\n\n"),
                ("numbered words", "word{} "),
                ("the first words of ours", "Hi Jane, would\n\n"),
                ("pieces of ours within lines", "would you like a demo of our tool no {} "),
                ("quotes and answers", "> would you like a demo of our tool?\nno {}\n"),
                ("changed words", "would you {} like a demo {} of our\n"),
                ("names and dates", "Zorg blipte 5 Jan 2026. Sam Lee <sam@us.example>: Hi Jane\n"),
                (
                    "names and dates on one line",
                    "Zorg blipte 5 Jan 2026. Sam Lee <sam@us.example>: Hi Jane, would you like a demo ",
                ),
                ("header blocks", "Zorg: Sam Lee\nBlipte: 5 Jan 2026\nFlum: Jane\nTema: A quick question\nHi Jane,\n"),
                ("labels", "Zorg: Sam Lee\n"),
                ("drawn lines", "-----\n"),
                ("links", "https://us.example/{} "),
                ("links that never end", "<https://us.example/{}\n"),
                ("pictures", "[image: [image: [cid:"),
                ("slashes", "a.bc/"),
                ("ideographs", "您是否愿意看一下演示"),
                ("accents", "e\u{301}\u{301}\u{301}\u{301} "),
                ("replaced letters", "pr?t caf? Ã© "),
                ("full stops", "5. 5. 5. "),
            ],
        );
    }
}
