//! The one list of diagnostic codes. A code is never given a second meaning; one that is no longer needed stays out of use.

/// A code as it stands in [`Diagnostic::code`](super::Diagnostic::code), with what it means: the source of the list in the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeInfo {
    /// `Y…` for YAML itself, `C…` for the configuration, `R…` for rules, `L…` for what is odd across them. Never reused for something else.
    pub id: &'static str,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// Why it is refused, and what to do.
    pub explanation: &'static str,
}

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
    RULE_NAME = "R001", "not a rule name", "A rule's name has small letters, digits and `-`, so that it can stand in addresses, files and lists.";
    RULE_TWICE = "R002", "two rules of one name", "Names are unique over all files: overrides, history and the pages know a rule by its name.";
    NO_CONDITION = "R003", "a rule without a condition", "A rule needs `when`, `script`, or both; `when: always` matches everything.";
    UNKNOWN_CONDITION = "R004", "unknown condition", "The documentation lists the fields that `when` knows.";
    BAD_REGEX = "R005", "not a regular expression", "The engine is linear in time: it has no look-around and no back-references, and refuses what compiles to more than 256 KiB.";
    BAD_SCRIPT = "R006", "the script does not compile", "Scripts are rhai and see thread, lead, message, captures, workspace and now.";
    BAD_TEMPLATE = "R007", "the template does not compile", "Templates are Jinja; the documentation lists the names that they see.";
    UNKNOWN_DESTINATION = "R008", "unknown destination", "Destinations stand under `destinations` in the configuration, and each serves one kind of action.";
    UNKNOWN_HOURS = "R009", "unknown hours", "Opening hours stand under `hours` in the configuration.";
    NO_FILE = "R010", "a file is missing", "Paths in a rule are relative to the folder of the file that the rule stands in.";
    ATTACHMENTS = "R011", "too many or too large attachments", "A reply carries at most 5 files, 10 MB together.";
    UNKNOWN_ACTION = "R012", "unknown action", "Actions are reply, star, unstar, mark_read, slack, email and webhook.";
    NO_ACTION = "R013", "a rule that does nothing", "A rule needs `then`, or `stop: true` to keep later rules away.";
    NO_TEXT = "R014", "a reply without a text", "A reply takes `text`, `html`, both, or `template`.";
    EMPTY_BOUNDS = "R015", "bounds that nothing meets", "The lower bound lies above the upper one.";
    NO_CAPTURE = "R016", "nothing captures this", "A template prints `captures.NAME` or `vars.NAME` that neither `capture`, a named group nor a script of its rule provides, or `workspace.vars.NAME` that no workspace with the rule defines, so it would always fail.";
    VERSION = "R017", "unknown version", "This program reads rules of version 1.";
    NO_RULES = "R018", "no rules", "The path holds no file with rules.";
    TWO_TEXTS = "R019", "two texts for one reply", "`template` brings the text; `text` and `html` beside it would have no meaning.";
    TEST_EVENT = "R020", "a test without an event", "Rules run on a lead's message: the last message of a test is that one.";
    UNKNOWN_WORKSPACE = "R022", "unknown workspace", "The configuration has no workspace of that name.";
    TEST_FAILS = "R021", "a test fails", "The rules do not do what the test beside them expects; `reply-router test` shows what they do instead. `run` and a reload refuse them.";
    FORBIDDEN_FILE = "R030", "a file that rules may not use", "What a rule names is mailed to a lead. So only files below the folder of the rules are used, and those below a folder that the configuration names in `attachments_from`, links resolved. The configuration, the store, and whatever has a part that begins with a dot in its path, are never used.";
    NOT_READ = "R031", "an entry of the folder of rules that is not read", "A link that leads nowhere or in a circle, a pipe, a socket or a device. Where a file or folder of rules may have been meant it is an error, because a rule that is missing may be the one that keeps the others back.";
    HIDDEN = "L001", "a rule that is never reached", "Earlier rules with `stop: true` match every message that it could match, so it never acts. Only rules that are live or in draft stop anything.";
    REPLIES_MEET = "L002", "replies that can meet", "A message gets one reply: that of the first rule that matches. The later rule's reply is suppressed as already answered, which is right if the order is meant, and a surprise otherwise.";
    NEVER = "L003", "a condition that never holds", "Its parts contradict each other, so the rule, or this part of it, matches no message at all.";
    ALWAYS_HOLDS = "L004", "a condition that always holds", "It is true of every message, so it does not narrow the rule down, whatever it seems to say.";
    MATCHES_EMPTY = "L005", "a regular expression that finds the empty text", "Expressions are searched for anywhere in the text. One that may be empty is found in every text, or at least in one without any words.";
    ANY_AT_THE_END = "L006", "`.*` at an end of a regular expression", "Expressions are searched for anywhere in the text, so that `.*` at the beginning or the end changes nothing but the speed, and what is shown as the match.";
    NOT_IN_ANY = "L007", "`not` inside `any`", "Nearly every message lacks something, so a `not` among the alternatives of `any` makes nearly everything match. It is mostly meant beside `any`, not in it.";
    UNGUARDED = "L008", "a reply without a guard", "The rule answers without asking for a category or for words of the lead: it would answer complaints and refusals as well.";
    CEILING = "L009", "a ceiling that silences rules", "The mode of the workspace is the ceiling of all its rules: what is `live` in a rule file is not live here.";
    OVER_BUDGET = "L010", "polling that uses up the hourly budget", "Each poll costs a request even when nothing has happened. What is left of the hourly budget is what replies are guarded and sent with.";
    REGEX_AS_TEXT = "L031", "a regular expression where none is read", "`category`, `campaign`, `lead_email` and other short values are compared whole; `*` stands for any text, `?` for one character, and everything else for itself.";
    NEVER_FITS = "L032", "a value that nothing fits", "No value of the field can ever look like this.";
    ODD_REGEX = "L033", "slashes or curly quotes around a regular expression", "They are part of what is looked for. Other languages write expressions between slashes, and word processors turn straight quotes into curly ones.";
    NEARLY_KNOWN = "L034", "a category that is nearly a known one", "Categories can be your own, so this is allowed; but it differs by a letter or two from one that is known, and a rule for a category that nobody gives matches nothing.";
    UNREACHED_ABSENCE = "L035", "absence notes that are not let through", "Automatic mail reaches only rules that say `auto_reply`. A rule for `category: out_of_office` without it matches only what a person wrote.";
    NOT_ANALYSED = "L030", "too many conditions to compare", "Looking for contradictions, and for rules that hide one another, has a budget. Where it does not suffice, `check` says so, and finds less.";
    LOOKS_LIKE_TEMPLATE = "L011", "single braces in a text", "Templates print what stands in double braces. A word in single braces is sent as it stands, braces and all.";
    NO_DEFAULT = "L036", "a name without a default", "Many leads have no name. Printing what is absent is an error: nothing is sent, and the reply fails.";
    SHARED = "L020", "a rule that several workspaces share", "Without a word about it, one client's text would go to another client's leads, or one client's leads to another's channel. Give each workspace rules of its own, or say in `when` which workspaces are meant.";
    NO_SUCH_WORKSPACE = "L021", "a workspace that matches nothing", "No workspace that has the rule has such a name, so the condition never holds.";
    NO_VAR = "L022", "a text that a workspace does not have", "The rule prints `workspace.vars.NAME`, which some workspaces that have the rule do not define. There its text cannot be made, and nothing is sent.";
    BAD_VARIABLE = "C001", "not a reference to a variable", "Values from the environment are written `${NAME}`; for the characters themselves write `$${`.";
    UNSET_VARIABLE = "C002", "an environment variable is not set", "The configuration names a variable that is unset or empty. Nothing is guessed in its place.";
    NO_WORKSPACE = "C003", "no workspace", "At least one workspace is needed: a name and the API key of ColdSend.";
    BAD_NAME = "C004", "not a name", "Names are written with lower-case letters, digits and `-`, and begin with a letter or digit.";
    DUPLICATE_NAME = "C005", "a name is used twice", "Every workspace needs a name of its own: records are kept under it.";
    BAD_URL = "C006", "not a usable address", "An address begins with https://; plain http:// is allowed to this machine itself only, because the key travels with every request.";
    BAD_LISTEN = "C007", "not an address to listen on", "Write an IP address and a port, such as 127.0.0.1:8080.";
    WEAK_TOKEN = "C008", "the admin token is missing or too short", "Beyond this machine the admin pages are protected by a token alone, so it must have 32 bytes or more.";
    BAD_STORE = "C009", "not a store", "The store is written `sqlite:` and a path.";
    UNSUPPORTED_STORE = "C010", "a store that this build does not support", "Only SQLite is built in so far.";
    BAD_DESTINATION = "C011", "a destination that cannot work", "A destination has exactly one of `slack`, `email` and `webhook`, with what that one needs.";
    NO_SUCH_DESTINATION = "C012", "an unknown destination", "The name must stand under `destinations`.";
    BAD_SMTP = "C013", "a mail server that cannot work", "`smtp` needs an address such as smtps://user:password@host and a sender.";
    BAD_HOURS = "C014", "hours that cannot work", "Times are written \"09:00\", in quotes, and the window must not be empty.";
    UNKNOWN_ZONE = "C015", "an unknown time zone", "Time zones are named as in the IANA database, such as America/New_York.";
    BAD_DATE = "C016", "not a date", "Dates are written \"2026-12-25\".";
    BAD_START = "C017", "not a starting point", "`start_from` is `now`, a duration such as 24h, or a date such as \"2026-01-31\".";
    PRIVATE_ADDRESS = "C019", "an address of this machine or of a private network", "Slack and webhooks may not reach such addresses unless `network: { allow_private: true }` stands in the configuration: somebody who can choose an address must not reach what only this machine can.";
    UNUSED_VARIABLE = "C020", "an environment variable that is not used", "With a configuration file, addresses come from the file alone; `COLDSEND_BASE_URL` counts only where there is no file.";
    NO_FOLDER = "C030", "a folder is missing", "`attachments_from` names folders that are there; paths are relative to the folder of the configuration.";
    KEY_TWICE = "C021", "one key in two workspaces", "A key is one account of ColdSend. With two workspaces on it, each would answer every lead: everybody would get every reply twice.";
    BAD_KEY = "C018", "not a key that can be sent", "Keys and tokens are printable characters without spaces.";
}
