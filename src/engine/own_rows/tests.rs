use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn message(outgoing: bool, second: i64) -> Message {
    Message { id: format!("{second}"), outgoing, created_at: Some(at(second)), ..Message::default() }
}

/// The campaign's message, and the lead's.
fn conversation() -> Conversation {
    Conversation::new(vec![message(true, 0), message(false, 10)])
}

fn row(count: u64, second: i64, preview: &str) -> ThreadRow {
    ThreadRow {
        id: "a".to_owned(),
        reply_count: Some(count),
        last_message_at: Some(at(second)),
        preview: Some(preview.to_owned()),
        ..ThreadRow::default()
    }
}

const TEXT: &str = "Hi Jane,\nhere is my calendar.";
const PREVIEW: &str = "Hi Jane, here is my calendar.";

/// An account that counts as `counted` says of [`conversation`], in which our reply was taken at second 20, and in which
/// such a row was read a moment ago.
fn after_reply(counted: u64) -> OwnRows {
    let rows = OwnRows::default();
    rows.learn(&row(counted, 10, "Yes."), &conversation());
    rows.known().read_at = Some(Instant::now());
    rows.expect("a", ExpectedRow::after_reply(&conversation(), TEXT, at(20)));
    rows
}

#[test]
fn a_row_that_shows_our_reply_and_nothing_else_is_own() {
    for (counted, then) in [(1, 1), (2, 3)] {
        assert!(after_reply(counted).is_own(&row(then, 20, PREVIEW)), "{counted}");
        assert!(after_reply(counted).is_own(&row(then, 19, PREVIEW)));
        assert!(after_reply(counted).is_own(&row(then, 21, PREVIEW)), "dates are whole seconds");
    }
}

#[test]
fn whatever_differs_is_read() {
    for (counted, then) in [(1, 1), (2, 3)] {
        let differs = [
            row(then + 1, 20, PREVIEW),
            row(then.saturating_sub(1), 20, PREVIEW),
            row(then, 22, PREVIEW),
            row(then, 10, PREVIEW),
            row(then, 20, "Hi Jane, here is my calend"),
            row(then, 20, "Hi Jane, here is my calendar. -- Sam"),
            row(then, 20, "Please no more mail."),
            row(then, 20, ""),
            ThreadRow { reply_count: None, ..row(then, 20, PREVIEW) },
            ThreadRow { last_message_at: None, ..row(then, 20, PREVIEW) },
            ThreadRow { preview: None, ..row(then, 20, PREVIEW) },
            ThreadRow { id: "b".to_owned(), ..row(then, 20, PREVIEW) },
        ];
        for row in differs {
            assert!(!after_reply(counted).is_own(&row), "{row:?}");
        }
    }
}

#[test]
fn what_is_counted_must_be_known() {
    // Neither a thread without outgoing messages nor a row about other messages teaches anything.
    for (row_then, messages) in [
        (row(1, 10, "Yes."), Conversation::new(vec![message(false, 10)])),
        (row(1, 11, "Yes."), conversation()),
        (row(7, 10, "Yes."), conversation()),
    ] {
        let rows = after_reply(1);
        rows.known().counting = None;
        rows.learn(&row_then, &messages);
        assert!(!rows.is_own(&row(1, 20, PREVIEW)), "{row_then:?}");
    }
    let rows = after_reply(1);
    rows.learn(&row(2, 10, "Yes."), &conversation());
    assert!(!rows.is_own(&row(1, 20, PREVIEW)), "two threads that disagree");
}

#[test]
fn a_reply_proves_one_row_and_two_prove_none() {
    let rows = after_reply(1);
    assert!(rows.is_own(&row(1, 20, PREVIEW)));
    assert!(!rows.is_own(&row(1, 20, PREVIEW)));
    let rows = after_reply(1);
    rows.expect("a", ExpectedRow::after_reply(&conversation(), TEXT, at(20)));
    assert!(!rows.is_own(&row(1, 20, PREVIEW)));
    let rows = after_reply(1);
    rows.expect("a", None);
    assert!(!rows.is_own(&row(1, 20, PREVIEW)));
}

#[test]
fn where_a_second_copy_would_not_show_one_row_an_hour_is_read() {
    let rows = after_reply(1);
    rows.known().read_at = None;
    assert!(!rows.is_own(&row(1, 20, PREVIEW)));
    rows.expect("a", ExpectedRow::after_reply(&conversation(), TEXT, at(20)));
    assert!(rows.is_own(&row(1, 20, PREVIEW)));
    let rows = after_reply(2);
    rows.known().read_at = None;
    assert!(rows.is_own(&row(3, 20, PREVIEW)), "a second copy would have been counted");
}
