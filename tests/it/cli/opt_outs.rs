//! Opt-outs come from a table and go into one, through the service where one runs.

use super::cli_fixture::{CliFixture, EVERYTHING};
use crate::{
    service_process::{SERVICE, ServiceProcess},
    stores,
};

const TABLE: &str = "\u{feff}since,email,evidence\r\n\
                     2026-01-31,*@Gone.example,\"'=1+1, she said\"\r\n\
                     ,Jane <JANE@acme.example>,\r\n\
                     ,jane@acme.example,again\r\n";

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[tokio::test]
async fn a_table_is_imported_and_exported_as_it_was() {
    let place = CliFixture::new(EVERYTHING).await;
    let exported = place.run(&["opt-outs", "export"]).await.assert_exit(0);
    assert_eq!(exported.out, "workspace,email,since,evidence\n");
    assert!(!place.path().join("reply-router.db").exists(), "nothing is made to be looked at");

    place.write("bad.csv", "email,since\nnobody,\n\njo@acme.example,\n*@com,soon\n");
    let refused = place.run(&["opt-outs", "import", "bad.csv"]).await.assert_exit(1);
    assert_eq!(refused.out, "");
    assert_eq!(
        lines(&refused.err),
        [
            "bad.csv:2: `nobody` is not an e-mail address",
            "bad.csv:5: `*@com` is no domain: write it like *@acme.example",
            "nothing was imported: lines are wrong",
        ]
    );
    place.write("good.csv", TABLE);
    let import = ["opt-outs", "import", "good.csv"];
    place.run(&import).await.assert_exit(0).assert_prints(&["added 2 opt-outs to acme; 1 was there already"]);
    place.run(&import).await.assert_exit(0).assert_prints(&["added 0 opt-outs to acme; 3 were there already"]);
    let exported = place.run(&["opt-outs", "export", "--workspace", "acme"]).await.assert_exit(0).out;
    let found = lines(&exported);
    assert_eq!(
        found[..2],
        ["workspace,email,since,evidence", "acme,*@gone.example,2026-01-31T00:00:00Z,\"'=1+1, she said\""]
    );
    assert!(found[2].starts_with("acme,jane@acme.example,") && found[2].ends_with(",imported"), "{found:?}");
    assert_eq!(found.len(), 3);

    // Into another store: all of it is the same.
    let other = CliFixture::new(EVERYTHING).await;
    other.write("all.csv", &exported);
    let mut import = other.command(&["opt-outs", "import", "-"]);
    import.stdin(std::fs::File::open(other.path().join("all.csv")).unwrap());
    crate::cli_fixture::run(import).await.assert_exit(0).assert_prints(&["added 2 opt-outs"]);
    assert_eq!(other.run(&["opt-outs", "export"]).await.assert_exit(0).out, exported);
    for (args, why) in [
        (vec!["opt-outs", "import", "none.csv"], "none.csv cannot be read"),
        (vec!["opt-outs", "import", "all.csv", "--workspace", "globex"], "globex"),
        (vec!["opt-outs", "export", "--workspace", "globex"], "globex"),
    ] {
        let refused = other.run(&args).await.assert_exit(1);
        assert!(refused.err.contains(why), "{refused:?}");
    }
    // What it did is on record.
    let service = ServiceProcess::start(place.command(SERVICE)).await;
    let audit = service.get("/api/v1/audit?what=opt_out.import").await.1;
    assert!(audit.contains("\"command\"") && audit.contains("\"added\":2"), "{audit}");
}

#[tokio::test]
async fn a_running_service_imports_and_exports() {
    let place = CliFixture::new(EVERYTHING).await;
    if stores::on_postgres() {
        let address = stores::database_of(place.path()).await;
        place.write("reply-router.yaml", &place.configuration(&format!("store: \"{address}\"\n")));
    }
    let service = ServiceProcess::start(place.command(SERVICE)).await;
    let at = service.pages.clone();
    let run = async |args: &[&str]| place.run(&[args, &["--url", &at]].concat()).await;
    place.write("bad.csv", "workspace,email\nacme,a@b.example\nother,a@b.example\n");
    let refused = run(&["opt-outs", "import", "bad.csv"]).await.assert_exit(1);
    assert_eq!(lines(&refused.err)[0], "bad.csv:3: unknown workspace `other`; use one of acme");
    place.write("good.csv", TABLE);
    let import = ["opt-outs", "import", "good.csv"];
    run(&import).await.assert_exit(0).assert_prints(&["added 2 opt-outs to acme; 1 was there already"]);
    // More than one request carries.
    let many: String =
        (0..9_000).map(|number| format!("jo{number}@many.example,{}\n", "=because ".repeat(9))).collect();
    place.write("many.csv", &format!("email,evidence\n{many}"));
    run(&["opt-outs", "import", "many.csv"])
        .await
        .assert_exit(0)
        .assert_prints(&["added 9000 opt-outs to acme; 0 were"]);
    let exported = run(&["opt-outs", "export"]).await.assert_exit(0).out;
    assert_eq!(exported.lines().count(), 9_003);
    assert_eq!(exported.matches(",'=because").count(), 9_000);
    let (status, text) = service.get("/api/v1/opt-outs/export?workspace=acme").await;
    assert_eq!((status, text), (200, exported));
    assert_eq!(service.get("/api/v1/opt-outs/export?workspace=other").await.0, 404);
    let audit = service.get("/api/v1/audit?what=opt_out.import").await.1;
    assert!(audit.contains("\"loopback\"") && audit.contains("\"already_there\":1"), "{audit}");
    if !stores::on_postgres() {
        // The store is the service's, which cannot be found at port 0.
        let refused = place.run(&import).await.assert_exit(1);
        assert!(refused.err.contains("no response"), "{refused:?}");
    }
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (table, wanted) in [(vec![b'x'; 1024 * 1024 + 1], 413), (b"email\nnobody\n".to_vec(), 400)] {
        let request = client.post(format!("{at}/api/v1/opt-outs/import")).body(table);
        assert_eq!(request.send().await.unwrap().status().as_u16(), wanted);
    }
}

#[tokio::test]
async fn tables_of_other_programs_and_whole_domains_are_asked_about() {
    let place = CliFixture::new(EVERYTHING).await;
    place.write("mails.csv", "sep=;\r\nFirst Name;E-Mail\r\nAnn;ann@acme.example\r\n");
    let ran = place.run(&["opt-outs", "import", "mails.csv"]).await.assert_exit(0);
    assert_eq!(ran.out, "added 1 opt-out to acme; 0 were there already\n");
    assert_eq!(
        lines(&ran.err),
        ["mails.csv: the column `E-Mail` is taken for the email", "mails.csv: the column `First Name` is not used"]
    );
    place.write("whole.csv", "email\n*@gmail.com\n*@gone.example\n*@gmx.de\n");
    let import = ["opt-outs", "import", "whole.csv"];
    let refused = place.run(&import).await.assert_exit(1);
    assert_eq!(refused.out, "");
    for part in ["`*@gmail.com` and 1 more domain of free mail are everybody", "nothing was imported: with --yes it is"]
    {
        assert!(refused.err.contains(part), "{}", refused.err);
    }
    place.run(&[&import[..], &["--yes"]].concat()).await.assert_exit(0).assert_prints(&["added 3 opt-outs to acme"]);
    // The same through the service.
    let service = ServiceProcess::start(place.command(SERVICE)).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (query, table, status, part) in [
        ("", "email\n*@web.de\n", 400, "`*@web.de` is everybody with a mailbox there; with `free_mail=true` it is"),
        ("?free_mail=true", "E-Mail,Tag\n*@web.de,x\n", 200, "\"taken\":{\"email\":\"E-Mail\"},\"unused\":[\"Tag\"]"),
    ] {
        let at = format!("{}/api/v1/opt-outs/import{query}", service.pages);
        let response = client.post(at).body(table).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        let text = response.text().await.unwrap();
        assert!(text.contains(part), "{text}");
    }
    place.write("web.csv", "email\n*@hotmail.com\n");
    let through = ["opt-outs", "import", "web.csv", "--url", &service.pages];
    place.run(&through).await.assert_exit(1);
    place.run(&[&through[..], &["-y"]].concat()).await.assert_exit(0).assert_prints(&["added 1 opt-out to acme"]);
}

#[tokio::test]
async fn an_internationalized_domain_is_opted_out_however_it_is_written() {
    let rules =
        "version: 1\nrules: [{ name: yes, when: { category: interested }, then: [{ reply: { text: Hello. } }] }]\n";
    let place = CliFixture::new(rules).await;
    for (number, (written, lead)) in [
        ("*@bücher.example", "jane@xn--bcher-kva.example"),
        ("*@xn--mller-kva.example.", "jane@mail.müller.example"),
        ("jo@köln.example", "jo@xn--kln-sna.example"),
    ]
    .into_iter()
    .enumerate()
    {
        place.write("one.csv", &format!("email\n{written}\n"));
        place.run(&["opt-outs", "import", "one.csv"]).await.assert_exit(0);
        let thread = place.hot_lead(lead);
        let ran = place.run(&["explain", &thread]).await.assert_exit(0);
        assert!(ran.out.contains("opt_out: the lead opted out"), "{number} {written}: {}", ran.out);
    }
}
