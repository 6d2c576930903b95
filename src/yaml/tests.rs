//! The tree, its places, and the sentence for every kind of broken file.

use super::*;
use crate::diagnostics::Diagnostics;

fn read(text: &str) -> (Option<Node>, Diagnostics) {
    let mut out = Diagnostics::new();
    let node = parse(&Source::new("f.yaml", text), &mut out);
    (node, out)
}

fn tree(text: &str) -> Node {
    let (node, out) = read(text);
    assert!(out.is_empty(), "{out}");
    node.unwrap()
}

#[test]
fn nothing_is_converted_silently() {
    let cases = [
        ("true", Kind::Bool(true)),
        ("false", Kind::Bool(false)),
        ("", Kind::Null),
        ("~", Kind::Null),
        ("null", Kind::Null),
        ("12", Kind::Int(12)),
        ("-3", Kind::Int(-3)),
        ("0", Kind::Int(0)),
        ("1.10", Kind::Float(1.1)),
        ("1e3", Kind::Float(1000.0)),
    ];
    for (text, kind) in cases {
        let node = tree(&format!("a: {text}"));
        let scalar = node.get("a").unwrap().scalar().unwrap();
        assert_eq!((scalar.kind, scalar.text.as_str()), (kind, text));
    }
    let texts = [
        "no",
        "yes",
        "on",
        "off",
        "True",
        "FALSE",
        "Null",
        "0123",
        "0x1f",
        "1_000",
        ".inf",
        ".nan",
        "12:30",
        "2026-01-02",
        "+5",
        "1.",
        ".5",
        "1e",
        "-",
        "99999999999999999999",
        "1e999",
        "'true'",
        "\"12\"",
        "'null'",
        "''",
    ];
    for text in texts {
        let node = tree(&format!("a: {text}\n").replace("a: -\n", "a: \"-\"\n"));
        assert_eq!(node.get("a").unwrap().scalar().unwrap().kind, Kind::Text, "{text}");
    }
}

#[test]
fn every_value_knows_its_place() {
    let node = tree("a:\n  - b: \"x y\"\n    c: [1, zwei]\n  - |\n    line\nd: ü\n");
    let at = |node: &Node| {
        let span = node.span;
        (span.line, span.column, span.end_line, span.end_column)
    };
    let items = match &node.get("a").unwrap().value {
        Value::List(items) => items,
        other => panic!("{other:?}"),
    };
    assert_eq!(at(items[0].get("b").unwrap()), (2, 8, 2, 13));
    assert_eq!(at(items[0].get("c").unwrap()), (3, 8, 3, 17));
    assert_eq!(at(&items[0]), (2, 5, 3, 17));
    assert_eq!(at(&items[1]), (5, 5, 5, 9));
    assert_eq!(at(node.get("d").unwrap()), (6, 4, 6, 5));
}

/// The value holds one `@`; the file holds one too, and that is where it must be found.
#[test]
fn places_inside_scalars_are_mapped_back() {
    let cases = [
        "a: b@c",
        "a: one\n  two @ three",
        "a: 'it''s\n\n  @ there'",
        "a: \"tab\\t \\u00fc\\x41 @\"",
        "a: \"\\ud83d\\ude00 \\U0001F600@\"",
        "a: \"joined \\\n    line @\"",
        "a: |\n  one\n    two @\n",
        "a: |2-  # note\n    one\n\n    @\n\n",
        "- k:\n    - |+\n      x\n\n      y@\n\n",
        "a: |\r\n  one\r\n  two @\r\n",
        "a: >\n  one\n  two\n\n  three\n    more @\n  x\n",
        "a: >-\n\n  ü ü\n  @ü\n",
        "{a: [x, y@z]}",
    ];
    for text in cases {
        let node = tree(text);
        let mut stack = vec![&node];
        let mut found = false;
        while let Some(node) = stack.pop() {
            match &node.value {
                Value::List(items) => stack.extend(items),
                Value::Mapping(entries) => stack.extend(entries.iter().map(|(_, value)| value)),
                Value::Scalar(scalar) => {
                    let Some(offset) = scalar.text.find('@') else { continue };
                    let span = node.locate_range(offset..offset + 1);
                    assert_eq!(&text[span.start..span.end], "@", "{text:?} {span:?}");
                    assert_eq!((span.line, span.column), node.source().position(text.find('@').unwrap()));
                    let end = node.locate_range(scalar.text.len()..scalar.text.len() + 9);
                    assert!(end.start <= text.len() && end.start >= span.start, "{text:?}");
                    found = true;
                }
            }
        }
        assert!(found, "{text:?}");
    }
}

#[test]
fn broken_files_are_explained() {
    let deep = format!("a: {}", "[".repeat(70));
    let deep_blocks: String = (0..70).map(|n| format!("{}k:\n", " ".repeat(n))).collect();
    let cases: &[(&str, &str, (usize, usize), &str)] = &[
        ("a: 1\nb: 2\na: 3\n", "Y007", (3, 1), "line 1, column 1"),
        ("a: 1\n---\nb: 2\n", "Y006", (2, 1), "second document"),
        ("a: *Q1\n", "Y005", (1, 4), "aliases"),
        ("a: * x\n", "Y005", (1, 4), "cannot begin with"),
        ("a: &x 1\nb: 2\n", "Y005", (1, 7), "anchors"),
        ("a: !!binary x\n", "Y005", (1, 13), "tags"),
        ("a: !x!y z\n", "Y005", (1, 4), "tags"),
        ("<<: {a: 1}\n", "Y005", (1, 1), "merge"),
        ("%YAML 1.2\n---\na: 1\n", "Y005", (1, 1), "directives"),
        ("a: {{ lead.name }}\n", "Y010", (1, 5), "a key must be a word"),
        ("? [a]\n: 1\n", "Y010", (1, 3), "a key must be a word"),
        ("a:\n\tb: 1\n", "Y002", (2, 1), "tab"),
        ("a: 1\n\tb: 2\n", "Y002", (2, 1), "tab"),
        ("a: 1\n\n  \n\tb: 2\n", "Y002", (4, 1), "tab"),
        ("a:\n  - x\n\t- y\n", "Y002", (3, 1), "tab"),
        ("a: |\n\tx\n", "Y002", (2, 1), "tab"),
        ("a: 'x'\n\tb: 2\n", "Y002", (2, 1), "tab"),
        ("a: 'x' # \t y\nb: 2\tz\n\tc: 3\n", "Y002", (3, 1), "tab"),
        ("rules:\n  - name: x\n  \twhen: y\n", "Y002", (3, 3), "tab"),
        ("a: 1\r\nb: 2\r\n\tc: 3\r\n", "Y002", (3, 1), "tab"),
        ("\u{feff}a: 1\n\tb: 2\n", "Y002", (2, 1), "tab"),
        ("a: 1\r\nb: 2\r\na: 3\r\n", "Y007", (3, 1), "line 1, column 1"),
        ("\u{feff}a: 'x\nb: 1\n", "Y001", (1, 4), "never closed"),
        ("a: 1\r\nb: 'x\r\nc: 1\r\n", "Y001", (2, 4), "never closed"),
        ("---\na: 1\n---\nb: 2\n", "Y006", (3, 1), "second document"),
        ("---\n---\na: 1\n", "Y006", (2, 1), "second document"),
        ("a:\n  b: 1\n   c: 2\n", "Y001", (3, 5), "none can be"),
        ("a:\n  b: 1\n c: 2\n", "Y001", (3, 2), "indentation"),
        ("a: [1,\n  2\nb: 3\n", "Y001", (1, 4), "not closed before line 3"),
        ("a: \"x\nb: 1\n", "Y001", (1, 4), "never closed"),
        ("a: 'x\nb: 1\n", "Y001", (1, 4), "never closed"),
        ("a: [1, 2\nb: 3\n", "Y001", (1, 4), "not closed before line 2"),
        ("a: {x: 1\nb: 3\n", "Y001", (1, 4), "not closed before line 2"),
        ("a: [1, 2}\n", "Y001", (1, 4), "is closed by"),
        ("a: x: y\n", "Y001", (1, 5), "none can be"),
        ("a: 1\n  b: 2\n", "Y001", (2, 4), "none can be"),
        ("a:\n  - x\n b: 1\n", "Y001", (3, 2), "indentation"),
        ("- a\nb: 1\n", "Y001", (2, 1), "indentation"),
        ("a: @x\n", "Y001", (1, 4), "cannot begin with `@`"),
        ("a: `x\n", "Y001", (1, 4), "cannot begin with"),
        ("a: \"\\bword\\d\"\n", "Y001", (1, 11), "means nothing to YAML"),
        ("a: \"\\bword\\b\"\n", "Y011", (1, 5), "backspace"),
        ("a: 'it's'\n", "Y001", (1, 8), "after the closing quote"),
        (&deep, "Y004", (1, 68), "64 levels"),
        (&deep_blocks, "Y004", (65, 65), "64 levels"),
    ];
    let mut wrong = Vec::new();
    for (text, code, place, words) in cases {
        let (_, out) = read(text);
        let seen = out.sorted().first().map(|d| (d.code, (d.line, d.column), d.message.clone()));
        let good = seen.as_ref().is_some_and(|(c, p, m)| c == code && p == place && m.contains(words));
        if !good {
            wrong.push(format!(
                "{:?}\n  wanted {code} {place:?} {words}\n  seen {seen:?}",
                text.get(..40).unwrap_or(text)
            ));
        }
        assert!(out.iter().all(|d| d.hint.is_some() || d.code == "Y004"), "{text}: {out}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_bounded() {
    let (node, out) = read(&"a".repeat(MAX_BYTES + 1));
    assert!(node.is_none());
    assert_eq!(out.sorted()[0].code, "Y003");

    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, bytes: Option<&[u8]>, code: &str| {
        let path = folder.path().join(name);
        if let Some(bytes) = bytes {
            std::fs::write(&path, bytes).unwrap();
        }
        let mut out = Diagnostics::new();
        assert!(load(&path, name, &mut out).is_none());
        assert_eq!(out.sorted()[0].code, code, "{out}");
    };
    check("absent.yaml", None, "Y009");
    check("latin.yaml", Some(b"a: b\nc: \xfc\n"), "Y008");
    check("large.yaml", Some(&vec![b'a'; MAX_BYTES + 5]), "Y003");
}

#[test]
fn an_empty_file_is_a_null() {
    for text in ["", "# only a note\n", "---\n", "\u{feff}"] {
        assert!(tree(text).is_null(), "{text:?}");
    }
    assert_eq!(tree("\u{feff}a: b").get("a").unwrap().span.column, 4);
}

#[test]
fn readers_report_and_go_on() {
    let node = tree("bdy: x\nlist: [1, 2]\nflag: yes\ntime: 30\nrate: 5 a day\nmode: lvie\ncount: 900\nname: true\n");
    let mut out = Diagnostics::new();
    static SHAPE: LazySchema = LazySchema::new(|| {
        let keys = ["body", "list", "flag", "time", "rate", "mode", "count", "name"];
        Schema::new("all", "One of each.", keys.map(|name| Key::new(name, ValueType::Text, "")))
    });
    let fields = node.fields(&SHAPE, &mut out).unwrap();
    assert_eq!(fields.non_null("list").unwrap().list_or_one().len(), 2);
    assert_eq!(fields.non_null("flag").unwrap().list_or_one().len(), 1);
    assert_eq!(fields.non_null("flag").unwrap().bool(&mut out), None);
    assert_eq!(fields.non_null("time").unwrap().duration(&mut out), None);
    assert_eq!(fields.non_null("rate").unwrap().rate(&mut out), None);
    assert_eq!(fields.non_null("mode").unwrap().one_of(&[("live", 1), ("off", 2)], &mut out), None);
    assert_eq!(fields.non_null("count").unwrap().integer(1..=100, &mut out), None);
    assert_eq!(fields.non_null("name").unwrap().string(&mut out), None);
    assert!(fields.required("body", &mut out).is_none());
    let seen: Vec<_> = out.sorted().iter().map(|d| (d.line, d.code, d.hint.clone().unwrap_or_default())).collect();
    let expected = [
        (1, "Y020", "did you mean `body`?"),
        (3, "Y022", "write `true`, without quotes"),
        (4, "Y023", "a unit is missing: `30s` is seconds, `30m` minutes"),
        (5, "Y024", "write it like `30 per 1d`"),
        (6, "Y025", "did you mean `live`?"),
        (7, "Y026", ""),
        (8, "Y022", "write \"true\" in quotes if the word is meant"),
    ];
    assert_eq!(seen, expected.map(|(line, code, hint)| (line, code, hint.to_owned())));
}

proptest::proptest! {
    /// No text, however broken, makes the reader panic or give a place outside the file.
    #[test]
    fn anything_can_be_read(text in "[-a: \\n\\[\\]{}\"'|>#&*!@\\\\tü,?]{0,60}") {
        let (node, out) = read(&text);
        for diagnostic in out.iter() {
            proptest::prop_assert!(diagnostic.line <= text.matches('\n').count() + 1);
            diagnostic.render(false);
        }
        let mut stack: Vec<Node> = node.into_iter().collect();
        while let Some(node) = stack.pop() {
            proptest::prop_assert!(node.span.start <= node.span.end && node.span.end <= text.len());
            match node.value {
                Value::List(items) => stack.extend(items),
                Value::Mapping(entries) => stack.extend(entries.into_iter().flat_map(|(key, value)| [key, value])),
                Value::Scalar(ref scalar) => for offset in 0..scalar.text.len() + 2 { node.locate(offset); },
            }
        }
    }
}
