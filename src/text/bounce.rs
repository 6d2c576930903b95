//! Mail servers that say that they could not deliver.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::truncate;
use super::pattern::pattern;

/// The words or the address by which a bounce is recognised. `address` in lower case; `body` whole.
pub(super) fn recognise(address: &str, subject: &str, body: &str) -> Option<String> {
    let local = address.split('@').next().unwrap_or_default();
    if SERVER.is_match(local) {
        return Some(address.to_owned());
    }
    // Only servers give these subjects. "Re:" before one means that a person answers it.
    if let Some(found) = SUBJECT.find(subject) {
        return Some(found.as_str().to_owned());
    }
    let start = truncate(body, 4000).split_whitespace().collect::<Vec<_>>().join(" ");
    let failed = FAILED.find(&start)?;
    let early = failed.start() < 400;
    // "I tried to answer but my message could not be delivered": a person reports it.
    static TOLD: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\b(?:i|we|my|our|ich|meine?|je|mon|yo|mi|io|eu|ik|mijn)\b"));
    if TOLD.is_match(start.get(..failed.start()).unwrap_or_default()) {
        return None;
    }
    // A person who reports a bounce begins with words of their own; a server with these, and a status code.
    (early
        && (failed.start() < 60 || MAYBE_SUBJECT.is_match(subject))
        && (CODE.is_match(&start) || MAYBE_SUBJECT.is_match(subject))
        && !start.contains('?'))
    .then(|| failed.as_str().to_owned())
}

static SERVER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(?:mailer-?daemon|postmaster|mail-?daemon|bounces?|bounce[+=-].*|microsoftexchange[0-9a-f]+)$")
});

static SUBJECT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\W{0,3}(?:
            undeliverable\s?: | undelivered\ mail\ returned | delivery\ status\ notification | mail\ delivery\ (?:failed|failure|subsystem|error) | returned\ mail\s?: | failure\ notice\s*$ | delivery\ (?:failure|has\ failed)\s?: | message\ undeliverable | mail\ undeliverable | delivery\ incomplete | warning:\ (?:message|could\ not)\ .{0,30}(?:delayed|send)
          | unzustellbar\s?: | nicht\ zustellbar\s?: | (?:nachricht|mail|e-mail)\ (?:ist\ )?(?:unzustellbar|nicht\ zustellbar) | unzustellbarkeits\p{L}* | zustellung\ (?:fehlgeschlagen|nicht\ möglich) | benachrichtigung\ (?:zum|über\ den)\ (?:über)?(?:mittlungs|zustellungs?)status
          | non\ remis\s?: | non\ distribuable\s?: | échec\ de\ (?:la\ )?(?:remise|livraison|distribution)
          | no\ se\ puede\ entregar\s?: | (?:error|fallo)\ (?:de|en\ la)\ entrega | correo\ devuelto | no\ entregado\s?:
          | (?:non\ recapitabile|impossibile\ recapitare|mancato\ recapito|recapito\ non\ riuscito)
          | (?:não\ (?:é\ possível\ entregar|entregue)|falha\ na\ entrega|não\ foi\ possível\ entregar)
          | (?:onbestelbaar|niet\ afgeleverd|aflevering\ mislukt|kan\ niet\ worden\ bezorgd)
          | (?:niedostarczon\p{L}*|nie\ można\ dostarczyć|niedostarczaln\p{L}*|błąd\ dostarczania)
          | (?:går\ inte\ att\ leverera|olevererbar\p{L}*|kan\ inte\ levereras|kan\ ikke\ leveres|uleverbar\p{L}*|ikke\ levert|leveringsfeil|kunne\ ikke\ leveres)
          | (?:toimitus\ epäonnistui|viestiä\ ei\ voi(?:tu|da)\ toimittaa|ei\ toimitettavissa)
          | (?:не\ удается\ доставить|недоставленн\p{L}*|не\ доставлено|ошибка\ доставки|сбой\ доставки)
        )",
    )
});

// Subjects that servers use, and people too.
static MAYBE_SUBJECT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\W{0,3}(?:undeliver\w+|delivery\b|failure\b|returned\b|bounce\w*|address\ not\ found|message\ (?:not\ delivered|blocked|delayed)|failed\ delivery|mail\ (?:error|system))",
    )
});

static FAILED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:delivery\ to\ the\ following\ recipients?\ (?:failed|has)|(?:your\ )?message\ (?:to\ \S+\ )?(?:wasn['’]t|was\ not|couldn['’]t\ be|could\ not\ be|has\ not\ been|can(?:no|'|’)t\ be)\ delivered|could\ not\ be\ delivered\ to|this\ is\ the\ mail\ system\ at\ host|address\ not\ found|delivery\ has\ failed\ to\ these\ recipients|permanent\ (?:fatal\ )?errors?|this\ message\ was\ created\ automatically\ by\ (?:the\ )?mail|i['’]m\ afraid\ i\ wasn['’]t\ able\ to\ deliver|the\ following\ (?:message|address\w*)\ .{0,80}(?:undeliverable|fail\w*)
          |konnte\ nicht\ zugestellt\ werden|n['’](?:a\ pas\ pu|a\ pu)\ être\ (?:remis|distribué|livré)|no\ se\ ha\ podido\ entregar|no\ se\ pudo\ entregar|non\ è\ stato\ possibile\ (?:recapitare|consegnare)|não\ foi\ (?:entregue|possível\ entregar)|kon\ niet\ worden\ (?:afgeleverd|bezorgd)|nie\ (?:została\ dostarczona|można\ dostarczyć)|kunde\ inte\ levereras|kunne\ ikke\ leveres|ei\ voitu\ toimittaa|не\ (?:было\ )?доставлено)",
    )
});

static CODE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b[45]\.\d{1,2}\.\d{1,3}\b|\b(?:550|551|552|553|554|421|450|451)[\ -]|user\ unknown|no\ such\ user|mailbox\ (?:full|unavailable|not\ found)|recipient\ (?:rejected|address)|does\ not\ exist|quota",
    )
});
