//! The headers of the mail that is answered, as Outlook and others copy them above it: From, Sent, To, Subject.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{Line, LineRole};
use super::pattern::pattern;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Label {
    From,
    Sent,
    Date,
    To,
    Copy,
    Subject,
}

const LABELS: &[(Label, &[&str])] = &[
    (
        Label::From,
        &[
            "from",
            "von",
            "de",
            "da",
            "van",
            "od",
            "från",
            "fra",
            "lähettäjä",
            "от",
            "от кого",
            "expéditeur",
            "remitente",
            "mittente",
            "remetente",
            "afzender",
            "nadawca",
            "avsändare",
            "avsender",
            "afsender",
            "отправитель",
        ],
    ),
    (
        Label::Sent,
        &[
            "sent",
            "gesendet",
            "gesendet am",
            "envoyé",
            "envoyé le",
            "enviado",
            "enviado el",
            "enviado em",
            "enviada",
            "enviada em",
            "inviato",
            "inviata",
            "verzonden",
            "wysłano",
            "wysłane",
            "skickat",
            "skickad",
            "sendt",
            "lähetetty",
            "отправлено",
        ],
    ),
    (Label::Date, &["date", "datum", "fecha", "data", "dato", "päivämäärä", "päiväys", "дата"]),
    (
        Label::To,
        &[
            "to",
            "an",
            "à",
            "a",
            "para",
            "aan",
            "do",
            "till",
            "til",
            "vastaanottaja",
            "кому",
            "per",
            "destinataire",
            "destinatario",
        ],
    ),
    (
        Label::Copy,
        &["cc", "kopie", "kopia", "kopi", "копия", "bcc", "reply-to", "antwort an", "importance", "wichtigkeit"],
    ),
    (
        Label::Subject,
        &[
            "subject",
            "betreff",
            "objet",
            "asunto",
            "oggetto",
            "assunto",
            "onderwerp",
            "temat",
            "ämne",
            "emne",
            "aihe",
            "тема",
        ],
    ),
];

// No copied header block is longer than this many lines.
const MAX_LEN: usize = 40;
// A header's value (many recipients) goes on for at most this many lines.
const MAX_VALUE_LEN: usize = 6;

/// Which lines of a mail are headers, found once.
pub(super) struct Headers {
    // The label, and whether an address follows where one belongs.
    labels: Vec<Option<(Label, bool)>>,
}

impl Headers {
    /// Reads the lines of a mail.
    pub(super) fn of(lines: &[Line]) -> Self {
        Self { labels: lines.iter().map(|line| label(&line.text)).collect() }
    }

    /// How many lines the header block that begins at `at` has; `None` when none begins there.
    ///
    /// `introduced`: a line such as "-----Original Message-----" stands above it, so less proof is asked for.
    pub(super) fn block(&self, lines: &[Line], at: usize, introduced: bool) -> Option<usize> {
        block(lines, &self.labels, at, introduced)
    }
}

fn label(line: &str) -> Option<(Label, bool)> {
    let (name, value) = line.split_once(':')?;
    let name = name.trim_matches(|c: char| c.is_whitespace() || matches!(c, '>' | '*' | '_' | '|'));
    let value = value.trim_start_matches(['*', '_']);
    // "http://" is no header.
    if name.len() > 40 || !(value.is_empty() || value.starts_with(char::is_whitespace)) {
        return None;
    }
    let name = name.to_lowercase();
    let (label, _) = LABELS.iter().find(|(_, names)| names.contains(&name.as_str()))?;
    Some((*label, value.contains('@') && matches!(label, Label::From | Label::To)))
}

fn block(lines: &[Line], labels: &[Option<(Label, bool)>], at: usize, introduced: bool) -> Option<usize> {
    let first = lines.get(at)?;
    let boxed = first.mark == LineRole::HeaderBox;
    if one_line(&first.text) {
        return Some(1);
    }
    let Some((kind, mut addressed)) = labels.get(at).copied().flatten() else {
        return if boxed { foreign(lines, at) } else { None };
    };
    let mut kinds = vec![kind];
    let (mut end, mut since) = (at + 1, 0);
    for (index, line) in lines.iter().enumerate().skip(at + 1).take(MAX_LEN) {
        match labels.get(index).copied().flatten() {
            Some((kind, with_address)) => {
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
                addressed |= with_address;
                (end, since) = (index + 1, 0);
            }
            // After a blank line only another header right away still belongs to the block.
            None if line.is_blank() && since == 0 => since = MAX_VALUE_LEN,
            None if since >= MAX_VALUE_LEN => break,
            None => since += 1,
        }
    }
    let has = |kind| kinds.contains(&kind);
    let sent = has(Label::Sent);
    let proof = has(Label::Subject) || sent || addressed;
    let enough = if introduced || boxed {
        kinds.len() >= 2 && (has(Label::From) || sent)
    } else {
        // A person may write "From: Berlin, To: Paris, Date: May": hence the subject, the word "Sent", or an address. And a form
        // may have "From: Jane, To: Purchasing, Subject: Approval": hence a date or an address.
        let copied = sent || has(Label::Date) || addressed;
        kinds.len() >= 3 && proof && copied && (has(Label::From) || (sent && has(Label::Subject)))
    };
    enough.then_some(end - at)
}

// Three headers on one line, as previews and some gateways fold them.
fn one_line(line: &str) -> bool {
    static FOLDED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^[\s*_>-]{0,40}(from|von|de|da|van|od|från|fra|lähettäjä|от)\s?[*_]{0,2}:[*_]{0,2}\s.{1,200}?
              \b(sent|date|gesendet|datum|envoyé|enviad[oa](\s(el|em))?|inviato|verzonden|wysłano|skickat|sendt|lähetetty|отправлено)\s?[*_]{0,2}:
              .{1,200}?\b(to|subject|an|betreff|à|objet|para|asunto|assunto|a|oggetto|aan|onderwerp|do|temat|till|ämne|til|emne|aihe|кому|тема)\s?[*_]{0,2}:",
        )
    });
    // Three labels, three colons: hardly a line gets as far as the expression.
    line.matches(':').nth(2).is_some() && FOLDED.is_match(line)
}

// The box above which Outlook draws a line, in a language that is not known here: lines of "Word: value" alone.
fn foreign(lines: &[Line], at: usize) -> Option<usize> {
    static ANY: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*[\p{L}\ ]{1,24}\s?[:：]\s*\S"));
    let count = lines.iter().skip(at).take(6).take_while(|line| ANY.is_match(&line.text)).count();
    let addressed = lines.iter().skip(at).take(count).any(|line| line.text.contains('@'));
    (count >= 3 && addressed).then_some(count)
}

/// Whether the line introduces a forwarded mail: "-----Original Message-----", "Begin forwarded message:", in many languages.
pub(super) fn is_forward_marker(line: &str) -> bool {
    static ANNOUNCES: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^[\s*_]{0,4}(?:
                [-‐–—_=]{2,}\s*(?:original\ message|original\ appointment|forwarded\ (?:message|by\ .{1,80})|reply\ message
                  |(?:ursprüngliche|originale?|weitergeleitete)\ (?:nachricht|mail|e-mail)|originalnachricht|original-nachricht
                  |message\ (?:d['’]origine|original|transféré|transmis|réexpédié)|mail\ original|courriel\ original
                  |mensaje\ (?:original|reenviado)|messaggio\ (?:originale|inoltrato)|mensagem\ (?:original|encaminhada|reencaminhada)
                  |oorspronkelijk\ bericht|origineel\ bericht|doorgestuurd\ bericht
                  |(?:wiadomość|oryginalna|przekazana|treść)\ (?:oryginalna|wiadomość|przekazan\p{L}+)(?:\ wiadomości)?
                  |(?:ursprungligt|vidarebefordrat|originalt?)\ (?:meddelande|medd)
                  |(?:opprinnelig|videresendt|oprindelig|original)\s?(?:melding|meddelelse|besked)
                  |(?:alkuperäinen|välitetty|edelleenlähetetty)\ viesti
                  |(?:исходное|пересланное|пересылаемое|оригинальное|перенаправленное)\ (?:сообщение|письмо))\s*[-‐–—_=]*
              | begin\ forwarded\ message:?
              | anfang\ der\ weitergeleiteten\ (?:nachricht|e-mail):?
              | début\ du\ (?:message|courriel)\ (?:réexpédié|transféré)\s?:?
              | inicio\ del\ mensaje\ reenviado:?
              | inizio\ messaggio\ inoltrato:?
              | início\ da\ mensagem\ (?:encaminhada|reencaminhada):?
              | begin\ doorgestuurd\ bericht:?
              | vidarebefordrat\ (?:brev|mejl|meddelande):?
              | (?:start\ på\ |begynnelse\ på\ )?(?:videresendt|videresendte)\ (?:melding|meddelelse|besked|e-post):?
              | początek\ przek\p{L}+\ wiadomości:?
              | (?:välitetty|edelleenlähetetty)\ viesti\ alkaa:?
              | начало\ переадресованного\ (?:сообщения|письма):?
              )[\s*_]*$",
        )
    });
    line.len() <= 200 && ANNOUNCES.is_match(line)
}
