//! Warnings that gateways put above mail from outside: "CAUTION: This email originated from outside the organization."

use super::page::Page;
use super::phrases::Topic;

/// No banner ends below this many lines with words on them.
const MAX_LINES: usize = 12;
/// What a banner has beside its phrases: a sentence of it may be without one, and its last words may be behind them.
const MAX_PARAGRAPH_WORDS: usize = 90;

/// How many lines from the top on are a banner: whole paragraphs, or lines of their own such as "[EXTERNAL]".
pub(super) fn end(page: &Page<'_>) -> usize {
    let mut end = 0;
    let mut at = 0;
    let mut seen = 0;
    while at < page.lines.len() && seen < MAX_LINES {
        if page.is_blank(at) || is_rule(page.text(at)) {
            at += 1;
            continue;
        }
        let paragraph_end = (at..page.lines.len()).find(|line| page.is_blank(*line)).unwrap_or(page.lines.len());
        let words = page.words_of(at..paragraph_end);
        let line_end = (at..paragraph_end).take_while(|line| is_banner_line(page, *line)).count() + at;
        if line_end > at {
            at = line_end;
        } else if words.len() <= MAX_PARAGRAPH_WORDS && covers_paragraph(page, words) && has_more(page, paragraph_end) {
            at = paragraph_end;
        } else {
            break;
        }
        seen += 1;
        end = at;
    }
    // A mail that is nothing but a warning is all that there is.
    if has_more(page, end) { end } else { 0 }
}

fn has_more(page: &Page<'_>, from: usize) -> bool {
    (from..page.lines.len()).any(|line| !page.words(line).is_empty())
}

fn is_rule(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.chars().all(|c| matches!(c, '-' | '_' | '=' | '*' | '#' | ' '))
}

/// Whether a line is a banner's and nothing else: its phrases leave at most a few words.
fn is_banner_line(page: &Page<'_>, line: usize) -> bool {
    const REST: usize = 2;
    let words = page.words(line);
    let covered = words.clone().filter(|word| is_covered(page, *word, words.clone())).count();
    covered > 0 && words.len() - covered <= REST
}

/// Whether each sentence of a paragraph but short ones has a banner's phrase.
fn covers_paragraph(page: &Page<'_>, words: std::ops::Range<usize>) -> bool {
    const SHORT: usize = 6;
    let sentences = page.document.sentences(false);
    let mut of_paragraph =
        sentences.iter().filter(|sentence| sentence.words.start >= words.start && sentence.words.end <= words.end);
    let mut any = false;
    let all = of_paragraph.all(|sentence| {
        let has = page.document.hits.has(Topic::Banner, sentence.words.clone());
        any |= has;
        has || sentence.words.len() <= SHORT
    });
    all && any
}

fn is_covered(page: &Page<'_>, word: usize, words: std::ops::Range<usize>) -> bool {
    page.document.hits.within(Topic::Banner, words).any(|hit| hit.first <= word && word < hit.end)
}
