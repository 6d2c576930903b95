//! Lists: how files are read, what is refused and where, and what is found in them.

mod changed;

use reply_router::{
    diagnostics::Diagnostics,
    lists::{List, ListKind, ListSource, Match},
    settings::Settings,
};
use std::{fs, path::Path, sync::Arc};

fn read(name: &str, text: impl AsRef<[u8]>, key: Option<&str>) -> Result<Arc<List>, Diagnostics> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    let source = ListSource { kind: ListKind::File { path, key: key.map(str::to_owned) }, at: None };
    source.read()
}

fn list(name: &str, text: &str, key: Option<&str>) -> Arc<List> {
    read(name, text, key).unwrap_or_else(|found| panic!("{name}: {found}"))
}

/// Each mistake as `code line: message`.
fn refused(name: &str, text: impl AsRef<[u8]>, key: Option<&str>) -> Vec<String> {
    let found = read(name, text, key).unwrap_err();
    let told = found.sorted().into_iter();
    told.map(|found| format!("{} {}: {}", found.code, found.line, found.message)).collect()
}

/// A list as rows of `column=value`.
fn shown(list: &List) -> Vec<String> {
    let row = |row: reply_router::lists::Row<'_>| {
        let cells: Vec<String> = row.cells().map(|(name, cell)| format!("{name}={cell}")).collect();
        format!("{} {}", row.line(), cells.join(" "))
    };
    list.rows().map(row).collect()
}

#[test]
fn csv_as_spreadsheets_write_it() {
    let rows = ["2 domain=acme.example owner=Ann channel=#ann", "3 domain=globex.example owner=Bo, jr."];
    for text in [
        "domain,owner,channel\nacme.example,Ann,#ann\nglobex.example,\"Bo, jr.\",\n",
        "\u{feff}domain;owner;channel\r\nacme.example;Ann;#ann\r\nglobex.example;Bo, jr.;\r\n",
        "domain\towner\tchannel\nacme.example\tAnn\t#ann\nglobex.example\tBo, jr.\t",
        "domain,owner,channel,,\nacme.example,Ann,#ann,,\nglobex.example,\"Bo, jr.\",,,\n,,,,\n\n",
        " domain , owner,channel\n acme.example , Ann,#ann\n\"globex.example\",\"Bo, jr.\",\"  \"\n",
    ] {
        let list = list("a.csv", text, Some("domain"));
        assert_eq!(shown(&list), rows, "{text:?}");
        assert_eq!((list.columns().len(), list.key_column()), (3, "domain"));
    }
    let with_separator =
        list("a.csv", "sep=;\r\ndomain;owner\r\n\r\na.example;\"x\r\ny \"\"z\"\"\"\r\nb.example;\r\n", None);
    assert_eq!(shown(&with_separator), ["4 domain=a.example owner=x\r\ny \"z\"", "6 domain=b.example"]);
    assert!(list("a.csv", "domain,owner\n", None).is_empty(), "a header alone is an empty list");
}

#[test]
fn yaml_json_and_plain_text() {
    let rows = ["domain=acme.example seats=20 vip=true", "domain=b.example seats=1.5 note=x"];
    let told =
        |list: &List| shown(list).iter().map(|row| row.split_once(' ').unwrap().1.to_owned()).collect::<Vec<_>>();
    for (name, text) in [
        ("a.yaml", "- { domain: acme.example, seats: 20, vip: true }\n- domain: b.example\n  seats: 1.5\n  note: x\n"),
        ("a.yml", "acme.example: { seats: 20, vip: true }\nb.example:\n  seats: 1.5\n  note: x\n"),
        (
            "a.json",
            r#"[{"domain": "acme.example", "seats": 20, "vip": true}, {"domain":"b.example","seats":1.5,"vip":null,"note":"x"}]"#,
        ),
        (
            "a.json",
            "{\n\t\"acme.example\": {\"seats\": 20, \"vip\": true},\n\t\"b.example\": {\"seats\": 1.5, \"note\": \"x\"}\n}\n",
        ),
    ] {
        let mut found = told(&list(name, text, Some("domain")));
        found.iter_mut().for_each(|row| {
            let mut cells: Vec<&str> = row.split(' ').collect();
            cells.sort_unstable();
            *row = cells.join(" ");
        });
        let mut rows = rows.map(|row| row.split(' ').collect::<Vec<_>>());
        rows.iter_mut().for_each(|row| row.sort_unstable());
        assert_eq!(found, rows.map(|row| row.join(" ")), "{text}");
    }
    for (name, text) in [
        ("a.yaml", "- a.example\n- b.example\n"),
        ("a.json", "\u{feff}[\"a.example\", \"b.example\"]"),
        ("a.yaml", "a.example:\nb.example:\n"),
        ("a.json", "{\"a.example\": null, \"b.example\": null}"),
        ("a.txt", "# mine\r\na.example\r\n\r\n b.example\r\n"),
        ("a.csv", "key\na.example\nb.example"),
    ] {
        assert_eq!(told(&list(name, text, None)), ["key=a.example", "key=b.example"], "{name} {text:?}");
    }
    for (name, text) in [("a.yaml", ""), ("a.json", "[]"), ("a.json", " {} "), ("a.txt", "# none\n")] {
        assert!(list(name, text, Some("domain")).is_empty(), "{name} {text:?}");
    }
    let emoji = list("a.json", r#"[{"domain": "a.example", "note": "\uD83D\uDE00 \u00e9"}]"#, None);
    assert_eq!(shown(&emoji), ["1 domain=a.example note=😀 é"]);
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let check = |name: &str, text: &str, wanted: &[&str]| {
        assert_eq!(refused(name, text, Some("domain")), wanted, "{name}: {text:?}");
    };
    check("a.csv", "domian,owner\na,b\n", &["C042 1: the list has no column `domain`, which is its key"]);
    check(
        "a.csv",
        "domain,owner\na.example,Ann\nb.example\nc.example,Cy,x\n,Di\n\nA.example.,Ed\n@c.example,Fi\n",
        &[
            "C041 3: this row has one cell, and the list has 2 columns",
            "C041 4: this row has 3 cells, and the list has 2 columns",
            "C042 5: this row has no `domain`, which is the key",
        ],
    );
    check(
        "a.csv",
        "domain,owner\na.example,Ann\n\nA.example.,Ed\n@a.example,Fi\n",
        &[
            "C043 4: the key `a.example` is there already, on line 2",
            "C043 5: the key `a.example` is there already, on line 2",
        ],
    );
    check("a.csv", "domain,,owner\na,b,c\n", &["C041 1: column 2 has no name"]);
    check("a.csv", "domain,owner,owner\na,b,c\n", &["C041 1: two columns are called `owner`"]);
    check("a.csv", "", &["C041 1: the list is empty: it has no header row"]);
    check("a.csv", "domain,owner\na.example,\"Ann\nb.example,Bo\n", &["C041 2: quotes are not closed in this row"]);
    check("a.json", "[{\"domain\": \"a\"},\n {\"domain\": }]", &["C041 2: this is no JSON: expected value"]);
    check(
        "a.json",
        "[{\"domain\": \"a\"}\n {\"domain\": \"b\"}]",
        &["C041 2: this is no JSON: `,` or `]` is expected here"],
    );
    check("a.json", "[]x", &["C041 1: this is no JSON: the end of the file is expected here"]);
    check("a.json", "5", &["C041 1: this is no JSON: a list or a mapping is expected here"]);
    check(
        "a.json",
        "[{\"domain\": \"a\",\n\"x\": [1]}]",
        &["C041 1: a cell is a text, a number, true or false, not a list or a mapping"],
    );
    check("a.json", "[{\"domain\": \"a\", \"domain\": \"b\"}]", &["C041 1: `domain` stands twice in this row"]);
    check(
        "a.json",
        "[{\"owner\": \"Ann\"},\n{\"domain\": \"b\"}]",
        &["C042 1: this row has no `domain`, which is the key"],
    );
    check("a.yaml", "- domain: a\n- domain: A\n", &["C043 2: the key `a` is there already, on line 1"]);
    check("a.yaml", "- domain: a\n  x: [1]\n", &["C041 2: a cell is a text, a number, true or false, not a list"]);
    check("a.yaml", "a.example: Ann\n", &["C041 1: a row is a mapping, not a text"]);
    check("a.yaml", "a.example: { domain: b }\n", &["C041 1: the row says its key twice: before it, and as `domain`"]);
    assert!(refused("a.yaml", "- { domain: a\n", None).join("|").starts_with("Y001"));
}

#[test]
fn files_that_cannot_be_read() {
    let one = |name: &str, text: &[u8]| refused(name, text, None).join("|");
    assert!(one("a.xlsx", b"x").starts_with("C040"));
    assert_eq!(one("a.csv", b"domain\n\xe9.example\n"), "Y008 2: the list is not UTF-8 text here");
    assert_eq!(one("a.csv", b"\xff\xfed\0"), "Y008 1: the list is UTF-16, not UTF-8");
    let wide: Vec<String> = (0..257).map(|column| format!("c{column}")).collect();
    assert!(one("a.csv", wide.join(",").as_bytes()).starts_with("C040 1: the list has 257 columns"));
    let folder = tempfile::tempdir().unwrap();
    for (path, told) in
        [(folder.path().join("none.csv"), "there is no list"), (folder.path().join("a.csv"), "a folder")]
    {
        if path.ends_with("a.csv") {
            fs::create_dir(&path).unwrap();
        }
        let found = ListSource { kind: ListKind::File { path, key: None }, at: None }.read().unwrap_err();
        assert!(found.to_string().contains(told), "{found}");
    }
}

#[test]
fn a_domain_is_found_for_its_subdomains_and_the_longest_key_wins() {
    let text = "key,n\nacme.example,1\nEU.acme.example.,2\njo@acme.example,3\n*@globex.example,4\n\"Q1 Launch\",5\nMeeting-Request,6\nhttps://XN--bcher-kva.example:443/x,7\n";
    let list = list("a.csv", text, None);
    let find = |value: &str, by: Match| list.find(value, by).map(|row| row.get("n").unwrap().to_string());
    for (value, wanted) in [
        ("ACME.example", Some("1")),
        ("mail.acme.example", Some("1")),
        ("x.eu.acme.example", Some("2")),
        ("Jo <JO@acme.example>", Some("3")),
        ("ann@acme.example", Some("1")),
        ("sam@mail.globex.example.", Some("4")),
        ("jo@bücher.example", Some("7")),
        ("xn--bcher-kva.example", Some("7")),
        ("www.acme.example", Some("1")),
        ("notacme.example", None),
        ("acme.example.org", None),
        ("example", None),
        ("", None),
        ("@", None),
    ] {
        assert_eq!(find(value, Match::Domain).as_deref(), wanted, "{value}");
        assert_eq!(find(value, Match::Guess).as_deref(), wanted, "{value}");
    }
    assert_eq!(find("mail.acme.example", Match::Whole), None);
    assert_eq!(find(" q1  LAUNCH", Match::Whole).as_deref(), Some("5"));
    assert_eq!(find("meeting_request", Match::Words).as_deref(), Some("6"));
    assert_eq!(find("meeting_request", Match::Guess), None);
}

fn settings(folder: &Path, lists: &str) -> Result<Settings, Diagnostics> {
    let text = format!("workspaces: [{{ name: a, api_key: k }}]\nrules: rules\nlists:\n{lists}");
    Settings::parse("reply-router.yaml", &text, folder, &|_| None)
}

#[test]
fn lists_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let settings =
        settings(folder.path(), "  accounts: { file: a.csv, key: domain }\n  free: { builtin: free-mail }\n").unwrap();
    assert_eq!(settings.list_files().collect::<Vec<_>>(), [folder.path().join("a.csv")]);
    assert!(settings.lists["free"].read().unwrap().find("jo@gmail.com", Match::Domain).is_some());
    let found = settings.lists["accounts"].read().unwrap_err();
    assert!(found.to_string().contains("reply-router.yaml:4"), "the place in the configuration: {found}");
}

#[test]
fn lists_of_the_configuration_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    for (list, told) in [
        ("  a: { key: domain }\n", "neither `file` nor `builtin`"),
        ("  a: { builtin: free-mial }\n", "free-mail"),
        ("  a: { builtin: free-mail, key: x }\n", "stands alone"),
        ("  a: { builtin: free-mail, file: x.csv }\n", "stands alone"),
        ("  A b: { builtin: free-mail }\n", "not a name for a list"),
        ("  a: { fiel: x.csv }\n", "did you mean `file`"),
        ("  a: x.csv\n", "mapping"),
    ] {
        let found = settings(folder.path(), list).unwrap_err();
        assert!(found.to_string().contains(told), "{list}: {found}");
        assert_eq!(found.error_count(), 1, "{found}");
    }
}
