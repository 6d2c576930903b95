//! Character references in HTML: the named ones that mail uses, and all numeric ones.

/// Decodes `&amp;`, `&#8217;`, `&#x2019;` and the like; what is not known stays as it is.
pub(super) fn decode(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let body = from.get(1..).unwrap_or_default();
        let length = body.bytes().take(32).take_while(|b| b.is_ascii_alphanumeric() || *b == b'#').count();
        let name = body.get(..length).unwrap_or_default();
        match character(name) {
            Some(c) => {
                out.push(c);
                let after = body.get(length..).unwrap_or_default();
                rest = after.strip_prefix(';').unwrap_or(after);
            }
            None => {
                out.push('&');
                rest = body;
            }
        }
    }
    out.push_str(rest);
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        // Old Windows mail numbers its quotes and dashes by code page 1252.
        let code = match code {
            0x80..=0x9f => CP1252.get(code as usize - 0x80).copied().unwrap_or(0xfffd),
            other => other,
        };
        return char::from_u32(code).filter(|c| *c != '\0');
    }
    NAMED.iter().find(|(known, _)| *known == name).map(|(_, c)| *c)
}

const CP1252: [u32; 32] = [
    0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d, 0x017d,
    0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,
    0x017e, 0x0178,
];

#[rustfmt::skip]
const NAMED: &[(&str, char)] = &[
    ("nbsp", '\u{a0}'), ("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\''), ("AMP", '&'), ("LT", '<'), ("GT", '>'), ("QUOT", '"'),
    ("rsquo", '’'), ("lsquo", '‘'), ("rdquo", '”'), ("ldquo", '“'), ("sbquo", '‚'), ("bdquo", '„'), ("laquo", '«'), ("raquo", '»'), ("lsaquo", '‹'), ("rsaquo", '›'),
    ("ndash", '–'), ("mdash", '—'), ("hellip", '…'), ("bull", '•'), ("middot", '·'), ("trade", '™'), ("copy", '©'), ("reg", '®'), ("euro", '€'), ("pound", '£'),
    ("yen", '¥'), ("cent", '¢'), ("sect", '§'), ("para", '¶'), ("deg", '°'), ("plusmn", '±'), ("times", '×'), ("divide", '÷'), ("micro", 'µ'), ("frac12", '½'),
    ("frac14", '¼'), ("frac34", '¾'), ("sup1", '¹'), ("sup2", '²'), ("sup3", '³'), ("ordf", 'ª'), ("ordm", 'º'), ("iexcl", '¡'), ("iquest", '¿'), ("brvbar", '¦'),
    ("curren", '¤'), ("uml", '¨'), ("not", '¬'), ("shy", '\u{ad}'), ("macr", '¯'), ("acute", '´'), ("cedil", '¸'), ("ensp", '\u{2002}'), ("emsp", '\u{2003}'), ("thinsp", '\u{2009}'),
    ("zwnj", '\u{200c}'), ("zwj", '\u{200d}'), ("lrm", '\u{200e}'), ("rlm", '\u{200f}'), ("larr", '←'), ("uarr", '↑'), ("rarr", '→'), ("darr", '↓'), ("harr", '↔'), ("check", '✓'),
    ("hearts", '♥'), ("infin", '∞'), ("ne", '≠'), ("le", '≤'), ("ge", '≥'), ("asymp", '≈'), ("minus", '−'), ("prime", '′'), ("Prime", '″'), ("permil", '‰'),
    ("dagger", '†'), ("Dagger", '‡'), ("tilde", '˜'), ("circ", 'ˆ'), ("fnof", 'ƒ'), ("num", '#'), ("commat", '@'), ("colon", ':'), ("comma", ','), ("period", '.'),
    ("excl", '!'), ("quest", '?'), ("lpar", '('), ("rpar", ')'), ("sol", '/'), ("percnt", '%'), ("dollar", '$'), ("plus", '+'), ("equals", '='), ("lowbar", '_'),
    ("Tab", '\t'), ("NewLine", '\n'), ("semi", ';'), ("hyphen", '‐'), ("dash", '‐'), ("vert", '|'), ("verbar", '|'), ("ast", '*'), ("lsqb", '['), ("rsqb", ']'),
    ("Agrave", 'À'), ("Aacute", 'Á'), ("Acirc", 'Â'), ("Atilde", 'Ã'), ("Auml", 'Ä'), ("Aring", 'Å'), ("AElig", 'Æ'), ("Ccedil", 'Ç'), ("Egrave", 'È'), ("Eacute", 'É'),
    ("Ecirc", 'Ê'), ("Euml", 'Ë'), ("Igrave", 'Ì'), ("Iacute", 'Í'), ("Icirc", 'Î'), ("Iuml", 'Ï'), ("ETH", 'Ð'), ("Ntilde", 'Ñ'), ("Ograve", 'Ò'), ("Oacute", 'Ó'),
    ("Ocirc", 'Ô'), ("Otilde", 'Õ'), ("Ouml", 'Ö'), ("Oslash", 'Ø'), ("Ugrave", 'Ù'), ("Uacute", 'Ú'), ("Ucirc", 'Û'), ("Uuml", 'Ü'), ("Yacute", 'Ý'), ("THORN", 'Þ'),
    ("szlig", 'ß'), ("agrave", 'à'), ("aacute", 'á'), ("acirc", 'â'), ("atilde", 'ã'), ("auml", 'ä'), ("aring", 'å'), ("aelig", 'æ'), ("ccedil", 'ç'), ("egrave", 'è'),
    ("eacute", 'é'), ("ecirc", 'ê'), ("euml", 'ë'), ("igrave", 'ì'), ("iacute", 'í'), ("icirc", 'î'), ("iuml", 'ï'), ("eth", 'ð'), ("ntilde", 'ñ'), ("ograve", 'ò'),
    ("oacute", 'ó'), ("ocirc", 'ô'), ("otilde", 'õ'), ("ouml", 'ö'), ("oslash", 'ø'), ("ugrave", 'ù'), ("uacute", 'ú'), ("ucirc", 'û'), ("uuml", 'ü'), ("yacute", 'ý'),
    ("thorn", 'þ'), ("yuml", 'ÿ'), ("OElig", 'Œ'), ("oelig", 'œ'), ("Scaron", 'Š'), ("scaron", 'š'), ("Yuml", 'Ÿ'), ("Zcaron", 'Ž'), ("zcaron", 'ž'), ("ccaron", 'č'),
    ("Ccaron", 'Č'), ("sacute", 'ś'), ("Sacute", 'Ś'), ("zacute", 'ź'), ("zdot", 'ż'), ("lstrok", 'ł'), ("Lstrok", 'Ł'), ("aogon", 'ą'), ("eogon", 'ę'), ("nacute", 'ń'),
    ("cacute", 'ć'), ("rcaron", 'ř'), ("ecaron", 'ě'), ("uring", 'ů'), ("odblac", 'ő'), ("udblac", 'ű'), ("gbreve", 'ğ'), ("scedil", 'ş'), ("inodot", 'ı'), ("abreve", 'ă'),
];
