//! Text for pages: escaping, and HTML roughly as text.

/// Text that is safe inside HTML and inside quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The words of HTML without its tags, styles and scripts: for previews, not for reading mail.
pub(super) fn to_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len() / 2);
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let lower: String = after.chars().take(7).collect::<String>().to_ascii_lowercase();
        let hidden = ["style", "script", "head"].into_iter().find(|name| {
            lower.strip_prefix(name).is_some_and(|next| !next.starts_with(|c: char| c.is_ascii_alphanumeric()))
        });
        let end = match hidden {
            // `to_ascii_lowercase` keeps the byte positions.
            Some(name) => after.to_ascii_lowercase().find(&format!("</{name}")).unwrap_or(after.len()),
            None => 0,
        };
        let tag = after.get(end..).unwrap_or_default();
        if ["br", "/p", "/div", "/tr", "/li", "hr"].iter().any(|name| lower.starts_with(name)) {
            text.push('\n');
        }
        rest = tag.split_once('>').map_or("", |(_, rest)| rest);
    }
    text.push_str(rest);
    let entities = [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    entities.iter().fold(text, |text, (entity, character)| text.replace(entity, character)).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_roughly_as_text() {
        for (html, text) in [
            ("<p>Yes &amp; no</p><style>p{}</style><br>x", "Yes & no\n\nx"),
            ("<html><head><title>t</title></head><body>b</body>", "b"),
            ("<header>kept</header>", "kept"),
            ("a < b", "a"),
            ("<style>never closed", ""),
            ("", ""),
        ] {
            assert_eq!(to_text(html), text, "{html}");
        }
        assert_eq!(escape("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
    }
}
