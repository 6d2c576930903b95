//! What stands below the last words of a mail without any mark: the writer's contact details, legal notices, footers.
//!
//! All of it is looked for at the end only, and only what cannot be read as the sender's words goes: a line that speaks of "I" or
//! "you", asks, or wants no more mail keeps everything around it.

use std::sync::LazyLock;

use regex::Regex;

use super::opt_out;
use super::pattern::pattern;

/// At most this many lines at the end are searched, and no paragraph longer than this many bytes.
const FAR: usize = 60;
const MAX_NOTICE_LEN: usize = 6000;
/// Contact details have at least two lines (one may be the number that was asked for) and at most this many.
const MAX_DETAILS: usize = 16;
const MAX_DETAIL_LEN: usize = 160;

/// How many of the lines are the sender's words, with their greeting and name.
pub(super) fn body_end(kept: &[&str]) -> usize {
    let mut end = trimmed(kept, kept.len());
    // A notice may have several paragraphs.
    for _ in 0..8 {
        let start = paragraph(kept, end);
        let Some(lines) = kept.get(start..end).filter(|lines| start > 0 && !lines.is_empty()) else { break };
        if !notice(&lines.join(" ")) {
            break;
        }
        end = trimmed(kept, start);
    }
    details(kept, end).map_or(end, |start| trimmed(kept, start))
}

// The end without blank lines before it.
fn trimmed(kept: &[&str], mut end: usize) -> usize {
    while end > 0 && kept.get(end - 1).is_some_and(|line| line.trim().is_empty()) {
        end -= 1;
    }
    end
}

// Where the paragraph that ends at `end` begins; 0 when that is too far.
fn paragraph(kept: &[&str], end: usize) -> usize {
    let blank =
        (end.saturating_sub(FAR)..end).rev().find(|at| kept.get(*at).is_some_and(|line| line.trim().is_empty()));
    blank.map_or(0, |at| at + 1)
}

// A legal notice or a footer, in no words that a person writes to another.
fn notice(text: &str) -> bool {
    if text.len() > MAX_NOTICE_LEN || text.contains('?') || !FOOTER.is_match(text) && text.len() < 60 {
        return false;
    }
    if FOOTER.is_match(text) {
        return true;
    }
    let signs = [&CONFIDENTIAL, &ADDRESSEE, &MISTAKE].into_iter().filter(|sign| sign.is_match(text)).count();
    signs >= 2 && THIS_MAIL.is_match(text) && !ONE_PERSON.is_match(text)
}

static FOOTER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\W{0,4}(?:(?:please\ )?(?:consider|think\ of)\ the\ environment\ before\ |(?:virus-free|virenfrei|garanti\ sans\ virus|sans\ virus|libre\ de\ virus|privo\ di\ virus|livre\ de\ vírus|virusvrij|wolny\ od\ wirusów|virusfri|virustorjuttu|без\ вирусов)\.?[^\p{L}]{0,4}(?:www|<?https?)
          |bitte\ (?:denken|prüfen)\ sie\ (?:\p{L}+,?\ ){0,6}(?:umwelt|drucken|ausdrucken)|(?:pensez|avant\ d'imprimer).{0,40}(?:environnement|imprimer)|antes\ de\ imprimir.{0,60}|prima\ di\ stampare.{0,60})",
    )
});

static THIS_MAIL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:(?:this|the)\ (?:e-?mail|message|communication|transmission|electronic\ m\p{L}+)|(?:confidentiality|legal|privacy)\ (?:notice|notification|disclaimer)|disclaimer|(?:diese|dieser|die)\ (?:\p{L}+\ )?(?:e-?mail|nachricht|mitteilung)|(?:ce|cet|présent|le\ présent)\ (?:message|e-?mail|courriel|mail|courrier)
          |(?:este|el\ presente)\ (?:mensaje|correo|e-?mail)|(?:esta|a\ presente)\ (?:mensagem|comunicação)|este\ e-?mail|(?:questo|presente)\ (?:messaggio|documento)|(?:questa|presente)\ (?:e-?mail|mail|comunicazione)|(?:dit|deze)\ (?:e-?mail\p{L}*|bericht|mail)|(?:ta|niniejsza|tej|niniejszej)\ (?:wiadomoś\p{L}+|korespondencj\p{L}+)
          |(?:detta|det\ här)\ (?:\p{L}+\ )?(?:e-post\p{L}*|meddelande|mejl|mail)|denn?e\ (?:e-?post\p{L}*|melding\p{L}*|e-?mail\p{L}*|mail\p{L}*|besked|meddelelse)|tämä\p{L}*\ (?:sähköposti\p{L}*|viesti\p{L}*)|(?:это|данное|настоящее)\ (?:электронное\ )?(?:письмо|сообщение))\b",
    )
});

static CONFIDENTIAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:confidential\p{L}*|privileged|proprietary|vertraulich\p{L}*|confidentiel\p{L}*|confidencia\p{L}*|confidenzial\p{L}*|riservat\p{L}*|vertrouwelijk\p{L}*|poufn\p{L}*|konfiden\p{L}*|fortrolig\p{L}*|luottamuksel\p{L}*|конфиденциальн\p{L}*)\b",
    )
});

static ADDRESSEE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:intended|addressees?|recipients?|addressed|(?:individual|person)\ or\ entity|empfänger\p{L}*|adressat\p{L}*|destinataires?|destinat[aá]ri\p{L}*|geadresseerde|ontvanger|odbiorc\p{L}*|adresat\p{L}*|mottagar\p{L}*|mottaker\p{L}*|modtager\p{L}*|adressat\p{L}*|vastaanottaj\p{L}*|адресат\p{L}*|получател\p{L}*|предназначен\p{L}*)\b",
    )
});

static MISTAKE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:in\ error|by\ mistake|erroneously|irrtümlich|versehentlich|par\ erreur|por\ (?:error|erro|engano|equivocación)|per\ (?:errore|vergissing|abuis)|abusievelijk|onterecht|omyłkow\p{L}*|(?:przez\ )?pomyłk\p{L}*|av\ misstag|(?:ved|som\ følge\ af)\ (?:en\ )?(?:feil\p{L}*|fejl\p{L}*)|erehdyksessä|vahingossa|по\ ошибке|ошибочно)\b",
    )
});

// Someone in particular writes. Notices say "we" and "you", never "I".
static ONE_PERSON: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:i|i'm|i'll|i've|me|my|ich|mir|mich|mein\p{L}{0,2}|je|j'\p{L}+|moi|mon|yo|mí|mi|io|eu|meu|ik|mij|mijn|jag|mig|min|jeg|meg|minä|minun|minulle|я|мне|меня|мой)\b",
    )
});

// Where the contact details begin that end at `end`, below a greeting and a name.
fn details(kept: &[&str], end: usize) -> Option<usize> {
    let from = end.saturating_sub(MAX_DETAILS * 2 + 4);
    let lines: Vec<(usize, &str)> = (from..end)
        .filter_map(|at| Some((at, kept.get(at)?.trim().trim_matches('*'))))
        .filter(|(_, line)| !line.is_empty())
        .collect();
    let greeting = lines.iter().rposition(|(_, line)| line.len() <= 80 && GREETING.is_match(line))?;
    let (_, line) = lines.get(greeting)?;
    let named = GREETING.captures(line).is_some_and(|found| found.name("name").is_some_and(|name| !name.is_empty()));
    let below = if named { greeting + 1 } else { greeting + 2 };
    if !named && !lines.get(greeting + 1).is_some_and(|(_, line)| name(line)) {
        return None;
    }
    let block = lines.get(below..).filter(|block| (2..=MAX_DETAILS).contains(&block.len()))?;
    let details = block.iter().all(|(_, line)| detail(line)) && block.iter().any(|(_, line)| CONTACT.is_match(line));
    if !details || block.iter().any(|(_, line)| opt_out::is_opt_out(line)) {
        return None;
    }
    // "My number is below": then it is meant to be read.
    let (start, _) = block.first()?;
    let words = kept.get(start.saturating_sub(200)..*start)?;
    (!words.iter().any(|line| POINTS.is_match(line))).then_some(*start)
}

// Whether a line can be a contact detail and nothing else.
fn detail(line: &str) -> bool {
    line.len() <= MAX_DETAIL_LEN
        && !line.contains(['?', '!', '€', '$', '£'])
        && !line.ends_with(':')
        && !SAYS.is_match(line)
        && !line.split_whitespace().any(sent_link)
        && LABEL.captures(line).is_none_or(|found| found.name("known").is_some())
}

// A link to something in particular, as one sends it; in a signature there are links to front pages and profiles.
fn sent_link(word: &str) -> bool {
    const PROFILES: [&str; 8] =
        ["linkedin", "xing", "facebook", "twitter", "instagram", "youtube", "safelinks", "aka.ms"];
    let word = word.to_lowercase();
    let Some((_, rest)) = word.split_once("://") else { return false };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let meeting = ["zoom.", "meet.", "teams.", "calendly", "cal.com"].iter().any(|place| host.contains(place));
    meeting || (path.len() > 10 && !PROFILES.iter().any(|place| host.contains(place)))
}

// "Seats: 40" is an answer, "Tel.: 030 1234567" a detail.
static LABEL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\W{0,2}(?:(?P<known>t|p|m|d|f|e|w|a|o|i|tel\p{L}*|tél\p{L}*|tlf|tfn|puh\p{L}*|phone|ph|mob\p{L}*|móvil|cell\p{L}*|direct\p{L}*|office|fax|handy|gsm|e-?mail|mail|e-?post|sähköposti|web|website|internet|skype|linkedin|address|adresse?|indirizzo|dirección|endereço|adres|sitz\p{L}*|amtsgericht|hrb|registergericht|handelsregister|geschäftsführ\p{L}*|vorstand|aufsichtsrat|ust\p{L}*|st\.?-?nr|vat|siret|siren|rcs|kvk|btw|nip|regon|krs|cvr|org\p{L}*|y-tunnus|p\.?\ ?iva|c\.?\ ?f|cif|nif|cnpj|company\ (?:no|number)|registered\ (?:in|office|no)|тел|моб|почта|сайт|адрес|инн|кпп|огрн)\b|[\p{L}\ ]{2,30})[.\p{L}\ -]{0,20}:\s",
    )
});

fn name(line: &str) -> bool {
    line.len() <= 80
        && line.split_whitespace().count() <= 6
        && !line.contains(|c: char| c.is_ascii_digit() || matches!(c, '?' | '!' | ':' | '@' | '|' | '/'))
}

static GREETING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\W{0,3}(?:(?:with\ )?(?:(?:kind|kindest|best|warm|warmest|many)\ )?(?:regards|wishes|thanks)(?:\ (?:and|&)\ (?:best\ |kind\ )?regards|\ again|\ in\ advance|\ so\ much)?|best|all\ the\ best|cheers|thank\ you|sincerely(?:\ yours)?|yours\ (?:sincerely|faithfully|truly)|respectfully|kr|br|rgds
          |(?:mit\ )?(?:(?:sehr\ )?freundliche[nm]?|beste[nm]?|herzliche[nmr]?|liebe[nr]?|viele[n]?|schöne[n]?|sonnige[n]?)\ (?:gr(?:ü|ue)(?:ß|ss)en?|gru(?:ß|ss)|dank)(?:\ aus\ (?:\p{L}+\ ?){1,3})?|mfg|lg|vg|bg|gruß|hochachtungsvoll
          |(?:bien\ )?cordialement(?:\ vôtre)?|bien\ à\ vous|cdlt|cdt|(?:(?:meilleures|sincères|cordiales)\ )?salutations|bonne\ (?:journée|fin\ de\ journée|semaine|réception)|merci(?:\ d'avance)?|sincèrement
          |(?:reciba\ )?(?:un\ )?(?:cordial\ |atento\ )?saludos?(?:\ cordial(?:es)?)?|atentamente|atte|un\ abrazo|(?:muchas\ )?gracias
          |(?:cordiali|distinti|cari)\ saluti|(?:un\ )?(?:cordiale\ )?saluto|saluti|cordialmente|grazie(?:\ mille)?|buona\ giornata|buon\ lavoro|a\ presto
          |atenciosamente|(?:com\ )?(?:os\ )?(?:melhores\ )?cumprimentos|abraços?|att|(?:muito\ )?obrigad[oa]
          |met\ vriendelijke\ groet(?:en)?|(?:hartelijke|vriendelijke|beste)\ groet(?:en|jes)?|groet(?:en|jes)?|mvg|hoogachtend|bedankt
          |(?:serdecznie\ )?pozdrawiam(?:\ serdecznie)?|pozdrowienia|z\ poważaniem|z\ wyrazami\ szacunku|łączę\ pozdrowienia|dziękuję
          |(?:med\ )?(?:vänliga?|bästa)\ hälsning(?:ar)?|hälsningar|mvh|vänligen|tack|(?:med\ )?(?:vennlig|venlig|beste|bedste|hjertelig)\ (?:hilsen|hilsner)|hilsen|vh|takk|tak
          |(?:ystävällisin|parhain|lämpimin|hyvin)\ terveisin|terveisin|yst\.?\ terv|kiitos|kiittäen
          |с\ уважением|всего\ (?:доброго|хорошего)|с\ наилучшими\ пожеланиями|спасибо|хорошего\ дня)
          [\s,.!;–-]*(?P<name>(?:\p{L}[\p{L}.'’-]*\ ?){0,4})$",
    )
});

// Words addressed to a person are no contact detail.
static SAYS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\W{0,3}p\.?\s?s\b|^\s*(?:[-•*]|\d{1,2}[.)])\s|\d{1,2}[:h]\d{2}\b|\b(?:yes|no|ok|okay|works|mon|tues?|wednes|thurs|fri)(?:day)?\b|\b(?:i|i'm|i'll|me|my|we|us|you|your|please|call|let's|but|if|when|after|before|ich|mir|mich|wir|uns|sie|ihnen|bitte|je|moi|nous|vous|merci|yo|nosotros|usted|favor|llám\p{L}+|io|noi|lei|mi|vi|eu|nós|você|ik|mij|wij|u|ons|graag|ja|mnie|państw\p{L}*|proszę|jag|mig|vi|er|ni|du|jeg|meg|oss|os|dere|dig|deg|minä|minut|minulle|teille|я|мне|меня|мы|нам|вы|вам|пожалуйста)\b",
    )
});

static CONTACT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:^|\W)(?:t|p|m|d|f|tel|tél|tlf|tfn|telefon\p{L}*|phone|ph|mob|mobil\p{L}*|cell|direct|office|fax|handy|puh|тел|моб|gsm)\s?[.:]{0,2}\s?\+?[(\d][\d\s()./-]{5,}|\+\d[\d\s()./-]{6,}|\bhttps?://|\bwww\.|[^\s<>@]@[^\s<>@]+\.\p{L}{2,}
          |\b(?:gmbh|amtsgericht|hrb|ust-id\p{L}*|siret|p\.?\ ?iva|kvk|org\.?\ ?nr|cvr|y-tunnus|инн)\b|\b(?:ltd|inc|llc|plc|s\.?r\.?l|s\.?p\.?a|sp\.\ z\ o)\.?\ ?\|",
    )
});

static POINTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:below|in\ my\ (?:signature|footer)|my\ (?:\w+\ )?(?:number|phone|mobile|cell|address)|call\ me|ring\ me|unten|untenstehend\p{L}*|signatur|meine\ (?:\p{L}*nummer|adresse)|rufen\ sie\ (?:mich\ )?|ci-dessous|mon\ (?:numéro|adresse|portable)|appelez|rappelez|abajo|mi\ (?:número|teléfono|móvil|dirección)|llám\p{L}+|sotto|in\ calce|il\ mio\ (?:numero|cellulare)|mi\ chiami
          |abaixo|meu\ (?:número|telefone|celular)|me\ ligue|ligue-me|onderaan|onderstaand\p{L}*|mijn\ (?:nummer|adres)|bel\ (?:me|mij)|poniżej|w\ stopce|mój\ (?:numer|telefon)|zadzwo\p{L}+|nedan|mitt\ (?:\p{L}*nummer)|ring\ (?:mig|meg)|nedenfor|mit\ (?:\p{L}*nummer)|alla|allekirjoitu\p{L}*|numeroni|soit\p{L}+|ниже|в\ подписи|мой\ (?:номер|телефон)|позвон\p{L}+)\b",
    )
});
