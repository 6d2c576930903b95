//! What the elements of an HTML mail say of the text in them: quoted, a signature, hidden.
//!
//! Mail clients mark the mail they quote by classes and ids of their own. These say what is quoted whatever the language.

use super::attributes::Attributes;
use super::lines::{LineRole, Quote};

/// What an element means for the text in it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sense {
    pub(super) quote: Quote,
    pub(super) mark: LineRole,
    /// No reader sees the text.
    pub(super) hidden: bool,
    /// Line breaks and spaces in the text stay.
    pub(super) verbatim: bool,
    /// The element is a list, whose items have these signs.
    pub(super) list: Option<List>,
}

/// The signs of a list's items.
#[derive(Debug, Clone, Copy)]
pub(super) enum List {
    /// A dash for each.
    Bullets,
    /// Numbers; this one was the last.
    Numbers(u32),
}

impl List {
    /// The sign of the next item.
    pub(super) fn next_sign(&mut self) -> String {
        match self {
            Self::Bullets => "-".to_owned(),
            Self::Numbers(last) => {
                *last = last.saturating_add(1);
                format!("{last}.")
            }
        }
    }
}

/// The name without what clients put before the names in mail that they pass on, as in `x_divRplyFwdMsg` (Outlook),
/// `ecxgmail_quote` (Hotmail), `gmail-m_-418divRplyFwdMsg` (Gmail), `yiv0803871557yahoo_quoted` (Yahoo).
pub(super) fn bare(name: &str) -> &str {
    let mut name = name.strip_prefix("ecx").unwrap_or(name);
    name = name.strip_prefix("gmail-").unwrap_or(name);
    for (prefix, sign) in [("m_", "-"), ("yiv", "")] {
        if let Some(numbered) = name.strip_prefix(prefix) {
            let digits = numbered.strip_prefix(sign).unwrap_or(numbered);
            let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
            name = if rest.len() < digits.len() { rest } else { name };
        }
    }
    while let Some(shorter) = name.strip_prefix("x_") {
        name = shorter;
    }
    name
}

// An attribute's value as a name, empty where the tag does not have it.
fn name_in<'a>(attributes: &'a Attributes, attribute: &str) -> &'a str {
    bare(attributes.get(attribute).unwrap_or_default())
}

fn classes(attributes: &Attributes) -> impl Iterator<Item = &str> {
    attributes.get("class").unwrap_or_default().split_ascii_whitespace().map(bare)
}

/// Whether everything from this element on is quoted text.
pub(super) fn begins_history(attributes: &Attributes) -> bool {
    if attributes.is_empty() {
        return false;
    }
    let by_id = matches!(
        name_in(attributes, "id"),
        // Outlook on the web, for Windows, for Mac, and the mobile ones.
        "divrplyfwdmsg" | "appendonsend" | "olk_src_body_section" | "mail-editor-reference-message-container"
        // Yahoo on Android; rules of Hotmail, Zimbra, and 139.com.
        | "ymail_android_reply" | "stopspelling" | "zwchr" | "replysplit"
    );
    by_id
        || classes(attributes)
            .any(|class| matches!(class, "outlookmessageheader" | "ms-outlook-mobile-reference-message"))
        || attributes.get("title") == Some("beforequote:::") // Zoho Desk
}

/// Whether the element holds a quote together with the lines that introduce it, such as "Sam wrote:". Words of the sender's
/// own may follow between the quotes.
pub(super) fn introduces_quote(name: &str, attributes: &Attributes) -> bool {
    name == "div"
        && (name_in(attributes, "name") == "messagereplysection" // Spark
            || classes(attributes).any(|class| {
                // Gmail, Proton, Infomaniak, Mail.ru.
                matches!(class, "gmail_quote" | "protonmail_quote" | "ik_mail_quote" | "mail-quote-collapse")
            }))
}

/// What holds inside an element.
pub(super) fn sense_of(name: &str, attributes: &Attributes, outer: Sense) -> Sense {
    let mut sense = outer;
    match name {
        "pre" | "textarea" => sense.verbatim = true,
        "ol" => sense.list = Some(List::Numbers(0)),
        "ul" => sense.list = Some(List::Bullets),
        "select" | "button" | "object" | "svg" | "math" | "audio" | "video" | "map" => sense.hidden = true,
        _ => {}
    }
    if name == "blockquote" && outer.quote == Quote::No {
        sense.quote = Quote::Maybe;
    }
    // Most tags have none.
    if attributes.is_empty() {
        return sense;
    }
    let style = attributes.get("style").unwrap_or_default();
    sense.hidden |= attributes.has("hidden") || is_hidden(style);
    if is_client_quote(name, attributes) || (name == "blockquote" && has_border(style, "border-left")) {
        sense.quote = Quote::Yes;
    }
    if is_signature(name, attributes) {
        sense.mark = LineRole::Signature;
    } else if is_attribution(attributes) {
        sense.mark = LineRole::Attribution;
    } else if name == "div" && sense.mark == LineRole::None && has_border(style, "border-top") {
        sense.mark = LineRole::HeaderBox;
    }
    sense
}

// Whether a mail client calls the element a quote.
fn is_client_quote(name: &str, attributes: &Attributes) -> bool {
    let id = name_in(attributes, "id");
    if name == "blockquote" {
        let cited = attributes.get("type") == Some("cite") || attributes.has("cite");
        let by_class = classes(attributes).any(|class| {
            matches!(
                class,
                "gmail_quote" | "protonmail_quote" | "zmail_quote" | "spark_quote" | "front-blockquote"
                // Yahoo on iOS, Infomaniak.
                | "iosymail" | "ws-ng-quote"
            )
        });
        // NetEase, other Chinese webmail, Mail.ru's app.
        if cited || by_class || matches!(id, "isreplycontent" | "orimsghtmlseperator" | "mail-app-auto-quote") {
            return true;
        }
    }
    let by_class = classes(attributes).any(|class| {
        matches!(
            class,
            "yahoo_quoted" | "zmail_extra" | "tutanota_quote" | "freshdesk_quote" | "missive_quote" | "alimail-quote"
            // NetEase's Mail Master, GMX on Android, forwarded by Thunderbird and by Infomaniak.
            | "ntes-mailmaster-quote" | "mail_android_quote" | "moz-forward-container" | "forwardcontentmessage"
        ) || class.starts_with("ydp") && class.ends_with("yahoo_quoted")
    });
    by_class
        || id.starts_with("yahoo_quoted")
        // Edison, Foxmail and NetEase, 139.com.
        || matches!(id, "edo-original" | "isforwardcontent" | "reply139content")
        // GMX and web.de.
        || (name == "div" && name_in(attributes, "name") == "quote")
}

// Whether a mail client calls the element the line that introduces a quote.
fn is_attribution(attributes: &Attributes) -> bool {
    classes(attributes).any(|class| matches!(class, "moz-cite-prefix" | "gmail_attr" | "yahoo-quoted-begin"))
        || name_in(attributes, "id") == "reply-intro" // Roundcube
}

// Whether a mail client calls the element a signature.
fn is_signature(name: &str, attributes: &Attributes) -> bool {
    let by_class = classes(attributes).any(|class| {
        matches!(
            class,
            "gmail_signature" | "gmail_signature_prefix" | "moz-signature" | "protonmail_signature_block"
            // Outlook, Airmail, Infomaniak, NetEase.
            | "ms-outlook-mobile-signature" | "bloop_sign" | "editorusersignature" | "ntes-signature"
        )
    });
    let id = name_in(attributes, "id");
    by_class
        || id.starts_with("zm-_id_-sgn") // Zoho
        || matches!(id, "applemailsignature" | "edo-signature")
        || (name == "div" && id == "signature")
        || name_in(attributes, "name") == "messagesignaturesection" // Spark
        || attributes.get("data-smartmail") == Some("gmail_signature")
        || attributes.has("data-signatureblock")
}

// The properties of a style and their values. The tokenizer gives the attribute; this only cuts it at `;` and `:`.
fn declarations(style: &str) -> impl Iterator<Item = (&str, &str)> {
    style
        .split(';')
        .filter_map(|declaration| declaration.split_once(':').map(|(name, value)| (name.trim(), value.trim())))
}

fn is_hidden(style: &str) -> bool {
    declarations(style).any(|(name, value)| {
        (name == "display" && value.starts_with("none")) || (name == "mso-hide" && value.starts_with("all"))
    })
}

fn has_border(style: &str, side: &str) -> bool {
    declarations(style)
        .any(|(name, value)| name.starts_with(side) && !value.starts_with("none") && !value.starts_with('0'))
}
