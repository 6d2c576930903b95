//! Telling what is new from what is history.

use super::attribution;
use super::footer;
use super::headers::{Headers, is_forward_marker};
use super::lines::{Line, LineRole, Quote, join, truncate};
use super::signature;

/// In text without line breaks, history is looked for this far: rules match no more.
const FAR: usize = 64 * 1024;

/// What is new in a mail; see [`super::new_text`].
pub(super) fn strip_quoted(lines: &[Line]) -> String {
    if let [line] = lines {
        return flat(line);
    }
    let kept = keep(lines, true);
    let text = finish(kept);
    if text.is_empty() {
        // Some people write inside the part that their client marks as the signature.
        return finish(keep(lines, false));
    }
    text
}

// One line is a short answer or a preview, in which history follows on the same line.
fn flat(line: &Line) -> String {
    if line.quote == Quote::Yes || line.mark == LineRole::Attribution {
        return String::new();
    }
    let end = attribution::find_inline(truncate(&line.text, FAR)).unwrap_or(line.text.len());
    let new = line.text.get(..end).unwrap_or(&line.text).trim();
    if signature::is_device_line(new) { String::new() } else { new.to_owned() }
}

fn keep(lines: &[Line], drop_marked_signature: bool) -> Vec<&str> {
    let headers = Headers::of(lines);
    let mut kept = Vec::new();
    let mut at = 0;
    // Below a signature everything is its part, until a quote: a reply may stand below that again.
    let mut in_signature = false;
    // Whether an uncertain quote directly after this line is one.
    let mut introduced = false;
    let mut announced = false;
    while let Some(line) = lines.get(at) {
        let quoted = match line.quote {
            Quote::Yes => true,
            Quote::Maybe => introduced,
            Quote::No => false,
        };
        if line.mark == LineRole::History && !quoted {
            // Even there some reply between the quotes, as in `> question` / `answer`.
            let block =
                next_words(lines, at).and_then(|next| headers.block(lines, next, true).map(|count| next + count));
            match block {
                Some(end) if attribution::quote_follows(lines, end) => at = end,
                _ => break,
            }
            continue;
        }
        if quoted {
            in_signature = false;
            at += 1;
            continue;
        }
        if line.is_blank() {
            if !in_signature {
                kept.push("");
            }
            at += 1;
            continue;
        }
        if is_forward_marker(&line.text) {
            announced = true;
            let next = next_words(lines, at + 1);
            let goes_on = next.is_some_and(|next| {
                lines.get(next).is_some_and(|line| line.quote != Quote::No)
                    || headers.block(lines, next, true).is_some()
                    || attribution::find_at(lines, next).is_some()
            });
            if !goes_on {
                break;
            }
            introduced = true;
            at += 1;
            continue;
        }
        if let Some(count) = headers.block(lines, at, announced) {
            if !attribution::quote_follows(lines, at + count) {
                break;
            }
            (introduced, in_signature) = (true, false);
            at += count;
            continue;
        }
        if line.mark == LineRole::Attribution {
            introduced = true;
            at += 1;
            continue;
        }
        if let Some(found) = attribution::find_at(lines, at) {
            if !attribution::quote_follows(lines, at + found.lines) {
                if found.sure {
                    break;
                }
            } else {
                (introduced, in_signature) = (true, false);
                at += found.lines;
                continue;
            }
        }
        introduced = false;
        announced = false;
        in_signature |= signature::starts_at(lines, at);
        let marked = drop_marked_signature && line.mark == LineRole::Signature;
        if !in_signature && !marked && !signature::is_device_line(&line.text) {
            kept.push(line.text.as_str());
        }
        at += 1;
    }
    kept
}

fn next_words(lines: &[Line], from: usize) -> Option<usize> {
    (from..lines.len()).find(|at| lines.get(*at).is_some_and(|line| !line.is_blank()))
}

// Takes off what stood between the new words and the history: rulers, a name set off by a dash, contact details and notices.
fn finish(mut kept: Vec<&str>) -> String {
    loop {
        match kept.last() {
            Some(last) if last.trim().is_empty() || signature::is_divider(last) => {
                kept.pop();
            }
            _ => break,
        }
    }
    if let [before @ .., gap, last] = kept.as_slice()
        && gap.trim().is_empty()
        && signature::is_dashed_name(last)
        && !before.iter().any(|line| signature::dash(line) == signature::dash(last))
    {
        let length = before.len();
        kept.truncate(length);
    }
    kept.truncate(footer::body_end(&kept));
    join(kept)
}
