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

/// The name without what Outlook and Hotmail put before names in mail that they pass on.
pub(super) fn bare(name: &str) -> &str {
    let mut name = name.strip_prefix("ecx").unwrap_or(name);
    while let Some(shorter) = name.strip_prefix("x_") {
        name = shorter;
    }
    name
}

/// Whether everything from this element on is quoted text.
pub(super) fn begins_history(attributes: &Attributes) -> bool {
    attributes.get("id").is_some_and(|id| {
        matches!(
            bare(id),
            "divrplyfwdmsg"
                | "olk_src_body_section"
                | "mail-editor-reference-message-container"
                | "ymail_android_reply"
                | "reply-intro"
        )
    })
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
    let style = attributes.get("style").unwrap_or_default();
    sense.hidden |= attributes.has("hidden") || is_hidden(style);
    if name == "blockquote" {
        let cited = attributes.get("type") == Some("cite") || attributes.has("cite");
        sense.quote = if cited || (has_border(style, "border-left") && outer.quote != Quote::Yes) {
            Quote::Yes
        } else if outer.quote == Quote::No {
            Quote::Maybe
        } else {
            outer.quote
        };
    }
    match bare(attributes.get("id").unwrap_or_default()) {
        "signature" if name == "div" => sense.mark = LineRole::Signature,
        id if id.starts_with("yahoo_quoted") => sense.quote = Quote::Yes,
        id if id.starts_with("zm-_id_-sgn") => sense.mark = LineRole::Signature,
        _ => {}
    }
    for class in attributes.get("class").unwrap_or_default().split_ascii_whitespace() {
        match bare(class) {
            "gmail_quote" | "protonmail_quote" | "tutanota_quote" | "zmail_quote" if name == "blockquote" => {
                sense.quote = Quote::Yes
            }
            "yahoo_quoted" | "zmail_extra" | "tutanota_quote" => sense.quote = Quote::Yes,
            "moz-cite-prefix" | "gmail_attr" => sense.mark = LineRole::Attribution,
            "gmail_signature"
            | "moz-signature"
            | "protonmail_signature_block"
            | "ms-outlook-mobile-signature"
            | "gmail_signature_prefix" => {
                sense.mark = LineRole::Signature;
            }
            _ => {}
        }
    }
    if attributes.has("data-signatureblock") {
        sense.mark = LineRole::Signature;
    }
    if name == "div" && sense.mark == LineRole::None && has_border(style, "border-top") {
        sense.mark = LineRole::HeaderBox;
    }
    sense
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
