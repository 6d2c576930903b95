//! Lists that the program brings along.

use super::{List, Match, read};
use crate::model::counted;
use std::sync::{Arc, LazyLock};

/// A list that is part of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builtin {
    /// Domains at which anybody gets a mailbox.
    FreeMail,
}

static FREE_MAIL: LazyLock<Arc<List>> = LazyLock::new(|| Arc::new(made(include_str!("free-mail.txt"))));

/// The files are checked by the tests.
fn made(text: &str) -> List {
    let mut list = read::text("", text, read::Format::Lines, Some("domain")).unwrap_or_default();
    // Nobody has the file.
    list.lines = Vec::new();
    list
}

impl Builtin {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::FreeMail];

    /// The name by which the configuration knows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FreeMail => "free-mail",
        }
    }

    /// Its rows.
    pub fn list(self) -> Arc<List> {
        match self {
            Self::FreeMail => Arc::clone(&FREE_MAIL),
        }
    }
}

/// What to ask before everybody at these domains is taken for one: there are some at which anybody gets a mailbox.
pub fn question_free_mail<'d>(domains: impl IntoIterator<Item = &'d str>) -> Option<String> {
    let mut free = domains.into_iter().filter(|domain| FREE_MAIL.find(domain, Match::Whole).is_some());
    let first = free.next()?;
    Some(match free.count() {
        0 => format!("`*@{first}` is everybody with a mailbox there"),
        more => format!(
            "`*@{first}` and {} of free mail are everybody with a mailbox there",
            counted(more, "more domain", "more domains")
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domains_of_free_mail() {
        let text = include_str!("free-mail.txt");
        let list = read::text("free-mail.txt", text, read::Format::Lines, Some("domain")).unwrap();
        assert!(list.len() > 150, "{}", list.len());
        for row in list.rows() {
            let key = row.key();
            assert!(key.contains('.') && key == row.get("domain").unwrap().to_string(), "{key}");
        }
        let keys: Vec<&str> = list.rows().map(|row| row.key()).collect();
        assert!(keys.is_sorted(), "sorted, so that a change is easy to see");
        let found = Builtin::FreeMail.list();
        for domain in ["gmail.com", "GMX.de", "jo@proton.me", "outlook.com", "yahoo.co.uk", "qq.com", "mail.ru"] {
            let row = found.find(domain, Match::Domain).unwrap();
            assert_eq!(row.line(), 0, "{domain}: nobody has the file");
        }
        for domain in ["acme.example", "google.com", "microsoft.com", "com", "mycompany-gmail.com"] {
            assert!(found.find(domain, Match::Domain).is_none(), "{domain}");
        }
    }
}
