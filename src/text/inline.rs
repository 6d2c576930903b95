//! Cuts lines in which quoted text begins behind other words: "Yes please. On Monday Sam wrote:".

use super::attribution;
use super::evidence::Why;
use super::lines::{Line, LineRole, Quote};
use super::page::Page;

/// The lines of a mail with each such line in two, and what the thread says of them; `None` where there is nothing to cut.
pub(super) fn cut(page: &Page<'_>, why: &[Option<Why>]) -> Option<(Vec<Line>, Vec<Option<Why>>)> {
    let mut out: Option<(Vec<Line>, Vec<Option<Why>>)> = None;
    for (at, line) in page.lines.iter().enumerate() {
        let reason = why.get(at).copied().flatten();
        let is_open = line.quote != Quote::Yes && line.mark != LineRole::Attribution && reason.is_none();
        let is_open = is_open && attribution::find_at(page, at).is_none_or(|found| !found.sure || found.lines > 1);
        let place = if is_open { attribution::find_within(page, at) } else { None };
        let place = place.and_then(|place| page.original(place, at)).filter(|place| *place > 0);
        if let Some((before, behind)) = place.and_then(|place| line.text.split_at_checked(place)) {
            let (lines, reasons) = out.get_or_insert_with(|| {
                let all = (0..at).map(|at| why.get(at).copied().flatten()).collect();
                (page.lines.get(..at).unwrap_or_default().to_vec(), all)
            });
            lines.push(Line { text: before.trim_end().to_owned(), ..line.clone() });
            lines.push(Line { text: behind.to_owned(), ..line.clone() });
            reasons.extend([None, None]);
        } else if let Some((lines, reasons)) = &mut out {
            lines.push(line.clone());
            reasons.push(reason);
        }
    }
    out
}
