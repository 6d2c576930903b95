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
    SYNTAX = "Y001", "invalid YAML", "The file cannot be read beyond this location. Usual causes are indentation, an unclosed quote or bracket, or a value that needs quotes.";
    TAB = "Y002", "tab instead of spaces", "Indent YAML with spaces only.";
    TOO_LARGE = "Y003", "file too large", "A file is limited to 1 MiB; split the rules into several files.";
    TOO_DEEP = "Y004", "nested too deeply", "Mappings and lists may be nested 64 levels deep.";
    UNSUPPORTED = "Y005", "unsupported YAML feature", "Anchors, aliases, merge keys and tags are rejected because they hide what a rule says. Put a text that starts with `*`, `&` or `!` in quotes.";
    DOCUMENTS = "Y006", "more than one document", "A file holds one document; move the second one to its own file.";
    DUPLICATE_KEY = "Y007", "duplicate key", "Only one of the two values could apply, so neither does. Remove one of them.";
    ENCODING = "Y008", "not UTF-8", "Save the file as UTF-8.";
    UNREADABLE = "Y009", "cannot read the file", "The file does not exist, or you lack permission to read it.";
    KEY_NOT_TEXT = "Y010", "key is not text", "A key is a word. Put a value such as `{{ name }}` in quotes; otherwise YAML reads it as a mapping.";
    BACKSPACE = "Y011", "backspace in double quotes", "In double quotes YAML reads `\\b` as a backspace, so a regular expression that contains it matches nothing. Use single quotes.";
    UNKNOWN_KEY = "Y020", "unknown key", "The key has no meaning here. It is an error, because otherwise its value would be ignored silently.";
    MISSING_KEY = "Y021", "missing key", "The entry has no meaning without this key.";
    WRONG_TYPE = "Y022", "wrong type", "The value has another type than required, for example a list instead of a text, or a text instead of a number.";
    BAD_DURATION = "Y023", "invalid duration", "A duration is a number and a unit: 30s, 5m, 2h, 7d, 1w.";
    BAD_RATE = "Y024", "invalid rate", "A rate is a count and a duration: `30 per 1d`.";
    NOT_ONE_OF = "Y025", "value not allowed", "Use one of the values that the message lists.";
    OUT_OF_RANGE = "Y026", "out of range", "The number or duration is smaller or larger than allowed here.";
    RULE_NAME = "R001", "invalid rule name", "A rule name has lower-case letters, digits and `-`, so that it fits into addresses, files and lists.";
    RULE_TWICE = "R002", "duplicate rule name", "Names are unique over all files: overrides, history and the pages identify a rule by its name.";
    NO_CONDITION = "R003", "rule without a condition", "A rule needs `when`, `script`, or both; `when: always` matches everything.";
    UNKNOWN_CONDITION = "R004", "unknown condition", "docs/rules.md lists the fields of `when`.";
    BAD_REGEX = "R005", "invalid regular expression", "The engine runs in linear time: it has no look-around and no back-references, and rejects expressions that compile to more than 256 KiB.";
    BAD_SCRIPT = "R006", "script does not compile", "Scripts are rhai and see thread, lead, message, captures, workspace and now.";
    BAD_TEMPLATE = "R007", "template does not compile", "Templates are Jinja; docs/rules.md lists the names that they see.";
    UNKNOWN_DESTINATION = "R008", "unknown destination", "Define destinations under `destinations` in the configuration; each serves one kind of action.";
    UNKNOWN_HOURS = "R009", "unknown hours", "Define opening hours under `hours` in the configuration.";
    NO_FILE = "R010", "missing file", "Paths in a rule are relative to the folder of its file.";
    ATTACHMENTS = "R011", "too many or too large attachments", "A reply carries at most 5 files, 10 MB together.";
    UNKNOWN_ACTION = "R012", "unknown action", "Actions are reply, star, unstar, mark_read, slack, email and webhook.";
    NO_ACTION = "R013", "rule that does nothing", "A rule needs `then`, or `stop: true` to skip later rules.";
    NO_TEXT = "R014", "reply without a text", "A reply takes `text`, `html`, both, or `template`.";
    EMPTY_BOUNDS = "R015", "bounds that nothing meets", "The lower bound is above the upper one.";
    NO_CAPTURE = "R016", "undefined capture or variable", "A template prints `captures.NAME` or `vars.NAME` that no `capture`, named group or script of its rule provides (what stands under `not` provides nothing), or `workspace.vars.NAME` that no workspace with the rule defines, so it would always fail.";
    VERSION = "R017", "unknown version", "This program reads rules of version 1.";
    NO_RULES = "R018", "no rules", "The path contains no file with rules.";
    TWO_TEXTS = "R019", "two texts for one reply", "`template` provides the text, so `text` and `html` have no effect next to it.";
    TEST_EVENT = "R020", "test without an event", "Rules run on a message of the lead: make it the last message of the test.";
    UNKNOWN_WORKSPACE = "R022", "unknown workspace", "The configuration has no workspace of that name.";
    TEST_FAILS = "R021", "failing test", "The rules do not do what a test beside them expects; `reply-router test` shows what they do instead. `run` and a reload reject the rules.";
    BAD_PHRASE = "R023", "invalid phrase", "A phrase is words in order, with `(yes|sure)` for one of these, `…` or `...` for up to five words between, `cost*` for a word that begins so, and `please?` for a word that may be absent. It stands within one sentence. Signs at words, as in `$100`, `50%` or `c++`, are looked for; docs/rules.md lists what each sign means. Without a word that must be there it would be found in every text.";
    DEFINITION_TWICE = "R024", "duplicate definition", "The name of a definition stands for one condition in all files of a workspace.";
    UNKNOWN_DEFINITION = "R025", "unknown definition", "`is` takes the name of a definition under `define`, in any file of the workspaces that have the rule, and the same one for all of them.";
    DEFINITION_CIRCLE = "R026", "definitions in a circle", "A definition may use others, but not one that uses it, directly or by way of others.";
    TOO_MANY_CONDITIONS = "R027", "too many conditions", "A rule has at most 5,000 conditions, with those of the definitions that it uses.";
    FORBIDDEN_FILE = "R030", "file that rules may not use", "Files that a rule names are mailed to leads. So only files below the rules folder, and below the folders in `attachments_from`, are used, with links resolved. The configuration, the store, and any path with a part that starts with a dot are never used.";
    NOT_READ = "R031", "unreadable entry in the rules folder", "A link that leads nowhere or in a circle, a pipe, a socket or a device. It is an error if it may be meant as a file or folder of rules, because the missing rule may be the one that stops the others.";
    UNKNOWN_LIST = "R040", "unknown list", "Define lists under `lists` in the configuration, or under the workspace.";
    UNKNOWN_COLUMN = "R041", "unknown column", "The first row of a CSV file names the columns of a list; in YAML and JSON they are the keys of its rows.";
    BAD_RECIPIENT = "R042", "invalid recipient", "A forward goes to a channel or an address that a list, the workspace or the rule itself gives, never to one that a lead writes. Where a column of a list gives it, every row needs a valid one.";
    HIDDEN = "L001", "unreachable rule", "Earlier rules with `stop: true` match every message that this rule could match, so it never acts. Only rules in `live` or `draft` stop others.";
    REPLIES_MEET = "L002", "overlapping replies", "A message gets one reply, that of the first matching rule. The later rule's reply is suppressed as already answered. Check that you want this order.";
    NEVER = "L003", "condition that never holds", "Its parts contradict each other, so the rule, or this part of it, matches no message.";
    ALWAYS_HOLDS = "L004", "condition that always holds", "It holds for every message, so it does not narrow down the rule.";
    MATCHES_EMPTY = "L005", "regular expression that matches the empty text", "Expressions are searched for anywhere in the text. One that can be empty is found in every text, or at least in one without words.";
    ANY_AT_THE_END = "L006", "`.*` at an end of a regular expression", "Expressions are searched for anywhere in the text, so `.*` at the start or the end only changes the speed and the marked match.";
    NOT_IN_ANY = "L007", "`not` inside `any`", "Nearly every message lacks something, so a `not` among the alternatives of `any` makes nearly everything match. Usually it belongs next to `any`, not inside.";
    UNGUARDED = "L008", "unguarded reply", "The rule replies without a condition on the category or the lead's words: it would also answer complaints and refusals.";
    CEILING = "L009", "rules capped by the workspace mode", "The mode of the workspace caps all its rules: a rule that is `live` in its file is not live here.";
    OVER_BUDGET = "L010", "polling uses up the hourly budget", "Each poll costs a request even if nothing has happened. Only the rest of the hourly budget is left for replies and their guard reads.";
    REGEX_AS_TEXT = "L031", "regular expression in a pattern", "`category`, `campaign`, `lead_email` and other short values are compared as a whole; `*` matches any text, `?` one character, and everything else itself.";
    NEVER_FITS = "L032", "impossible value", "No value of the field can ever match this.";
    ODD_REGEX = "L033", "slashes around a regular expression", "They become part of what is searched for. Other languages write expressions between slashes.";
    NEARLY_KNOWN = "L034", "possibly misspelt category", "The category differs by a letter or two from a known one. Your own categories are allowed, but a rule for a category that does not exist matches nothing.";
    UNREACHED_ABSENCE = "L035", "auto-replies not matched", "Auto-replies match only rules that say `auto_reply`. Without it a rule for `category: out_of_office` matches only mail written by people.";
    NOT_ANALYSED = "L030", "too many conditions to compare", "The search for contradictions and unreachable rules has a limit. Beyond it `check` may miss some warnings, and says so.";
    LOOKS_LIKE_TEMPLATE = "L011", "single braces in a text", "Templates print what is in double braces. Text in single braces is sent as it is, including the braces.";
    NO_DEFAULT = "L036", "name without a default", "Many leads have no name. Printing an absent value is an error: nothing is sent, and the reply fails.";
    CURLY_QUOTES = "L037", "curly quotes around a value", "Word processors turn straight quotes into curly ones, which do not quote in YAML. The value is read without them; use straight quotes. To search for a quotation mark itself, put `[\"]` at that end of the expression.";
    OPTIONAL_END = "L038", "optional word at the end of a phrase", "`?` makes the word before it optional, and a phrase is found with that word or without it. A question mark is not looked for.";
    UNUSED_DEFINITION = "L039", "unused definition", "No rule, no other definition and no test names it.";
    LIST_AS_TEXT = "L040", "name of a list as a value", "A field is compared with what stands behind it. Only a mapping looks into a list: `lead_domain: { in: target-accounts }`.";
    EMPTY_LIST = "L041", "list without rows", "The list has no row, only the names of its columns or nothing at all. No value is in it, and every look-up in it finds nothing.";
    FREE_MAIL_ROW = "L042", "domain of free mail as a key", "A domain stands for everybody who has a mailbox there. At gmail.com and its kind those are not one account: name the person's address instead.";
    BLANK_CELL = "L043", "blank cell in a printed column", "A blank cell has no value, and printing an absent value is an error: nothing is sent to the leads of that row. Fill it in, or give the template a `default`.";
    EMPTY_RECIPIENT = "L044", "recipient that may be empty", "A forward whose channel or address comes out empty fails, so that it goes to nobody else instead. A `default` for it must name somebody.";
    KEY_PATTERN = "L045", "pattern as a list's key", "A value is looked up among the keys as they stand, so `*` and `?` find nothing but themselves. A domain finds its subdomains anyway.";
    SHARED = "L020", "rule shared by several workspaces", "Without a `workspace` condition, one client's text could go to another client's leads, or one client's leads to another's channel. Give each workspace its own rules, or select workspaces in `when`.";
    NO_SUCH_WORKSPACE = "L021", "workspace pattern without a match", "No workspace that has the rule matches this name, so the condition never holds.";
    NO_VAR = "L022", "workspace variable not defined everywhere", "The rule prints `workspace.vars.NAME`, which some workspaces with the rule do not define. There the text cannot be rendered, and nothing is sent.";
    BAD_VARIABLE = "C001", "invalid variable reference", "Write values from the environment as `${NAME}`; for a literal `${` write `$${`.";
    UNSET_VARIABLE = "C002", "environment variable not set", "The configuration names a variable that is unset or empty. Set it; no default is used.";
    NO_WORKSPACE = "C003", "no workspace", "Define at least one workspace with a name and a ColdSend API key.";
    BAD_NAME = "C004", "invalid name", "A name has lower-case letters, digits and `-`, and starts with a letter or digit.";
    DUPLICATE_NAME = "C005", "duplicate name", "Give every workspace its own name: records are stored under it.";
    BAD_URL = "C006", "invalid address", "An address starts with https://. Plain http:// is allowed only to this machine, because the key is part of every request.";
    BAD_LISTEN = "C007", "invalid listen address", "Write an IP address and a port, such as 127.0.0.1:8080.";
    WEAK_TOKEN = "C008", "admin token missing or too short", "Beyond this machine only tokens protect the admin pages, so each must have 32 bytes or more.";
    BAD_STORE = "C009", "invalid store", "Write `sqlite:` and a path.";
    BAD_DESTINATION = "C011", "invalid destination", "A destination has exactly one of `slack`, `email` and `webhook`, with the settings of that kind.";
    NO_SUCH_DESTINATION = "C012", "unknown destination", "Define the name under `destinations`.";
    BAD_SMTP = "C013", "invalid mail server", "`smtp` needs an address such as smtps://user:password@host and a sender.";
    BAD_HOURS = "C014", "invalid hours", "Write times as \"09:00\", in quotes; the window must not be empty.";
    UNKNOWN_ZONE = "C015", "unknown time zone", "Use a name from the IANA database, such as America/New_York.";
    BAD_DATE = "C016", "invalid date", "Write dates as \"2026-12-25\".";
    BAD_START = "C017", "invalid start", "`start_from` is `now`, a duration such as 24h, or a date such as \"2026-01-31\".";
    PRIVATE_ADDRESS = "C019", "private address", "Slack and webhook URLs may not point to this machine or a private network unless you set `network: { allow_private: true }`. Otherwise whoever can choose an address could reach what only this machine can.";
    UNUSED_VARIABLE = "C020", "unused environment variable", "With a configuration file, addresses come only from the file; `COLDSEND_BASE_URL` applies only without one.";
    NO_FOLDER = "C030", "missing folder", "`attachments_from` must name existing folders; paths are relative to the folder of the configuration.";
    KEY_TWICE = "C021", "one key in two workspaces", "A key belongs to one ColdSend account. With two workspaces on it, each would answer every lead, so everybody would get every reply twice.";
    USER_TWICE = "C031", "one user twice", "Users are told apart by their names and tokens, so each has their own: the audit log names whoever changed something.";
    NO_SIGN_IN = "C032", "user who cannot sign in", "A user signs in with a `token`, or comes through the proxy that `proxy_header` and `trusted_proxies` describe.";
    BAD_PROXY = "C033", "invalid single sign-on", "`proxy_header` names the header in which a proxy says who signed in, and `trusted_proxies` the addresses or networks of the proxies that are believed. Whoever else could send the header would be whoever they like.";
    NO_VISIBLE_WORKSPACE = "C034", "user without such a workspace", "No workspace has a name like this, so the user sees less than you may expect.";
    LIST_FILE = "C040", "list that cannot be read", "A list is a file that ends in .csv, .tsv, .yaml, .yml, .json or .txt, with at most 1,000,000 rows, 256 columns and 256 MiB (64 MiB in YAML and JSON). Its path begins at the folder of the configuration.";
    LIST_FORMAT = "C041", "invalid list", "CSV has a header row and as many cells in each row; cells that hold a separator stand in quotes. YAML and JSON have a list of mappings, a mapping from keys to mappings, or a plain list of keys. Cells are texts, numbers, true or false.";
    LIST_KEY = "C042", "list without its key", "Rows are found by the column that `key` names, or by the first one. Each row needs a key.";
    LIST_KEY_TWICE = "C043", "one key in two rows", "Only one of the two rows could be found. Keys are compared as domains and addresses are: case, a dot at the end and an `@` before a domain do not count.";
    BAD_LIST = "C044", "list without a source", "A list has a `file`, or is one that the program brings along: `builtin`.";
    BAD_KEY = "C018", "invalid key", "Keys and tokens are printable characters without spaces.";
}
