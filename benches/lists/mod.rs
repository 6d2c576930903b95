//! Lists: how long a large one takes to load, what a look-up costs beside a plain hash map, and what a condition on a list
//! costs beside one on a value.

use super::{Event, clock::Clock, decisions};
use reply_router::{
    lists::{List, ListKind, ListSource, Match},
    rules::{LoadContext, RuleSet},
};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
    hint::black_box,
    sync::Arc,
};

const ROWS: usize = 100_000;
const LOOKS: usize = 1_000_000;

fn source(path: &std::path::Path) -> ListSource {
    ListSource { kind: ListKind::File { path: path.to_owned(), key: Some("domain".to_owned()) }, at: None }
}

/// A list of so many accounts, as CSV.
fn accounts() -> String {
    let mut text = "domain,company,owner,owner_email,channel\n".to_owned();
    for row in 0..ROWS {
        let owner = row % 20;
        writeln!(
            text,
            "company-{row}.example,\"Company {row}, Inc.\",Owner {owner},owner-{owner}@acme.example,#owner-{owner}"
        )
        .unwrap();
    }
    text
}

/// Prints what lists cost.
pub(crate) fn measure(mails: &[Event]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.csv");
    let text = accounts();
    std::fs::write(&path, &text).unwrap();
    let began = Clock::start();
    let list = source(&path).read().unwrap();
    let loading = began.elapsed();
    let began = Clock::start();
    let rows = text.lines().skip(1).map(|line| (line.split(',').next().unwrap_or_default(), line));
    let plain: HashMap<&str, &str> = rows.collect();
    let splitting = began.elapsed();
    println!(
        "a list of {ROWS} rows, {:.1} MB: loaded in {} ms, {:.1} times what splitting its lines into a hash map takes",
        text.len() as f64 / 1e6,
        loading.as_millis(),
        loading.as_secs_f64() / splitting.as_secs_f64(),
    );
    let domains: Vec<String> = (0..4_096).map(|number| format!("company-{}.example", number * 24)).collect();
    let found = looks(&domains, |domain| list.find(domain, Match::Domain).is_some());
    let in_map = looks(&domains, |domain| plain.contains_key(domain));
    let below: Vec<String> = domains.iter().map(|domain| format!("mail.{domain}")).collect();
    let of_subdomains = looks(&below, |domain| list.find(domain, Match::Domain).is_some());
    println!(
        "  a look-up takes {:.0} ns, {:.1} times that of a hash map; {:.0} ns of a subdomain",
        1e9 * found / LOOKS as f64,
        found / in_map,
        1e9 * of_subdomains / LOOKS as f64,
    );
    conditions(mails, &list);
}

/// How many seconds so many look-ups take.
fn looks(domains: &[String], is_there: impl Fn(&str) -> bool) -> f64 {
    let began = Clock::start();
    for number in 0..LOOKS {
        assert!(black_box(is_there(black_box(&domains[number % domains.len()]))));
    }
    began.elapsed().as_secs_f64()
}

/// A hundred rules on a list beside a hundred on a domain: none of them matches.
fn conditions(mails: &[Event], list: &Arc<List>) {
    let speed = |wanted: &str| {
        let mut text = "rules:\n".to_owned();
        for rule in 0..100 {
            writeln!(
                text,
                "  - {{ name: r{rule}, when: {{ lead_domain: {wanted}, reply_count: {rule} }}, then: [star] }}"
            )
            .unwrap();
        }
        let source = ListSource { kind: ListKind::Read(Arc::clone(list)), at: None };
        let context =
            LoadContext { lists: BTreeMap::from([("accounts".to_owned(), source)]), ..LoadContext::default() };
        let set = RuleSet::parse(&[("bench.yaml", &text)], &context).unwrap_or_else(|found| panic!("{found}"));
        decisions(&set, mails, false).per_second()
    };
    let (by_list, by_value) = (speed("{ in: accounts }"), speed("elsewhere.example"));
    println!(
        "  a hundred rules on the list decide {by_list:.0} events/s, {:.2} times what they do on a domain",
        by_list / by_value
    );
}
