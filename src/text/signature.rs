//! Signatures, device lines and mailing-list footers that a client or a custom marks as such; `footer` knows the others.
//!
//! A greeting and a name ("Thanks, Alex") are the sender's own words and stay.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{Line, Quote};
use super::pattern::pattern;

/// Below a bare `--` (without its space) this many lines may stand; below more it was a divider.
const MAX_SIGNATURE_LEN: usize = 15;
/// At most this many lines are searched for that.
const FAR: usize = 200;

/// Whether the signature begins at `at`: the line `-- `, or the footer of a mailing list.
pub(super) fn starts_at(lines: &[Line], at: usize) -> bool {
    let Some(line) = lines.get(at) else {
        return false;
    };
    let text = line.text.trim();
    if matches!(text, "--" | "—" | "–" | "‐‐" | "- --" | "*--*") {
        // The space after the dashes is lost on the way too often to insist on it.
        let below = || lines.iter().skip(at + 1).take(FAR).take_while(|line| line.quote == Quote::No);
        let words = below().filter(|line| !line.is_blank()).take(MAX_SIGNATURE_LEN + 1).count();
        return words <= MAX_SIGNATURE_LEN;
    }
    let ruled = text.len() >= 30 && text.bytes().all(|b| matches!(b, b'_' | b'-'));
    if !ruled {
        return false;
    }
    static LIST: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"mailing\ list|list\ info|listinfo|to\ unsubscribe|google\ groups|you\ received\ this\ message")
    });
    lines.iter().skip(at + 1).take(3).any(|line| LIST.is_match(&line.text))
}

/// Whether the line is one that a phone or a mail program adds: "Sent from my iPhone", "Get Outlook for iOS".
pub(super) fn is_device_line(line: &str) -> bool {
    static DEVICE: LazyLock<Regex> = LazyLock::new(|| {
        let what = r"(?:(?:i\s?phone|i\s?pad|i\s?pod|apple\ watch|mac(?:book)?|blackberry|android|galaxy|samsung|huawei|xiaomi|redmi|google\ pixel|oneplus|motorola
              |nokia|lumia|xperia|htc|lg|palm|treo|smart\s?phone|mobile|handy|phone|tablet|mobil\p{L}*|móvil|celular|cell|portable|cellulare
              |telefo\p{L}*|téléphone|teléfono|matkapuhelin\p{L}*|puhelim\p{L}*|yahoo(?:\ mail)?|outlook|windows|mail|gmail|hotmail|aol|gmx|web\.de|protonmail
              |proton\ mail|spark|airmail|mailbird|superhuman|mobile\ mail|zoho\ mail|mailspring|thunderbird|k-9\ mail|fairemail|nine|edison|sparrow|mail\.ru|(?:яндекс[.\ ]?)?почт\p{L}*
              |айфон\p{L}*|телефон\p{L}*)(?:['’‘]?\p{L}{0,4})?)";
        pattern(&format!(
            r"^[\s*_>]{{0,4}}(?:
                (?:sent|written|typed)\ (?:from|via|with|using|by|on)\ (?:(?:my|the|a|an)\ )?(?:[\p{{L}}\d.®™+-]+\ ){{0,4}}?{what}(?:\ [\p{{L}}\d.®™+/-]+){{0,4}}
              | (?:diese\ nachricht\ wurde\ )?(?:von|vom|mit)\ (?:mein[\p{{L}}/]+\ |der\ |dem\ )?(?:[\p{{L}}\d.®™+-]+\ ){{0,4}}?{what}(?:\ [\p{{L}}\d.®™+/-]+){{0,4}}\ (?:gesendet|versendet|verschickt|geschickt|gesandt)
              | gesendet\ (?:von|mit)\ (?:[\p{{L}}\d.®™+-]+\ ){{0,4}}?{what}(?:\ [\p{{L}}\d.®™+-]+){{0,4}}
              | envoyé\ (?:de|depuis|à\ partir\ de|avec|par)\ (?:[\p{{L}}\d.®™+-]+\ ){{0,4}}?{what}(?:\ [\p{{L}}\d.®™+-]+){{0,4}}
              | enviad[oa]\ (?:desde|do|da|de|via|a\ partir\ d[oe]|con|com|pelo)\ (?:[\p{{L}}\d.®™+-]+\ ){{0,4}}?{what}(?:\ [\p{{L}}\d.®™+-]+){{0,4}}
              | inviat[oa]\ (?:da|dal|con|tramite)\ (?:[\p{{L}}\d.®™+-]+\ ){{0,4}}?{what}(?:\ [\p{{L}}\d.®™+-]+){{0,4}}
              | (?:verstuurd|verzonden)\ (?:vanaf|vanuit|met|via|van)\ (?:[\p{{L}}\d.®™+-]+\ ){{0,4}}?{what}(?:\ [\p{{L}}\d.®™+-]+){{0,4}}
              | wysłan[eoy]\ (?:z|ze|za\ pomocą|przez)\ (?:[\p{{L}}\d.®™+-]+\ ){{0,4}}?{what}(?:\ [\p{{L}}\d.®™+-]+){{0,4}}
              | (?:skickat|skickad|sendt)\ (?:från|fra|via|med)\ (?:[\p{{L}}\d.®™+-]+\ ){{0,4}}?{what}(?:\ [\p{{L}}\d.®™+-]+){{0,4}}
              | lähetetty\ (?:[\p{{L}}\d.®™+-]+\ ){{0,4}}?(?:{what}|iphonesta|ipadista|puhelimesta|laitteesta)(?:\ [\p{{L}}\d.®™+-]+){{0,4}}
              | отправлено\ (?:с|со|из)\ (?:[\p{{L}}\d.®™+-]+\ ){{0,4}}?{what}(?:\ [\p{{L}}\d.®™+-]+){{0,4}}
              | (?:get|hol(?:en)?\ sie\ sich|télécharge[rz]|obtenir|obtener|obtén|scarica|ottieni|obter|obtenha|download|pobierz|hämta|skaffa?|få|hent|hanki|скачать|скачайте|получить)\ (?:\p{{L}}+\ ){{0,2}}outlook\ .{{2,40}}
              | yahoo\ mail:?\ (?:search|recherch|such|busc|cerc)\p{{L}}*\W.{{5,60}}
              | outlook\ (?:für|for|para|per|pour|voor|dla)\ (?:ios|android)(?:\ .{{2,30}})?
              )(?:\s?[<(\[]\s?https?://[^\s]*\s?[>)\]]?)?(?:\s?<[^>]*>)?[\s.!*_]*$"
        ))
    });
    // Prose with "sent from my" in it goes on: "Sent from my desk, is much easier than my mobile phone."
    line.len() <= 200 && (!line.contains(',') || line.trim_start().starts_with("Yahoo Mail:")) && DEVICE.is_match(line)
}

/// Whether the line is a name set off by a dash, as some sign: "-Jane Doe".
pub(super) fn is_dashed_name(line: &str) -> bool {
    static NAME: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?-i)^\s*(?:-{1,2}|[–—~]\s?)\p{Lu}[\p{L}'’.]{0,20}(?:\ \p{Lu}[\p{L}'’.-]{0,20}){0,3}$")
    });
    NAME.is_match(line)
}

/// Whether the line is only drawn: dashes, underscores, stars.
pub(super) fn is_divider(line: &str) -> bool {
    let text = line.trim();
    text.chars().count() >= 3
        && text.chars().all(|c| matches!(c, '-' | '_' | '=' | '*' | '–' | '—' | '‐' | '─' | ' ' | '~' | '#'))
}

/// The dash that the line begins with.
pub(super) fn dash(line: &str) -> Option<char> {
    line.trim_start().chars().next().filter(|c| matches!(c, '-' | '–' | '—' | '~'))
}
