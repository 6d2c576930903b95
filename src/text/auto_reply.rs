//! Auto-replies: out-of-office notes, bounces, robots. Precision comes first: where a person might have
//! written it, a person has.

use std::sync::LazyLock;

use jiff::civil::Date;
use regex::Regex;

use super::lines::truncate;
use super::pattern::pattern;
use super::{bounce, new_text, out_of_office, return_date};

/// At most this many bytes of a body are searched.
const MAX_BYTES: usize = 64 * 1024;

/// What kind of automatic mail it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AutoReplyKind {
    /// Somebody's mailbox says that they are away.
    OutOfOffice,
    /// A mail server could not deliver.
    Bounce,
    /// Another machine: a ticket system, an unattended mailbox.
    Robot,
}

impl AutoReplyKind {
    /// The kind as programs read it: `out_of_office`, `bounce`, `robot`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OutOfOffice => "out_of_office",
            Self::Bounce => "bounce",
            Self::Robot => "robot",
        }
    }
}

/// Automatic mail, and how it was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoReply {
    /// What kind it is.
    pub kind: AutoReplyKind,
    /// The words or the address that gave it away, at most 200 bytes of them.
    pub evidence: String,
    /// The day on which the person is back, when the mail states it in only one reading.
    pub back_on: Option<Date>,
}

/// Recognises automatic mail by sender, subject and body (plain text, whole or new); `None` when a person may have written it.
///
/// `written` is the day of the message. With it a return on "12 January" or "Monday" has its date; without it only one that is
/// stated with its year has.
pub fn auto_reply(
    from: Option<&str>,
    subject: Option<&str>,
    body: Option<&str>,
    written: Option<Date>,
) -> Option<AutoReply> {
    let body = truncate(body.unwrap_or_default(), MAX_BYTES);
    let subject = truncate(subject.unwrap_or_default().trim(), 2048);
    let new = new_text(Some(body), None).replace(['’', '‘'], "'");
    let (kind, evidence) = recognise(from.unwrap_or_default(), subject, body, &new)?;
    let away = kind == AutoReplyKind::OutOfOffice;
    let back_on = if away { return_date::back_on(subject, &new, written) } else { None };
    Some(AutoReply { kind, evidence: truncate(evidence.trim(), 200).to_owned(), back_on })
}

fn recognise(from: &str, subject: &str, body: &str, new: &str) -> Option<(AutoReplyKind, String)> {
    use AutoReplyKind::{Bounce, OutOfOffice, Robot};
    let address = address(from);
    if let Some(evidence) = bounce::recognise(&address, subject, body) {
        return Some((Bounce, evidence));
    }
    let away = out_of_office::says_away(new);
    if let Some(evidence) = out_of_office::subject_says_away(subject) {
        return Some((OutOfOffice, evidence));
    }
    if let Some(evidence) = out_of_office::subject_says_automatic(subject) {
        // Outlook says "Automatic reply" above out-of-office notes, ticket systems above receipts.
        let kind = if away.is_none() && receipt(new).is_some() { Robot } else { OutOfOffice };
        return Some((kind, evidence));
    }
    if let Some(evidence) = out_of_office::body(new) {
        return Some((OutOfOffice, evidence));
    }
    if let Some(evidence) = says_automatic(new) {
        let kind = if away.is_some() { OutOfOffice } else { Robot };
        return Some((kind, evidence));
    }
    let local = address.split('@').next().unwrap_or_default();
    NOBODY.is_match(local).then(|| (Robot, address.clone()))
}

// `Name <a@b>` or `a@b`, in lower case.
fn address(from: &str) -> String {
    let inner = from.rsplit_once('<').map_or(from, |(_, rest)| rest);
    inner.split('>').next().unwrap_or_default().trim().to_lowercase()
}

// An address that only machines write from.
static NOBODY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:.*[._+-])?(?:no[._-]?reply|do[._-]?not[._-]?reply|dont[._-]?reply|ne[._-]?pas[._-]?repondre|nicht[._-]?antworten|no[._-]?responder|nao[._-]?responda|auto[._-]?reply|auto[._-]?responder|autoresponse)(?:[._+-].*)?$",
    )
});

// What only a machine says of its own mail.
fn says_automatic(new: &str) -> Option<String> {
    static SAYS: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\b(?:
                (?:this|it)\ (?:is|was)\ (?:an?\ |sent\ )?(?:auto(?:matic(?:ally)?|mated)?[\ -])(?:generated\ )?(?:e-?mail|message|reply|response|generated|notification|answer|acknowledg\w+|sent)
              | this\ (?:e-?mail|message|reply|response)\ (?:is|was|has\ been)\ (?:generated\ |sent\ )?auto(?:matically|mated)
              | (?:please\ )?do\ not\ (?:reply|respond)\ to\ this\ (?:automated\ |automatic\ )?(?:e-?mail|message)
              | this\ (?:mailbox|inbox|e-?mail\ (?:address|account|box)|address|account)\ is\ (?:not|no\ longer)\ (?:being\ |regularly\ )?(?:monitored|attended|read|checked|in\ use|active)
              | this\ is\ an\ un(?:attended|monitored)\ (?:mailbox|inbox|e-?mail)
              | (?:dies|dieses|diese)\ (?:ist\ )?(?:eine?\ )?(?:e-?mail\ |nachricht\ |mail\ )?(?:ist\ eine\ |wurde\ )?automatisch\ (?:generierte?|erstellte?|erzeugte?|versendete?|versandte?|antwort)
              | (?:ist|wurde)\ (?:dies\ )?eine\ automatische\ (?:antwort|nachricht|e-?mail) | dies\ ist\ eine\ automatische
              | bitte\ antworten\ sie\ nicht\ auf\ diese
              | (?:ceci|il\ s'agit|ce\ (?:message|mail|courriel))\ (?:est\ |d')?(?:un(?:e)?\ |a\ été\ )?(?:message\ |réponse\ |généré\ |envoyé\ )*automatique(?:ment)?
              | (?:merci\ de\ )?ne\ (?:pas\ répondre|répondez\ pas)\ à\ ce\ (?:message|mail|courriel|e-?mail)
              | (?:este|esta|éste|ésta)\ (?:es\ )?(?:un\ |una\ |correo\ |mensaje\ |é\ |e-?mail\ |mensagem\ |uma\ |um\ )*(?:ha\ sido\ |fue\ |foi\ |es\ )?(?:generad[oa]\ |enviad[oa]\ |gerad[oa]\ |correo\ |mensaje\ |respuesta\ |resposta\ |mensagem\ )*autom[áa]tic[oa](?:mente)?
              | (?:por\ favor,?\ )?no\ responda\ a\ este\ (?:correo|mensaje|e-?mail) | não\ responda\ a\ est[ea]
              | (?:questo|questa)\ (?:è\ )?(?:un\ |una\ )?(?:messaggio|risposta|e-?mail)\ (?:è\ )?(?:stat[oa]\ )?(?:generat[oa]\ |inviat[oa]\ )?automatic[oa](?:mente)?
              | (?:dit|deze)\ (?:is\ )?(?:een\ |e-?mail\ is\ |bericht\ is\ )?automatisch\ (?:gegenereerde?|verzonden|antwoord|bericht|aangemaakt)
              | (?:to\ jest|jest\ to|ta|niniejsza)\ (?:wiadomość\ |odpowiedź\ )?(?:została\ )?(?:wygenerowana\ )?automatyczn(?:a|ie)
              | (?:detta|dette|tämä|täma)\ (?:är|er|on)\ (?:ett\ |et\ |en\ |)?(?:automatiskt|automatisk|autosvar|automaattinen|automaattisesti)
              | это\ автоматическ(?:ий|ое)\ (?:ответ|сообщение|письмо)
              | (?:your\ )?(?:request|ticket|case|inquiry|enquiry)\ \(?\#\S{1,20}\ (?:has\ been|was)\ (?:received|created|opened|logged|assigned)
              | to\ add\ (?:additional|further|more)\ comments,\ (?:please\ )?reply\ to\ this | please\ type\ your\ reply\ above\ this\ line
              | (?:your\ )?(?:request|ticket|case|inquiry)\ (?:\S+\ )?(?:has\ been|was)\ (?:received|created|opened|logged|assigned)\b.{0,200}?\b(?:ticket|case|request|reference)\ (?:id|number|no|\#)
              | (?:click|follow)\ (?:on\ )?the\ link\ below\ to\ (?:verify|confirm|prove)\ (?:\w+\ ){0,4}(?:human|sender|message|not\ a\ robot|deliver\w*)
            )",
        )
    });
    let start = new.split_whitespace().collect::<Vec<_>>().join(" ");
    let found = SAYS.find(&start)?;
    // "Is this an automated message?" asks us; and a person says so of ours.
    let after = start.get(found.end()..).unwrap_or_default();
    static COMMENTED: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:i|if|or|right|isn't|lol)\b"));
    let rest = after.split(['.', '!']).next().unwrap_or_default();
    let asked = COMMENTED.is_match(rest) || rest.contains('?') || out_of_office::is_human_reply(&start);
    (!asked).then(|| found.as_str().to_owned())
}

// A ticket system's receipt.
fn receipt(new: &str) -> Option<String> {
    static RECEIPT: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\b(?:ticket|case\ (?:number|id)|reference\ (?:number|id)|support\ (?:team|request)|we\ (?:have\ )?(?:received|got)\ your|your\ (?:request|inquiry|enquiry|message)\ (?:has\ been|was)\ received|vorgangsnummer|ticketnummer|ihre\ anfrage|votre\ demande|su\ solicitud|la\ sua\ richiesta|sua\ solicitação|uw\ (?:aanvraag|verzoek)|zgłoszeni[ea])\b",
        )
    });
    RECEIPT.find(new).map(|found| found.as_str().to_owned())
}
