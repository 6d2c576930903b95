use super::*;
use crate::text::phrases::language_file::parse;

fn shown(node: &Node) -> String {
    let all = |nodes: &[Node], between: &str| nodes.iter().map(shown).collect::<Vec<_>>().join(between);
    match node {
        Node::Word(Pattern::Exactly(word)) => word.clone(),
        Node::Word(Pattern::BeginsWith(word)) => format!("{word}*"),
        Node::Word(Pattern::EndsWith(word)) => format!("*{word}"),
        Node::Word(Pattern::Number) => "#".to_owned(),
        Node::Word(Pattern::Address) => "@".to_owned(),
        Node::Any => "_".to_owned(),
        Node::Comma => ",".to_owned(),
        Node::End => ".".to_owned(),
        Node::Sequence(nodes) => format!("[{}]", all(nodes, " ")),
        Node::Choice(nodes) => format!("({})", all(nodes, "|")),
        Node::Optional(node) => format!("{}?", shown(node)),
    }
}

#[test]
fn phrases_are_read() {
    let lists = Lists::from([("write".to_owned(), vec!["mail*".to_owned(), "get in touch".to_owned()])]);
    for (text, wanted) in [
        ("remove me|us", "[remove (me|us)]"),
        ("Don’t e-mail*", "[[don t] email*]"),
        ("(my name|us) please?", "[(my name|us) please?]".replace("my name", "[my name]").as_str()),
        ("take …2 off", "[take [_ _?]? off]"),
        ("# days", "[# days]"),
        ("not <write>", "[not (mail*|[get in touch])]"),
        ("(no, thanks)?  stop", "[[no , thanks]? stop]"),
        ("*liste", "*liste"),
        ("自动回复", "[自 动 回 复]"),
    ] {
        assert_eq!(parse(text, &lists).map(|phrase| shown(&phrase.node)), Ok(wanted.to_owned()), "{text}");
    }
    let anchored = parse("^ stop .", &lists).unwrap();
    assert!(anchored.begins);
    assert_eq!(shown(&anchored.node), "[stop .]");
    for (text, wrong) in [
        ("", "is empty"),
        ("… a", "between"),
        ("(…)?", "everywhere"),
        ("a?", "everywhere"),
        ("(a", "without its `)`"),
        ("a)", "without its `(`"),
        ("a <b>", "no list `b`"),
        ("a …0 b", "1 to 9"),
        ("* a", "no word"),
    ] {
        let error = parse(text, &lists).unwrap_err();
        assert!(error.contains(wrong), "{text}: {error}");
    }
}
