//! The one list of diagnostic codes. A code is never given a second meaning; one that is no longer needed stays out of use.

use super::diagnostic::CodeInfo;

macro_rules! codes {
    ($($name:ident = $id:literal, $title:literal, $explanation:literal;)+) => {
        /// The codes by name: what [`super::diagnostic::Diagnostic::code`] is filled with.
        pub mod code {
            $(#[doc = concat!($title, ". ", $explanation)] pub const $name: &str = $id;)+
        }

        /// Every code with its meaning, in the order of the documentation.
        pub const CODES: &[CodeInfo] = &[$(CodeInfo { id: $id, title: $title, explanation: $explanation }),+];
    };
}

codes! {
    SYNTAX = "Y001", "not valid YAML", "The file cannot be read beyond this place. Indentation, an unclosed quote or bracket, or a value that needs quotes are the usual reasons.";
    TAB = "Y002", "a tab where spaces belong", "YAML is indented with spaces only.";
    TOO_LARGE = "Y003", "the file is too large", "A file may have 1 MiB; split rules into several files.";
    TOO_DEEP = "Y004", "nested too deeply", "Mappings and lists may be nested 64 levels deep.";
    UNSUPPORTED = "Y005", "a YAML feature that is not supported", "Anchors, aliases, merge keys and tags are refused, because they hide what a rule says. A text that begins with `*`, `&` or `!` needs quotes.";
    DOCUMENTS = "Y006", "more than one document", "A file holds one document; put the second one into a file of its own.";
    DUPLICATE_KEY = "Y007", "a key stands twice", "Only one of the two values could count, so neither is guessed. Remove one of them.";
    ENCODING = "Y008", "not UTF-8", "Save the file in the encoding UTF-8.";
    UNREADABLE = "Y009", "the file cannot be read", "It does not exist, or this user may not read it.";
    KEY_NOT_TEXT = "Y010", "a key that is not text", "A key is a word. A value such as `{{ name }}` needs quotes, else YAML takes it for a mapping.";
    BACKSPACE = "Y011", "a backspace in double quotes", "In double quotes YAML reads `\\b` as a backspace, so a regular expression with it matches nothing. Single quotes leave it alone.";
    UNKNOWN_KEY = "Y020", "unknown key", "The key means nothing here, so what was meant by it would be lost silently.";
    MISSING_KEY = "Y021", "a key is missing", "Without it the entry has no meaning.";
    WRONG_TYPE = "Y022", "another kind of value is needed", "For example a list where a text is needed, or a text where a number is needed.";
    BAD_DURATION = "Y023", "not a duration", "Durations are a number and a unit: 30s, 5m, 2h, 7d, 1w.";
    BAD_RATE = "Y024", "not a rate", "Rates are a count and a duration: `30 per 1d`.";
    NOT_ONE_OF = "Y025", "not one of the allowed values", "The value must be one of those that the message lists.";
    OUT_OF_RANGE = "Y026", "out of range", "The number or duration is smaller or larger than what is allowed here.";
}
