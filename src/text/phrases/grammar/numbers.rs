//! Words with a number: `SOC 2` and `SOC2`, `3 pm` and `3pm` are the same to whoever writes them.

use super::{Node, Pattern, sequence_of};

/// So many words and numbers in turn are written together in every way; more are not written together at all.
const MAX_TURNS: usize = 4;
/// Fewer letters beside a number are not taken apart: `A 1` is more often something else than `A1`.
const MIN_LETTERS: usize = 2;
/// A longer word stands apart from the number before it: `3 pm`, `30 days`, but `2 reports`.
const MAX_UNIT: usize = 5;
/// What makes a number a rank, and a word of its own elsewhere: `1 St. James Street`.
const ENDINGS: [&str; 4] = ["st", "nd", "rd", "th"];

/// The same nodes one after the other, each word with the numbers beside it together and apart.
pub(super) fn together_and_apart(nodes: Vec<Node>) -> Vec<Node> {
    let mut flat = Vec::with_capacity(nodes.len());
    for node in nodes {
        match node {
            Node::Sequence(words) if words.iter().all(|word| matches!(word, Node::Word(_))) => flat.extend(words),
            other => flat.push(other),
        }
    }
    let mut all = Vec::with_capacity(flat.len());
    for turns in flat.chunk_by(are_joined) {
        match turns {
            [one] => all.push(apart(one)),
            turns if turns.len() <= MAX_TURNS => all.push(Node::Choice(together(turns))),
            turns => all.extend(turns.iter().cloned()),
        }
    }
    all
}

/// Whether people write two words as one: a number behind a word, or a unit behind a number.
fn are_joined(left: &Node, right: &Node) -> bool {
    let (Node::Word(Pattern::Exactly(left)), Node::Word(Pattern::Exactly(right))) = (left, right) else { return false };
    let is_number = |word: &str| word.chars().all(is_digit);
    let is_letters = |word: &str| word.chars().all(char::is_alphabetic);
    match (is_number(left), is_number(right)) {
        (false, true) => is_letters(left),
        (true, false) => is_letters(right) && right.chars().count() <= MAX_UNIT,
        _ => false,
    }
}

/// Whether a character is one of a number's, `12.5`.
fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || c == '.'
}

/// Each way to write some words: apart first, then those with the next ones at once.
fn together(words: &[Node]) -> Vec<Node> {
    let ways = 1_usize << (words.len() - 1);
    let way = |joins: usize| {
        let mut nodes: Vec<String> = Vec::new();
        for (place, word) in words.iter().enumerate() {
            let Node::Word(Pattern::Exactly(word)) = word else { continue };
            match nodes.last_mut().filter(|_| place > 0 && joins & (1 << (place - 1)) != 0) {
                Some(before) => before.push_str(word),
                None => nodes.push(word.clone()),
            }
        }
        sequence_of(nodes.into_iter().map(|word| Node::Word(Pattern::Exactly(word))).collect())
    };
    (0..ways).map(way).collect()
}

/// A word that is letters and a number, also apart.
fn apart(node: &Node) -> Node {
    let parts = match node {
        Node::Word(Pattern::Exactly(word)) => parts(word),
        _ => None,
    };
    let Some((first, second)) = parts else { return node.clone() };
    let words = [first, second].map(|part| Node::Word(Pattern::Exactly(part.to_owned())));
    Node::Choice(vec![node.clone(), Node::Sequence(words.into())])
}

/// The letters and the number of a word, in their order.
fn parts(word: &str) -> Option<(&str, &str)> {
    let begins_with_digit = word.starts_with(is_digit);
    let second = word.find(|c| is_digit(c) != begins_with_digit)?;
    let (first, second) = word.split_at_checked(second)?;
    let (letters, number) = if begins_with_digit { (second, first) } else { (first, second) };
    let fits = letters.chars().all(char::is_alphabetic)
        && number.chars().all(is_digit)
        && letters.chars().count() >= MIN_LETTERS
        && !(begins_with_digit && ENDINGS.contains(&letters));
    fits.then_some((first, second))
}
