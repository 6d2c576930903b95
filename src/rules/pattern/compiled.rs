//! A regular expression that is compiled when it is first searched for: of thousands few ever are, because the texts that they
//! require are looked for first. All that is asked of it before is known from its syntax tree.

use regex::{Regex, RegexBuilder};
use regex_syntax::{
    ParserBuilder,
    hir::{Class, Hir, HirKind},
};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, Weak},
};

/// How much memory a compiled regular expression may take; refuses `a{1000}{1000}`.
const SIZE_LIMIT: usize = 256 * 1024;

/// What a step of a compiled expression takes at most, in bytes.
const STEP_BYTES: usize = 64;
/// So many steps a range of characters has at most: seven sequences of up to four bytes.
const STEPS_OF_RANGE: usize = 28;

/// An expression for normal forms of texts.
pub(super) struct Compiled {
    text: String,
    regex: OnceLock<Option<Regex>>,
    /// The names of its groups.
    names: Box<[Box<str>]>,
    is_found_in_nothing: bool,
    is_found_everywhere: bool,
}

/// The expressions that are in use, by their texts: an edit of a rule set has most of them in common with the active one.
static IN_USE: LazyLock<Mutex<InUse>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct InUse {
    by_text: HashMap<Box<str>, Weak<Compiled>>,
    /// With so many it is looked which of them are in use no more.
    full: usize,
}

impl InUse {
    fn find(&self, text: &str) -> Option<Arc<Compiled>> {
        self.by_text.get(text).and_then(Weak::upgrade)
    }

    fn add(&mut self, compiled: &Arc<Compiled>) {
        const FEW: usize = 1_000;
        if self.by_text.len() >= self.full.max(FEW) {
            self.by_text.retain(|_, compiled| compiled.strong_count() > 0);
            self.by_text.shrink_to(FEW);
            self.full = self.by_text.len() * 2;
        }
        self.by_text.insert(compiled.text.as_str().into(), Arc::downgrade(compiled));
    }
}

impl Compiled {
    /// The same one for the same text, as long as it is in use.
    ///
    /// # Errors
    /// As [`Compiled::new`].
    pub(super) fn shared(text: String) -> Result<Arc<Self>, regex::Error> {
        let in_use = || IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = in_use().find(&text) {
            return Ok(known);
        }
        let new = Arc::new(Self::new(text)?);
        in_use().add(&new);
        Ok(new)
    }

    /// Reads it. What may be too big is compiled to find that out, and again when it is searched for: few are, and what they take is
    /// much.
    ///
    /// # Errors
    /// It is no regular expression, or compiles to more than 256 KiB.
    fn new(text: String) -> Result<Self, regex::Error> {
        let Ok(parsed) = ParserBuilder::new().case_insensitive(true).build().parse(&text) else {
            return Err(compile(&text).err().unwrap_or(regex::Error::Syntax(text)));
        };
        let tried = if most_bytes(&parsed) > SIZE_LIMIT { Some(compile(&text)?) } else { None };
        let properties = parsed.properties();
        let may_be_empty = properties.minimum_len() == Some(0);
        let is_found_everywhere = may_be_empty && properties.look_set().is_empty();
        let mut names = Vec::new();
        gather_names(&parsed, &mut names);
        let mut made = Self {
            text,
            regex: OnceLock::new(),
            names: names.into(),
            is_found_in_nothing: is_found_everywhere,
            is_found_everywhere,
        };
        if may_be_empty && !is_found_everywhere {
            // What it looks at around itself decides.
            let in_nothing = |regex: &Regex| regex.is_match("");
            made.is_found_in_nothing = tried.as_ref().or_else(|| made.regex()).is_some_and(in_nothing);
        }
        Ok(made)
    }

    /// What it is compiled from.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What searches for it. There is always one: what could not be compiled was refused.
    pub(super) fn regex(&self) -> Option<&Regex> {
        let compiled = self.regex.get_or_init(|| {
            let failed = |error: &regex::Error| tracing::error!("`{}` cannot be searched for: {error}", self.text);
            compile(&self.text).inspect_err(failed).ok()
        });
        compiled.as_ref()
    }

    /// The names of its groups, in their order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(AsRef::as_ref)
    }

    /// Whether it is found in an empty text.
    pub(super) fn is_found_in_nothing(&self) -> bool {
        self.is_found_in_nothing
    }

    /// Whether it surely is found in every text: it may be empty and looks at nothing around it.
    pub(super) fn is_found_everywhere(&self) -> bool {
        self.is_found_everywhere
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Compiled").field(&self.text).finish()
    }
}

fn compile(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).case_insensitive(true).size_limit(SIZE_LIMIT).build()
}

fn gather_names(hir: &Hir, names: &mut Vec<Box<str>>) {
    match hir.kind() {
        HirKind::Capture(group) => {
            names.extend(group.name.clone());
            gather_names(&group.sub, names);
        }
        HirKind::Repetition(repetition) => gather_names(&repetition.sub, names),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().for_each(|part| gather_names(part, names)),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {}
    }
}

/// What it takes at most when it is compiled: it may take much less.
fn most_bytes(hir: &Hir) -> usize {
    // A beginning and an end, and what searches for it anywhere.
    most_steps(hir).saturating_add(8).saturating_mul(STEP_BYTES)
}

fn most_steps(hir: &Hir) -> usize {
    let sum = |parts: &[Hir]| parts.iter().map(most_steps).fold(2, usize::saturating_add);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(Class::Unicode(class)) => {
            let ranges = class.iter().map(|range| if range.end().is_ascii() { 2 } else { STEPS_OF_RANGE });
            ranges.fold(2, usize::saturating_add)
        }
        HirKind::Class(Class::Bytes(class)) => class.iter().count().saturating_add(2),
        HirKind::Capture(group) => {
            // The name is kept three times.
            let name = group.name.as_ref().map_or(0, |name| name.len().div_ceil(STEP_BYTES) * 3);
            most_steps(&group.sub).saturating_add(4 + name)
        }
        HirKind::Concat(parts) => sum(parts),
        // Each branch is kept in a list, too.
        HirKind::Alternation(parts) => sum(parts).saturating_add(parts.len()),
        HirKind::Repetition(repetition) => {
            let often = repetition.max.unwrap_or(repetition.min.saturating_add(1)).max(1) as usize;
            most_steps(&repetition.sub).saturating_add(3).saturating_mul(often).saturating_add(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: [&str; 24] = [
        "call",
        "(?P<day>monday|tuesday)",
        r"\w",
        r"\d",
        r"\pL",
        ".",
        "[^x]",
        r"\b",
        "^",
        "$",
        r"\B",
        "é",
        "[α-ω]",
        "(a|bc|)",
        "(?:x|yz){2}",
        "(?:no){0,3}",
        " +",
        r"[\x20\n]+",
        "(?-u:\\b)",
        "[a-zé]",
        "(?s:.)",
        r"\W",
        "見",
        "(?:)",
    ];
    const REPEATED: [&str; 9] = ["", "", "", "*", "+", "?", "{3}", "{2,20}", "{150}"];

    fn parsed(text: &str) -> Hir {
        ParserBuilder::new().case_insensitive(true).build().parse(text).unwrap()
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

        /// What is not compiled at once can be compiled later, and its tree tells what its regular expression does.
        #[test]
        fn what_is_taken_can_be_searched_for(
            parts in proptest::collection::vec((0..PARTS.len(), 0..REPEATED.len()), 1..12),
            outer in 0..REPEATED.len(),
        ) {
            let inner: String = parts.iter().map(|(part, often)| format!("(?:{}){}", PARTS[*part], REPEATED[*often])).collect();
            let inner = inner.replacen("?P<day>", "?P<first>", 1).replace("?P<day>", "?:");
            let text = format!("(?:{inner}){}", REPEATED[outer]);
            let (known, compiled) = (Compiled::new(text.clone()), compile(&text));
            proptest::prop_assert_eq!(known.is_ok(), compiled.is_ok(), "{}", text);
            if let (Ok(known), Ok(compiled)) = (known, compiled) {
                let names: Vec<&str> = compiled.capture_names().flatten().collect();
                proptest::prop_assert_eq!(known.names().collect::<Vec<_>>(), names, "{}", text);
                proptest::prop_assert_eq!(known.is_found_in_nothing(), compiled.is_match(""), "{}", text);
                proptest::prop_assert!(known.regex().is_some());
            }
        }
    }

    #[test]
    fn what_is_in_use_is_shared() {
        let [first, second] = [(); 2].map(|()| Compiled::shared("shared by two".to_owned()).unwrap());
        assert!(Arc::ptr_eq(&first, &second));
        let mut in_use = InUse::default();
        in_use.add(&first);
        for number in 0..10_000 {
            let gone = Arc::new(Compiled::new(format!("used once {number}")).unwrap());
            in_use.add(&gone);
        }
        assert!(in_use.by_text.len() <= 1_001, "{}", in_use.by_text.len());
        assert!(in_use.find("shared by two").is_some() && in_use.find("used once 9999").is_none());
    }

    #[test]
    fn usual_expressions_are_compiled_when_they_are_searched_for() {
        for text in
            [r"\b(call|demo)\b", r"^.*(price|cost)s? (list|sheet)\b.{0,30}$", "[^ ]+ number [0-9]{1,3}", "é|ß|straße"]
        {
            assert!(most_bytes(&parsed(text)) <= SIZE_LIMIT, "{text}: {}", most_bytes(&parsed(text)));
            let known = Compiled::new(text.to_owned()).unwrap();
            assert!(known.regex.get().is_none(), "{text}");
        }
        assert!(Compiled::new("a{1000}{1000}".to_owned()).is_err());
    }
}
