//! What phrases of rules find, and what is wrong with one.

use super::*;

fn found(phrase: &str, text: &str) -> Vec<String> {
    let phrase = RulePhrase::parse(phrase).unwrap();
    let (mut all, mut rest) = (Vec::new(), text);
    loop {
        let normal = normalize(rest);
        let Some(found) = PhraseFinder::new([&phrase]).find(normal.as_str()).into_iter().next() else { return all };
        let range = normal.original_range(found.range);
        all.push(rest[range.clone()].to_owned());
        rest = &rest[range.end..];
    }
}

#[test]
fn phrases_of_rules_are_found() {
    for (phrase, text, expected) in [
        (
            "(yes|sure|happy|let's) … (call|demo|meeting|chat)",
            "Sure, let’s have a call.",
            vec!["Sure, let’s have a call"],
        ),
        ("(yes|sure) ... (call|demo)", "YES please,\nlet us do a\ndemo", vec!["YES please,\nlet us do a\ndemo"]),
        ("(yes|sure)...call", "sure call", vec!["sure call"]),
        ("yes … call", "yes a b c d e call", vec!["yes a b c d e call"]),
        ("yes … call", "yes a b c d e f call", vec![]),
        ("yes … call", "Yes. A call", vec![]),
        ("yes … call", "yes\n\na call", vec![]),
        ("yes …2 call", "yes a b c call, yes a, b, call", vec!["yes a, b, call"]),
        ("how much … (cost*|charge)", "How much does it all cost?", vec!["How much does it all cost"]),
        ("how much … (cost*|charge)", "how much would be the costs", vec!["how much would be the costs"]),
        ("don't need", "we dont need, don’t need, don t need", vec!["dont need", "don’t need", "don t need"]),
        ("we'll … talk", "Well talk to them", vec![]),
        ("dont need", "we don’t need it, we dont need it", vec!["don’t need", "dont need"]),
        ("(cant|wont) … call", "I can't take a call", vec!["can't take a call"]),
        ("well talk", "We'll talk", vec![]),
        ("follow-up", "a followup, a follow up, a follow-up", vec!["followup", "follow up", "follow-up"]),
        ("how much?", "how few", vec!["how"]),
        ("no, thanks", "No thanks. No, thanks", vec!["No thanks", "No, thanks"]),
        ("no thanks", "No, thanks", vec![]),
        ("price: list", "the price: list", vec!["price: list"]),
        ("and/or", "and/or and or", vec!["and/or", "and or"]),
        ("cuánto cuesta", "Cuanto cuesta? cuánto cuesta", vec!["Cuanto cuesta", "cuánto cuesta"]),
        ("sounds good.", "Sounds good to me. That sounds good!", vec!["sounds good"]),
        ("no!", "no problem", vec![]),
        ("(no.|no thanks) ", "no problem, no thanks", vec!["no thanks"]),
        ("yes please?.", "yes, please. Yes please do. Yes!", vec!["Yes"]),
        ("call at # p.m.", "A call at 5 p.m. is fine", vec!["call at 5 p.m"]),
        ("no. #", "see no. 5", vec!["no. 5"]),
        ("^stop .", "stop! please stop it", vec!["stop"]),
        ("^ stop", "Hi Sam,\nstop", vec!["stop"]),
        ("^ stop", "Hi Sam, stop", vec![]),
        ("^ stop", "My answer:\n- stop", vec!["stop"]),
        ("^ stop", "This is what we have to say to you about it, in a word:\nstop", vec!["stop"]),
        ("^ stop", "This line is so long that a program may have broken it,\nstop", vec![]),
        ("yes .", "Yes,\nSam", vec!["Yes"]),
        ("(lista|listado) de precios", "¿Me envía la lista\nde precios?", vec!["lista\nde precios"]),
        ("见面", "我们见面吧", vec!["见面"]),
        ("under $500", "under 500, under €500, under $500", vec!["under $500"]),
        ("under 500", "under $500", vec!["under $500"]),
        ("$500", "500 or $ 500", vec!["$ 500"]),
        ("$1,000", "for $1,000 now", vec!["$1,000"]),
        ("$1.50", "1.50, $1.50", vec!["$1.50"]),
        ("$#", "5 seats for $1200", vec!["$1200"]),
        ("€100", "100 €, €100", vec!["€100"]),
        ("100€", "€100, 100 €", vec!["100 €"]),
        ("50%", "50 seats, 50% off", vec!["50%"]),
        ("50%", "50 seats, 50 % off", vec!["50 %"]),
        ("#% off", "50 off, 15% off", vec!["15% off"]),
        ("c++", "C or C++?", vec!["C++"]),
        ("c#", "C++ and C#", vec!["C#"]),
        ("c", "C++", vec!["C"]),
        ("#1", "1 of 2, the #1", vec!["#1"]),
        ("+49", "49, +49 30", vec!["+49"]),
        ("# seats", "50+ seats", vec!["50+ seats"]),
        ("50+ seats", "50 seats, 50+ seats", vec!["50+ seats"]),
        ("costs #", "it costs $500", vec!["costs $500"]),
        ("Q & A", "a Q&A", vec!["Q&A"]),
        ("Q&A", "a Q & A", vec!["Q & A"]),
        ("say \"yes\"", "say yes", vec!["say yes"]),
        ("\"yes", "yes", vec!["yes"]),
        ("price : list", "price: list", vec!["price: list"]),
        ("(we|they)'re in", "we’re in", vec!["we’re in"]),
        ("SOC 2", "SOC2, soc 2, SOC-2, SOC2s, SOC 22", vec!["SOC2", "soc 2", "SOC-2"]),
        ("soc2", "SOC2, soc 2, SOC-2, SOC, 2", vec!["SOC2", "soc 2", "SOC-2"]),
        ("SOC-2 report", "the SOC2 report", vec!["SOC2 report"]),
        (
            "ISO 27001 certif*",
            "ISO27001 certified, ISO 27001 certificate",
            vec!["ISO27001 certified", "ISO 27001 certificate"],
        ),
        ("ISO 27001", "ISO 27,0001, ISO 27, 001", vec![]),
        ("call at 3 pm", "a call at 3pm, call at 3 pm", vec!["call at 3pm", "call at 3 pm"]),
        ("(3pm|noon)", "3 pm or noon", vec!["3 pm", "noon"]),
        ("24 x 7", "24x7, 24 x 7, 24x 7", vec!["24x7", "24 x 7", "24x 7"]),
        ("24/7", "24/7, 24 / 7, 24 7, 247", vec!["24/7", "24 / 7", "24 7"]),
        ("Q3", "Q3 or Q 3", vec!["Q3"]),
        ("Q 3", "Q3 or Q 3", vec!["Q3", "Q 3"]),
        ("A1", "do we need a 1 hour call", vec![]),
        ("1st", "1 St. James Street, the 1st", vec!["1st"]),
        ("top 10?", "the top10", vec![]),
        ("soc2*", "soc 2", vec![]),
        ("1 a 2 b 3", "1 a 2 b 3, 1a2b3", vec!["1 a 2 b 3"]),
        ("(lista|listado)…precios", "lista de precios", vec!["lista de precios"]),
    ] {
        assert_eq!(found(phrase, text), expected, "{phrase} in {text}");
    }
}

#[test]
fn a_number_is_found_whole() {
    for (phrase, text, expected) in [
        ("under $500", "under $500,000, under $500.50, under $500k, under $500.00", vec!["under $500.00"]),
        ("500 seats", "1,500 seats. 1.500 seats. 1 500 seats. 1'500 seats. 0.500 seats. .500 seats", vec![]),
        ("500 seats", "-500 seats. AB-500 seats. sku_500 seats. 2.500,00-500 seats. 1/500 seats", vec![]),
        ("500 seats", "(500 seats), in 2026, 500 seats, 500-seats", vec!["500 seats", "500 seats", "500-seats"]),
        ("500 seats", "in 2026 500 seats; our users–500 seats", vec!["500 seats", "500 seats"]),
        ("500 seats", "400-500 seats. 500-600 seats", vec!["400-500 seats", "500-600 seats"]),
        ("500, please", "500, please. 1,500, please", vec!["500, please"]),
        ("500-600 seats", "500 – 600 seats, 500-600 seats", vec!["500 – 600 seats", "500-600 seats"]),
        ("(500|1,500) seats", "1500 seats and 1.500 seats", vec!["1500 seats", "1.500 seats"]),
        (
            "1,500 seats",
            "500 seats, 1500 seats, 1,500 seats, 1.500 seats, 1 500 seats, 1’500 seats, 1\u{202f}500 seats",
            vec!["1500 seats", "1,500 seats", "1.500 seats", "1 500 seats", "1’500 seats", "1\u{202f}500 seats"],
        ),
        ("1 500 000", "1,500,000 or 1 500 000 or 1 500 000 000", vec!["1,500,000", "1 500 000"]),
        ("yes …2 500 seats", "yes for 500 seats", vec!["yes for 500 seats"]),
        ("$1,200.50", "$1200.50, $1.200,50, $1,200", vec!["$1200.50", "$1.200,50"]),
        (
            "# (seats|users)",
            "1,500 seats, 2.000 users, 10 000 users",
            vec!["1,500 seats", "2.000 users", "10 000 users"],
        ),
        ("# (seats|users)", "50'000 users, 5-10 users, -5 users", vec!["50'000 users", "5-10 users", "-5 users"]),
        ("$#", "it is $1,200.50, or $400-$500", vec!["$1,200.50", "$400-$500"]),
        ("#%", "12.5% or 10-15 %", vec!["12.5%", "10-15 %"]),
        ("12.5%", "2.5%, 12.5%, 12,5 %", vec!["12.5%", "12,5 %"]),
        ("5%", "12.5%", vec![]),
        ("12.5 kg", "12.5kg, 12,5 kg, 2.5 kg", vec!["12.5kg", "12,5 kg"]),
        ("(3|4|5) …3 works", "3, 4 or 5 works", vec!["3, 4 or 5 works"]),
        ("call at #", "call at 10:30, call at 10h30", vec!["call at 10:30", "call at 10h30"]),
        ("at 30", "at 10:30", vec![]),
        ("30 works", "10:30 works", vec![]),
        ("at 10:30", "at 10:30, at 10:30-11:00, at 10", vec!["at 10:30", "at 10:30-11:00"]),
        ("27", "2026-11-27, 27.11., 27/11/2026, 27", vec!["27"]),
        ("version 2.1", "version 2.1.3, version 2.10, version 2.1", vec!["version 2.1"]),
        ("v2", "v2.1 or v2", vec!["v2"]),
        ("v2.1", "v2.1.3 or v2.1", vec!["v2.1"]),
        ("AB-500", "AB-500, AB 500, AB500, AB-5000", vec!["AB-500", "AB 500", "AB500"]),
        ("#", "AB-500", vec![]),
        ("SOC #", "SOC-2", vec!["SOC-2"]),
        ("+49", "+49-30-123456, +49 30 123456", vec!["+49-30-123456", "+49 30 123456"]),
        ("call #", "call +49 30 123456, call 0176 1234567", vec!["call +49 30 123456", "call 0176 1234567"]),
        ("+1", "+1.5, +12", vec![]),
        ("ISO 27001", "ISO 27001:2022", vec!["ISO 27001"]),
        ("in # days", "in 2,5 days, in .5 days", vec!["in 2,5 days", "in .5 days"]),
    ] {
        assert_eq!(found(phrase, text), expected, "{phrase} in {text}");
    }
}

#[test]
fn a_mistake_is_told_where_it_is() {
    for (phrase, part, message) in [
        ("(yes|sure … call", "(", "without its `)`"),
        ("yes) call", ")", "without its `(`"),
        ("… call", "…", "between two words"),
        ("let’s … call...", "...", "between two words"),
        ("yes …12 call", "…12", "1 to 9"),
        ("(yes|) call", ")", "nothing before"),
        ("(|yes) call", "|", "nothing before"),
        (r"yes \bcall", "\\", "no meaning"),
        ("ca[nl]l", "[", "no meaning"),
        ("yes <call>", "<", "no meaning"),
        ("more than >50", ">", "no meaning"),
        ("~50", "~", "no meaning"),
        ("stop ^ it", "^", "no meaning"),
        ("call$", "$", "at an amount"),
        ("$call", "$", "at an amount"),
        ("off %", "%", "stands alone"),
        ("50%%%%", "%", "at no number"),
        ("mail @acme", "@", "any mail address"),
        ("yes * call", "*", "no word"),
        ("a.*b", "a.*b", "no word"),
        ("(call|demo)*", "*", "no word"),
        ("(call|demo)+", "+", "stands alone"),
        ("cost ?", "?", "no word before"),
        ("yes | no", "|", "no word beside"),
        ("yes|", "|", "no word behind"),
        ("^", "^", "no word behind"),
        ("see https://acme.example", "https://acme.example", "is a link"),
        ("colou?r", "?", "not a letter"),
        ("(un)?subscribe", "?", "no part of one"),
        ("cost(s|ing)?", "(", "no part of one"),
        ("re(call)", "(", "no part of one"),
        ("a . b", ".", "a sentence ends at `.`"),
        ("no. thanks", ".", "a sentence ends at `.`"),
        ("(no.|nope) thanks", ".", "a sentence ends at `.`"),
        ("Yes! Let’s talk", "!", "a sentence ends at `!`"),
        ("yes.Then", "yes.Then", ""),
        (".", ".", "everywhere"),
        ("-", "-", "everywhere"),
        ("please?", "please?", "everywhere"),
        ("mail jane@acme.example", "jane@acme.example", "an address"),
        ("👍", "👍", "no word"),
        ("", "", "is empty"),
    ] {
        match RulePhrase::parse(phrase) {
            Ok(_) => assert!(message.is_empty(), "{phrase}"),
            Err(error) => {
                assert!(error.message.contains(message) && !message.is_empty(), "{phrase}: {error}");
                assert_eq!(&phrase[error.range.clone()], part, "{phrase}: {error:?}");
            }
        }
    }
    assert!(RulePhrase::parse(&"a? ".repeat(400)).is_err());
    assert!(RulePhrase::parse(&format!("{} b", "a? ".repeat(200))).is_err());
    assert_eq!(RulePhrase::parse("what does it cost?").unwrap().optional_end(), Some(13..18));
    assert_eq!(RulePhrase::parse("price (list)?").unwrap().optional_end(), None);
}

#[test]
fn one_phrase_is_found_wherever_another_is() {
    for (wide, narrow, expected) in [
        ("call", "a call", true),
        ("call*", "a calls us", true),
        ("(call|demo)", "book … demo", true),
        ("call", "(call|demo)", false),
        ("(demo|call|chat)", "(call|demo)", true),
        ("a call", "call", false),
        ("^ call", "call", false),
        ("call", "^ call", true),
        ("call", "call?  me", false),
        ("SOC 2", "our SOC 2 report", true),
        ("SOC", "SOC 2", false),
    ] {
        let [wide, narrow] = [wide, narrow].map(|text| RulePhrase::parse(text).unwrap());
        assert_eq!(wide.is_found_with(&narrow), expected, "{wide:?} {narrow:?}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    /// No text makes it panic; a mistake is within the phrase; and what is all words finds itself.
    #[test]
    fn any_text_is_a_phrase_or_a_mistake(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "a", "b", "é", "’", "don’t", " ", " ", "(", ")", "|", "?", "…", "...", "*", "^", ".", ",", "#", "@", "<", "a@b.c",
            "见", "\u{200b}", "-", "1", "500", "20", "_", "/", "!", "$", "%", "+", "&", "\"", ":", "~", "=",
        ]), 0..14),
    ) {
        let text = parts.concat();
        match RulePhrase::parse(&text) {
            Err(error) => proptest::prop_assert!(text.get(error.range.clone()).is_some(), "{error:?}"),
            Ok(phrase) => {
                let plain = !text.contains(['(', '|', '?', '…', '*', '^', '#', '@', '.', '!']);
                let normal = normalize(&text);
                let found = PhraseFinder::new([&phrase]).find(normal.as_str());
                proptest::prop_assert!(!plain || !found.is_empty(), "{phrase:?}");
            }
        }
    }
}
