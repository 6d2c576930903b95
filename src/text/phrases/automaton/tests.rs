//! Phrases in words: what is found, and that all ways to find it agree.

use super::*;
use crate::text::phrases::builder::Builder;
use crate::text::phrases::{grammar::Lists, language_file::parse};
use crate::text::words::words;

fn found(phrases: &[&str], text: &str) -> Vec<String> {
    let mut builder = Builder::default();
    for phrase in phrases {
        builder.add(&parse(phrase, &Lists::new()).unwrap(), false);
    }
    let words = words(text);
    let all = Automaton::new(builder.finish_apart()).find(text, &words);
    let piece = |found: &Found| {
        let (first, last) = (words[found.first as usize], words[found.last as usize]);
        text[first.start as usize..last.end as usize].to_owned()
    };
    all.iter().map(piece).collect()
}

#[test]
fn phrases_are_found_in_words() {
    for (phrase, text, wanted) in [
        ("remove me|us", "Please remove\nus now, remove me.", vec!["remove\nus", "remove me"]),
        ("stop", "Stop nonstop stopping.", vec!["Stop"]),
        ("unsub*", "Unsubscribe, unsub and UNSUBSCRIBED", vec!["Unsubscribe", "unsub", "UNSUBSCRIBED"]),
        ("*liste", "die Mailingliste, Liste, listen", vec!["Mailingliste", "Liste"]),
        ("not …2 mail", "not one two mail; not one two three mail; not mail", vec!["not one two mail", "not mail"]),
        ("not … mail", "not, mail", vec![]),
        ("no , thanks", "No, thanks. No thanks. No. Thanks", vec!["No, thanks", "No thanks"]),
        (
            "again , (please)? stop",
            "again, stop; again, please stop; again please, stop",
            vec!["again, stop", "again, please stop", "again please, stop"],
        ),
        ("(no ,)? thanks", "No, thanks", vec!["No, thanks", "thanks"]),
        ("^ stop .", "Stop. I stop. Stop it.\nstop", vec!["Stop", "stop"]),
        (
            "don't (mail|write to)? me",
            "Don’t me, don't mail me, don t write to me",
            vec!["Don't me", "don't mail me", "don t write to me"],
        ),
        (
            "remove @ from … list",
            "Remove jane@acme.example from your list",
            vec!["Remove jane@acme.example from your list"],
        ),
        ("within # days?", "within 2 days", vec!["within 2 days"]),
        ("löschen", "LÖSCHEN loeschen loschen", vec!["LÖSCHEN", "loeschen", "loschen"]),
        ("schon", "schön", vec![]),
        ("自动回复", "[自动回复] x", vec!["自动回复"]),
        ("διαγραφή", "ΔΙΑΓΡΑΦΗ", vec!["ΔΙΑΓΡΑΦΗ"]),
        ("iptal", "İPTAL", vec!["İPTAL"]),
        ("e-mail*", "E-Mails emails", vec!["E-Mails", "emails"]),
        ("a (b|c d)? e", "a e a b e a c d e", vec!["a e", "a b e", "a c d e"]),
    ] {
        let normal = crate::text::normalize(text);
        assert_eq!(found(&[phrase], normal.as_str()), wanted, "{phrase} in {text}");
    }
}

#[test]
fn many_phrases_are_found_at_once() {
    let all = found(&["out of office", "out of the office", "of the", "the? office x"], "I am out of the office x");
    assert_eq!(all, ["out of the office", "of the", "the office x"].map(str::to_owned)[..], "{all:?}");
}

/// Phrases that begin alike are walked once, so that a text takes as long for many of them as for a few.
#[test]
fn phrases_that_begin_alike_share_their_places() {
    let finder = |count: usize| {
        let mut builder = Builder::default();
        for number in 0..count {
            builder
                .add(&parse(&format!("(how much|what) …3 (cost|price) word{number}"), &Lists::new()).unwrap(), false);
        }
        Automaton::new(builder.finish())
    };
    let (few, many) = (finder(20), finder(2_000));
    // how, much, what, three words between, cost, price; and a word for each.
    assert_eq!((few.tables.places(), many.tables.places()), (8 + 20, 8 + 2_000));
    let text = "how much is the price word7 ".repeat(2_000);
    let words = words(&text);
    assert_eq!(many.find(&text, &words).len(), 2_000);
    assert_eq!(many.find_first(&text, &words), [Found { first: 0, last: 5, phrase: 7 }]);
}

/// Each phrase is found where it begins first, to where it ends last from there; whatever was walked over before.
#[test]
fn the_first_match_of_each_phrase_is_the_first_of_all() {
    let phrases = ["a … b", "b .", "(a|b) c?", "c", "^ b … a", "a? b c", "c c"];
    let builder = || {
        let mut builder = Builder::default();
        for phrase in phrases {
            builder.add(&parse(phrase, &Lists::new()).unwrap(), false);
        }
        builder
    };
    let (alone, shared) = (Automaton::new(builder().finish_apart()), Automaton::new(builder().finish()));
    for number in 0..3_u32.pow(7) {
        let letter = |at: u32| ["a ", "b ", "c. "][(number / 3_u32.pow(at) % 3) as usize];
        let text: String = (0..7).map(letter).collect();
        let words = words(&text);
        let (all, first) = (alone.find(&text, &words), shared.find_first(&text, &words));
        assert_eq!(all, shared.find(&text, &words), "{text}");
        for phrase in 0..phrases.len() as u32 {
            let of = |found: &[Found]| found.iter().find(|found| found.phrase == phrase).copied();
            assert_eq!(of(&first), of(&all), "{phrase} in {text}");
        }
    }
}

/// Phrases that begin with the same words, and allow others as well: however many they are, a mail of these words takes as long
/// as for a few.
#[test]
fn phrases_that_begin_with_the_same_words_are_walked_together() {
    let finder = |count: usize| {
        let mut builder = Builder::default();
        for number in 0..count {
            let phrase = format!("(how|opener{number}) … (much|extra{number})? … (cost|price{number}) … item{number}");
            builder.add(&parse(&phrase, &Lists::new()).unwrap(), false);
        }
        Automaton::new(builder.finish())
    };
    let many = finder(2_000);
    let opener =
        |number: usize| if number.is_multiple_of(3) { "how".to_owned() } else { format!("opener{}", number % 7) };
    let other =
        |number: usize| if number.is_multiple_of(5) { "cost".to_owned() } else { format!("extra{}", number % 11) };
    let text: String = (0..5_000).map(|number| format!("{} a {} ", opener(number), other(number))).collect();
    let words = words(&text);
    assert_eq!(many.find_first(&text, &words), []);
    let (count, size) = many.scratches.lock().unwrap()[0].states.size();
    assert!(
        count < 2_000 && size < 40 * many.tables.steps(),
        "{count} states of {size} for {} steps",
        many.tables.steps()
    );
    // The same states serve for the next mail.
    let text = format!("{text} item7 how it cost item1999");
    let words = crate::text::words::words(&text);
    let found = many.find_first(&text, &words);
    assert_eq!(found.iter().map(|found| found.phrase).collect::<Vec<_>>(), [1_999]);
    let after = many.scratches.lock().unwrap()[0].states.size();
    assert!(after.0 < count + 40, "{count} states, then {}", after.0);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    /// Whether places are walked one by one or together, each phrase is found where it begins first, to where it ends last from
    /// there; also with states that were made for other mails, or are forgotten.
    #[test]
    fn all_walks_find_the_same(
        phrases in proptest::collection::vec(proptest::collection::vec(proptest::sample::select(vec![
            "a", "b", "c", "(a|b)", "(b|c a)", "(a|c)?", "(a b|c)", "a*", "*b", "#", "@", "…", "…2", ",", "(a , b)?", "b?",
        ]), 1..6), 1..12),
        texts in proptest::collection::vec(proptest::collection::vec(proptest::sample::select(vec![
            "a", "b", "c", "ab", "cb", "17", "x@y.example", ",", ".", "\n", "x", "a", "b",
        ]), 0..24), 1..4),
        begins in proptest::collection::vec(proptest::bool::ANY, 12),
        ends in proptest::collection::vec(proptest::bool::ANY, 12),
        in_line in proptest::bool::ANY,
        forgets in proptest::bool::ANY,
    ) {
        let written = phrases.iter().zip(begins.iter().zip(&ends)).map(|(parts, (begins, ends))| {
            format!("{}{}{}", if *begins { "^ " } else { "" }, parts.join(" "), if *ends { " ." } else { "" })
        });
        let read: Vec<_> = written.filter_map(|phrase| parse(&phrase, &Lists::new()).ok()).collect();
        let builder = || {
            let mut builder = Builder::default();
            for phrase in &read {
                builder.add(phrase, in_line);
            }
            builder
        };
        let (alone, shared) = (Automaton::new(builder().finish_apart()), Automaton::new(builder().finish()));
        for text in texts {
            let text = text.join(" ");
            let words = words(&text);
            let all = alone.find(&text, &words);
            let mut scratch = if forgets { Scratch::default() } else { shared.take_scratch(words.len()) };
            let by_place = {
                let mut found = Walk::run(&shared, &text, &words, true, &mut scratch);
                found.sort_unstable_by_key(|found| (found.first, found.phrase));
                found
            };
            shared.keep_scratch(scratch);
            let together = shared.find_first(&text, &words);
            proptest::prop_assert_eq!(&by_place, &together, "{:?} in {}", read, text);
            for phrase in 0..read.len() as u32 {
                let of = |found: &[Found]| found.iter().find(|found| found.phrase == phrase).copied();
                proptest::prop_assert_eq!(of(&together), of(&all), "{} in {}", phrase, text);
            }
        }
    }
}
