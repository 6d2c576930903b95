//! What a phrase is about: the sections of a language's file.

use serde::Deserialize;

/// Declares [`Topic`] with the list of all its values.
macro_rules! topics {
    ($($(#[$meta:meta])* $name:ident,)*) => {
        /// What a phrase is about; in a file it is written in `snake_case`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub(in crate::text) enum Topic { $($(#[$meta])* $name,)* }

        impl Topic {
            /// All of them, in their order.
            pub(in crate::text) const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

topics! {
    /// The words that every text in the language has, and no other language much: `the`, `and`, `you`. They tell the
    /// language of a mail.
    Common,

    /// What a mail program puts before the subject of an answer: `Re`, `AW`.
    ReplyPrefix,
    /// What it puts before the subject of a mail that is passed on: `Fwd`, `WG`.
    ForwardPrefix,

    /// How a line such as "On Monday Sam wrote:" begins.
    AttributionStart,
    /// The verb in it: `wrote`, `schrieb`.
    Wrote,
    /// The same words where a person uses them in a sentence: `I wrote`, `wrote me`.
    NotAttribution,
    /// The labels of the headers that are copied above an older mail.
    HeaderFrom,
    HeaderSent,
    HeaderDate,
    HeaderTo,
    HeaderCopy,
    HeaderSubject,
    /// A line that announces an older mail: `original message`, `begin forwarded message`.
    OriginalMessage,
    /// A line that a phone or a mail program adds: `sent from my …`.
    DeviceLine,
    /// What a mailing list puts below a line: `to unsubscribe from this list`.
    ListFooter,
    /// What a mail ends with above the name: `best regards`.
    SignOff,
    /// A gateway's warning above a mail from outside.
    Banner,

    /// Words that legal notices use for the mail that they stand in: `this e-mail`.
    NoticeThisMail,
    NoticeConfidential,
    NoticeAddressee,
    NoticeMistake,
    /// A footer that nobody types: `consider the environment before`, `this email has been scanned for viruses`.
    Footer,
    /// Words with which one person speaks of themselves: `I`, `me`, `my`.
    Myself,
    /// Words that speak to somebody, so that a line with them is no contact detail.
    Addresses,
    /// The label before a contact detail: `phone`, `VAT`.
    ContactLabel,
    /// What a company is called by law, or its number in a register: `GmbH`, `VAT`.
    CompanyForm,
    /// A sentence that points to the contact details below: `my number is below`.
    PointsBelow,

    /// A subject that mailboxes give to absence notes.
    AbsenceSubject,
    /// A subject that begins as automatic answers do: `automatic reply`.
    AutomaticSubject,
    /// A subject that only mail servers give: `undeliverable`.
    BounceSubject,
    /// A subject that mail servers give, and people too.
    MaybeBounceSubject,
    /// A subject that says that a mail was opened or deleted.
    ReadReceiptSubject,
    /// A subject that calendars give: `accepted`, `declined`.
    CalendarSubject,

    /// The writer is away, be it a note or a person who says so.
    Away,
    /// The office is closed.
    Closed,
    /// The writer reads no mail: with `urgent` it is an absence note.
    NoAccess,
    /// Whom to turn to when it is urgent.
    Urgent,
    /// What only absence notes say.
    AbsenceNote,
    /// What is done on the return; a person may say it, too.
    OnReturn,
    /// Thanks for a mail, as notes and receipts begin.
    ThanksForMail,
    /// When the writer is back, or until when they are away.
    UntilOrBack,
    /// The writer will look into our message, so they have read it.
    LooksIntoIt,
    /// A person answers us: agrees, declines, proposes, asks.
    Person,
    /// A person asks us, unless it says whom to turn to meanwhile.
    AsksUs,
    /// Whom to turn to meanwhile, for what.
    Meanwhile,

    /// What only a machine says of its own mail: `this is an automated message`.
    Machine,
    /// A person says or asks it of our mail: `is this an automated message?`.
    NotMachine,
    /// Words of ticket systems.
    TicketWords,
    /// A receipt: `we have received your message and will reply within`.
    Receipt,
    /// Somebody is no longer with the company, said by their mailbox.
    LeftCompany,
    /// A mail was displayed or read.
    ReadReceipt,
    /// A subject of a ticket system's or a contact form's receipt.
    ReceiptSubject,
    /// A provider's report about a complaint.
    Complaint,
    /// A filter wants proof that the sender is a person.
    Challenge,
    /// A server could not deliver.
    Bounce,
    /// Why not: `user unknown`.
    BounceReason,
    /// A person tells of a bounce: `my mail`.
    TellsOfBounce,

    /// The whole mail is nothing but this word: `end`, `cancel`. In a sentence of its own it may mean anything.
    OptOutKeyword,
    /// The whole mail, or a line, or a sentence of it is nothing but this: `stop`, `remove me`.
    OptOutAlone,
    /// What may stand around it: `please`, `thank you`, `hi`.
    Polite,
    /// Asked of us, about the writer's own address.
    OptOut,
    /// The same where the sentence speaks of the writer (`me`).
    OptOutWithMe,
    /// The writer as an object: `me`, `us`, `my`.
    Me,
    /// A word for leaving a list, which may also be talk about mail.
    OptOutWord,
    /// About another sender's list or the lead's own customers.
    Others,
    /// Words around an opt-out that make it none: `don't contact me before Tuesday`. It must share a word with it.
    NotOptOut,
    /// The same where what the lead does not want is no mail: `don't want to receive a call`. It makes none of what shares a
    /// word with it, unless mail is named beside it (`nor_mail`).
    UnwantedThing,
    /// Mail beside something else that is not wanted: `or an e-mail`.
    NorMail,

    /// The writer is back: a day follows.
    Back,
    /// The same where the day may stand before it.
    BackAfterDate,
    /// From a day on, which follows; it is a return only where a word of `back_after_date` stands behind the day: `ab`.
    BackFrom,
    /// A word before a day of the month: `the`, `le`, `am`, `den`.
    BeforeDay,
    /// The writer is away until a day, which follows.
    Until,
    /// The same, and that day is the last one of the absence.
    Through,
    /// The same where the day stands before it: Finnish `asti`.
    UntilBehind,
    /// Behind the day, it says that the day is still one of the absence: `included`.
    Included,
    /// Between two days: `12 to 16 January`.
    RangeTo,
    Tomorrow,
    DayAfterTomorrow,
    /// Before a weekday: the one of the week after.
    NextWeek,
    /// Makes a day no day: `the 2nd week of`, `the end of`.
    NotADay,

    /// A sender refers to their own earlier mail, as a campaign's later steps do.
    FollowUp,
}
