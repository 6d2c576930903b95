//! Long texts, cut for people to read.

/// The first so many characters of a text; `…` stands for the rest.
pub fn cut_text(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The same, on one line: a run of white space is a blank.
pub fn cut_line(text: &str, most: usize) -> String {
    cut_text(&text.split_whitespace().collect::<Vec<_>>().join(" "), most)
}

#[cfg(test)]
mod tests {
    use super::{cut_line, cut_text};

    #[test]
    fn a_text_is_cut_between_characters_and_only_if_it_is_longer() {
        assert_eq!(cut_text("añb", 3), "añb");
        assert_eq!(cut_text("añbc", 3), "añb…");
        assert_eq!(cut_text("", 0), "");
        assert_eq!(cut_line(" one\r\n\n two\tthree ", 7), "one two…");
        assert_eq!(cut_line(" one\n two ", 7), "one two");
    }
}
