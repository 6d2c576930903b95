//! What tables are read, what is wrong with them, and that what is written is read.

use super::*;
use proptest::prelude::*;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

const NOW: &str = "2026-07-15T12:00:00Z";

fn read(table: impl AsRef<[u8]>, workspaces: &[&str], chosen: Option<&str>) -> Result<Vec<OptOut>, Vec<BadLine>> {
    let workspaces = names(workspaces);
    let table = ReadTable { workspaces: &workspaces, chosen, now: NOW.parse().unwrap() }.read(table.as_ref());
    table.map(|table| table.opt_outs)
}

#[test]
fn a_row_whose_quotes_are_not_closed_takes_no_others_with_it() {
    for (table, line, told) in [
        ("email,evidence\na@q.example,\"wrote: stop\nb@q.example,bar\nc@q.example,bar\n", 2, "not closed"),
        ("email,evidence\na@q.example,no\n\n\"b@q.example\"x,no\n", 4, "behind its closing quote"),
        ("email;evidence\na@q.example;\"said \"stop\" twice\"\n", 2, "behind its closing quote"),
    ] {
        let bad = read(table, &["acme"], None).unwrap_err();
        assert!(bad.len() == 1 && bad[0].line == line && bad[0].problem.contains(told), "{table}: {bad:?}");
    }
    let fine = "email,evidence\r\na@q.example,he said \"stop\"\r\nb@q.example,\"said \"\"stop\"\", twice\"\r\n";
    assert_eq!(read(fine, &["acme"], None).unwrap().len(), 2);
}

#[test]
fn columns_stand_in_any_order_and_only_the_address_is_needed() {
    let opt_out = |email: &str, since: &str, evidence: &str| OptOut {
        workspace: "acme".to_owned(),
        email: email.to_owned(),
        since: since.parse().unwrap(),
        evidence: evidence.to_owned(),
    };
    for table in [
        "email\nJane@Acme.example\n",
        "\u{feff}email\r\nJane@Acme.example\r\n",
        "email\nJane Doe <jane@acme.example>",
        "\n\nEMAIL , Workspace\n\n jane@acme.example , acme \n,\n\n",
        "since;email;evidence\n;jane@acme.example;\n",
        "workspace\temail\n\tjane@acme.example\n",
    ] {
        assert_eq!(read(table, &["acme"], None).unwrap(), [opt_out("jane@acme.example", NOW, IMPORTED)], "{table}");
    }
    let table = "evidence,since,email\n\"no, thanks\nand bye\",2026-01-31,*@Acme.example\n\
                 no,2026-02-01T10:00:00+02:00,a@b.example\n";
    assert_eq!(
        read(table, &["acme", "globex"], Some("acme")).unwrap(),
        [
            opt_out("*@acme.example", "2026-01-31T00:00:00Z", "no, thanks\nand bye"),
            opt_out("a@b.example", "2026-02-01T08:00:00Z", "no")
        ]
    );
}

#[test]
fn tables_of_other_programs_are_read() {
    let workspaces = names(&["acme"]);
    let read = |table: &str| {
        ReadTable { workspaces: &workspaces, chosen: None, now: NOW.parse().unwrap() }.read(table.as_bytes())
    };
    for (table, taken, unused) in [
        ("sep=;\r\nE-Mail;Grund\r\na@b.example;x\r\n", vec![("email", "E-Mail")], vec!["Grund"]),
        ("Email Address,First Name\na@b.example,Ann\n", vec![("email", "Email Address")], vec!["First Name"]),
        (
            "First Name;email_address;Reason\nAnn;a@b.example;x\n",
            vec![("email", "email_address"), ("evidence", "Reason")],
            vec!["First Name"],
        ),
        ("EMAIL\tmail\na@b.example\tx\n", vec![], vec!["mail"]),
        ("email,\na@b.example,\n", vec![], vec![]),
    ] {
        let found = read(table).unwrap_or_else(|bad| panic!("{table:?}: {bad:?}"));
        assert_eq!(found.opt_outs.len(), 1, "{table}");
        assert_eq!(found.opt_outs[0].email, "a@b.example");
        let taken: Vec<_> = taken.into_iter().map(|(column, name)| (column, name.to_owned())).collect();
        assert_eq!((found.taken, found.unused), (taken, names(&unused)), "{table:?}");
    }
    for (table, line, why) in [
        (
            "E-Mail;Mail\na@b.example;a@b.example\n",
            1,
            "both `E-Mail` and `Mail` may be the `email`: call the right one `email`",
        ),
        ("email,evidense\na@b.example,x\n", 1, "unknown column `evidense`"),
        ("name,phone\nAnn,1\n", 1, "no column `email`; it has `name`, `phone`"),
        ("sep=;\nemail;since\nnobody;\n", 3, "not an e-mail address"),
    ] {
        let bad = read(table).unwrap_err();
        assert!(bad[0].line == line && bad[0].problem.contains(why), "{table:?}: {bad:?}");
    }
    let whole = read("email\n*@gmail.com\n*@acme.example.\njo@x.example\n*@gmail.com\n").unwrap();
    assert_eq!(whole.whole_domains().into_iter().collect::<Vec<_>>(), ["acme.example", "gmail.com"]);
}

#[test]
fn every_bad_line_is_named_and_nothing_counts_then() {
    let long = format!("a@b.example,,,{}", "x".repeat(MAX_EVIDENCE + 1));
    let lines = [
        "workspace,email,since,evidence",
        "acme,good@acme.example,,",
        "acme,nobody,,",
        "",
        "acme,,,",
        "acme,*@acme,,",
        "other,a@b.example,,",
        ",a@b.example,,",
        "acme,a@b.example,yesterday,",
        "acme,a@b.example,2030-01-01,",
        "acme,a@b.example",
        "acme,a b@c.example,,",
        "acme,a@b@c.example,,",
        "acme,@c.example,,",
        "acme,erased:00ff,,",
        &long,
    ];
    for end in ["\n", "\r\n"] {
        let found = read(lines.join(end), &["acme", "globex"], None).unwrap_err();
        let at: Vec<u64> = found.iter().map(|bad| bad.line).collect();
        assert_eq!(at, [3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], "{found:#?}");
        for (bad, part) in found.iter().zip([
            "`nobody` is not an e-mail address",
            "missing",
            "*@acme.example",
            "unknown workspace `other`; use one of acme, globex",
            "names no workspace",
            "`yesterday` is no time",
            "in the future",
            "2 cells where the first line has 4",
        ]) {
            assert!(bad.problem.contains(part), "{bad:?}");
        }
    }
    for (table, part) in [
        ("", "empty"),
        ("jane@acme.example\n", "unknown column `jane@acme.example`"),
        ("workspace\nacme\n", "no column `email`"),
        ("email,email\na@b.example,\n", "twice"),
        ("email\n\"a@b.example\nc@d.example\n", "not closed"),
    ] {
        let found = read(table, &["acme"], None).unwrap_err();
        assert!(found[0].problem.contains(part), "{table}: {found:?}");
    }
    let found = read("workspace,email\nglobex,a@b.example\n", &["acme", "globex"], Some("acme")).unwrap_err();
    assert!(found[0].problem.contains("`acme` was chosen"), "{found:?}");
    assert!(read(b"email\n\xff@b.example\n", &["acme"], None).unwrap_err()[0].problem.contains("UTF-8"));
    assert!(read(b"\xff\xfee\0", &["acme"], None).unwrap_err()[0].problem.contains("UTF-16"));
}

#[test]
fn a_cell_that_looks_like_a_formula_gets_an_apostrophe() {
    for (cell, written) in [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("'=1", "''=1"),
        ("'tis", "'tis"),
        ("a=1", "a=1"),
        ("", ""),
    ] {
        assert_eq!((&*guarded(cell), &*unguarded(written)), (written, cell));
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        rows in proptest::collection::vec(
            (0..2_usize, "[=+@-]{0,2}[a-z]{1,3}", 0..4_000_000_i64, "['=+@\t\r\n\",; a-zé-]{0,12}x"), 0..20
        )
    ) {
        let workspaces = ["acme", "-globex"];
        let opt_outs: Vec<OptOut> = rows
            .into_iter()
            .map(|(workspace, name, since, evidence)| OptOut {
                workspace: workspaces[workspace].to_owned(),
                email: format!("{}@b.example", name.replace('@', "")),
                since: Timestamp::from_microsecond(since * 1_000_003).unwrap(),
                evidence,
            })
            .collect();
        let (first, rest) = opt_outs.split_at(opt_outs.len() / 2);
        let mut table = WriteTable::default();
        let written = [table.lines(first), table.lines(rest)].concat();
        prop_assert_eq!(read(written, &workspaces, None).unwrap(), opt_outs);
    }

    #[test]
    fn no_table_ends_in_a_panic(table in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&table, &["acme"], None);
        let _ = read([b"email,since\n".as_slice(), &table].concat(), &["acme"], None);
    }
}
