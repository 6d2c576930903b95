//! Slack messages and mail as whoever receives them sees them, for the page.

use super::html::{escape, to_text};
use super::mail::ReceivedMail;
use mail_parser::{Address, MessageParser, MimeHeaders};
use serde_json::Value;
use std::fmt::Write;

/// A Slack message: its blocks, or its text where there are none. `&`, `<` and `>` come escaped, as Slack asks for.
pub(super) fn slack(payload: &Value) -> String {
    let blocks = payload.get("blocks").and_then(Value::as_array);
    let shown: String = blocks.into_iter().flatten().map(block).collect();
    if !shown.is_empty() {
        return shown;
    }
    let text = payload.get("text").and_then(Value::as_str).unwrap_or_default();
    let is_plain = payload.get("mrkdwn") == Some(&Value::Bool(false));
    format!("<div class=slack>{}</div>", if is_plain { escape(&unescape(text)) } else { mrkdwn(text) })
}

fn block(block: &Value) -> String {
    let text = |value: &Value| match (value["type"].as_str(), value["text"].as_str()) {
        (Some("mrkdwn"), Some(text)) => mrkdwn(text),
        (_, Some(text)) => lines(&escape(&unescape(text))),
        _ => String::new(),
    };
    let list = |name: &str| block[name].as_array().into_iter().flatten().map(text).collect::<Vec<_>>();
    match block["type"].as_str() {
        Some("header") => {
            let title = block["text"]["text"].as_str().unwrap_or_default();
            format!("<h3>{}</h3>", escape(&unescape(title)))
        }
        Some("section") => {
            let mut out = String::new();
            let said = text(&block["text"]);
            if !said.is_empty() {
                let _ = write!(out, "<div class=slack>{said}</div>");
            }
            let fields = list("fields");
            if !fields.is_empty() {
                let fields: String = fields.iter().map(|field| format!("<div>{field}</div>")).collect();
                let _ = write!(out, "<div class=fields>{fields}</div>");
            }
            out
        }
        Some("context") => format!("<div class=quiet>{}</div>", list("elements").concat()),
        Some("divider") => "<hr>".to_owned(),
        _ => String::new(),
    }
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Line by line: what begins with `>` is a quotation.
fn lines(escaped: &str) -> String {
    let mut out = String::new();
    for line in escaped.lines() {
        match line.strip_prefix("&gt;") {
            Some(quoted) => drop(write!(out, "<div class=quote>{}</div>", quoted.trim_start())),
            None => drop(write!(out, "<div>{line}</div>")),
        }
    }
    out
}

/// Slack's markup: bold, italic, struck out, code, and links, which show their text and where they lead.
fn mrkdwn(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(&styled(before));
        let Some((link, after)) = after.split_once('>') else {
            rest = after;
            continue;
        };
        let shown = match link.split_once('|') {
            Some((target, name)) => format!("<u>{}</u> ({})", escape(&unescape(name)), escape(&unescape(target))),
            None => format!("<u>{}</u>", escape(&unescape(link))),
        };
        out.push_str(&shown);
        rest = after;
    }
    out.push_str(&styled(rest));
    lines(&out)
}

fn styled(text: &str) -> String {
    let mut out = escape(&unescape(text));
    for (mark, tag) in [('*', "strong"), ('_', "em"), ('~', "s"), ('`', "code")] {
        out = between_marks(&out, mark, tag);
    }
    out
}

/// Text between two marks that touch it on the inside and no word on the outside.
fn between_marks(text: &str, mark: char, tag: &str) -> String {
    let pieces: Vec<&str> = text.split(mark).collect();
    let mut out = String::new();
    let mut open = false;
    for (place, piece) in pieces.iter().enumerate() {
        if place > 0 {
            let before = pieces.get(place - 1).and_then(|text| text.chars().last());
            let after = piece.chars().next();
            let opens = before.is_none_or(|c| !c.is_alphanumeric()) && after.is_some_and(|c| !c.is_whitespace());
            let closes = before.is_some_and(|c| !c.is_whitespace()) && after.is_none_or(|c| !c.is_alphanumeric());
            if open && closes {
                let _ = write!(out, "</{tag}>");
                open = false;
            } else if !open && opens && pieces.len() > place + 1 {
                let _ = write!(out, "<{tag}>");
                open = true;
            } else {
                out.push(mark);
            }
        }
        out.push_str(piece);
    }
    if open {
        let _ = write!(out, "</{tag}>");
    }
    out
}

/// A mail: decoded, with who sent it to whom about what.
pub(super) fn mail(mail: &ReceivedMail, at: &str) -> String {
    let parsed = MessageParser::default().parse(mail.raw.as_bytes());
    let addresses = |list: Option<&Address<'_>>, otherwise: &str| {
        let all: Vec<String> = list.into_iter().flat_map(Address::iter).map(address).collect();
        if all.is_empty() { otherwise.to_owned() } else { all.join(", ") }
    };
    let (subject, from, to, cc, body, files) = match &parsed {
        Some(parsed) => {
            let body = parsed.body_text(0).map(|text| text.into_owned());
            let body = body.or_else(|| parsed.body_html(0).map(|html| to_text(&html)));
            let files = parsed.attachments().filter_map(|file| file.attachment_name()).collect::<Vec<_>>().join(", ");
            (
                parsed.subject().unwrap_or("(no subject)").to_owned(),
                addresses(parsed.from(), &mail.from),
                addresses(parsed.to(), &mail.to.join(", ")),
                addresses(parsed.cc(), ""),
                body.unwrap_or_default(),
                files,
            )
        }
        None => {
            let (from, to) = (mail.from.clone(), mail.to.join(", "));
            ("(cannot be read)".to_owned(), from, to, String::new(), mail.raw.clone(), String::new())
        }
    };
    let cc = if cc.is_empty() { String::new() } else { format!("<br>cc {}", escape(&cc)) };
    let files = if files.is_empty() { String::new() } else { format!("<p class=quiet>with {}</p>", escape(&files)) };
    format!(
        "<details open><summary><strong>{}</strong> <span class=quiet>{at}</span></summary><p class=quiet>from {}<br>to \
         {}{cc}</p><pre>{}</pre>{files}</details>",
        escape(&subject),
        escape(&from),
        escape(&to),
        escape(body.trim_end())
    )
}

fn address(found: &mail_parser::Addr<'_>) -> String {
    let email = found.address().unwrap_or_default();
    found.name().map_or_else(|| email.to_owned(), |name| format!("{name} <{email}>"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use serde_json::json;

    #[test]
    fn a_slack_message_looks_as_in_slack() {
        let shown = slack(&json!({ "text": "fallback", "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": "Reply from Jane &amp; Joe" } },
            { "type": "section", "text": { "type": "plain_text", "text": "&gt; a *call*?\nYes" } },
            { "type": "section", "text": { "type": "mrkdwn", "text": "*Bold* a_b_c _it_ <https://r.example/?a=1&amp;b=2|Open>" } },
            { "type": "context", "elements": [{ "type": "plain_text", "text": "Rule a" }, { "type": "plain_text", "text": "b" }] },
        ]}));
        assert_eq!(
            shown,
            "<h3>Reply from Jane &amp; Joe</h3>\
             <div class=slack><div class=quote>a *call*?</div><div>Yes</div></div>\
             <div class=slack><div><strong>Bold</strong> a_b_c <em>it</em> <u>Open</u> (https://r.example/?a=1&amp;b=2)</div></div>\
             <div class=quiet><div>Rule a</div><div>b</div></div>"
        );
        let shown = slack(&json!({ "text": "2 * 3 * 4 &lt;b&gt;" }));
        assert_eq!(shown, "<div class=slack><div>2 * 3 * 4 &lt;b&gt;</div></div>");
    }

    #[test]
    fn a_mail_is_decoded() {
        let raw = "From: =?utf-8?Q?J=C3=B6rg?= <joerg@us.example>\r\nTo: ae@us.example\r\nCc: Ann <ann@us.example>, bo@us.example\r\nSubject: =?utf-8?Q?Hei=C3=9F?=\r\n\
                   Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe =\r\n<you>\r\n";
        let received =
            ReceivedMail { at: Timestamp::UNIX_EPOCH, from: String::new(), to: Vec::new(), raw: raw.to_owned() };
        let shown = mail(&received, "12:00");
        for part in [
            "<strong>Heiß</strong>",
            "from Jörg &lt;joerg@us.example&gt;",
            "to ae@us.example<br>cc Ann &lt;ann@us.example&gt;, bo@us.example</p>",
            "Grüße &lt;you&gt;",
        ] {
            assert!(shown.contains(part), "{part} is not in {shown}");
        }
    }
}
