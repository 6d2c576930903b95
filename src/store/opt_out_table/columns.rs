//! Which column of a table of opt-outs is what, whatever program has written it.

use super::COLUMNS;

/// What other programs call the columns, in the form that [`folded`] gives a name; the address first.
const OTHER_NAMES: [&[&str]; 4] = [
    &[],
    &[
        "e mail",
        "email address",
        "e mail address",
        "emailaddress",
        "mail",
        "email adresse",
        "e mail adresse",
        "adresse email",
        "adresse e mail",
        "correo electrónico",
    ],
    &["unsubscribed at", "unsubscribe date", "opted out at", "opt out date"],
    &["reason", "note", "notes", "comment"],
];

/// Which cell of a line is what.
pub(super) struct Columns {
    pub(super) email: usize,
    pub(super) workspace: Option<usize>,
    pub(super) since: Option<usize>,
    pub(super) evidence: Option<usize>,
    pub(super) count: usize,
    /// Those that are called otherwise, by what they are taken for.
    pub(super) taken: Vec<(&'static str, String)>,
    pub(super) unused: Vec<String>,
}

/// The name of a column without what programs write differently.
fn folded(name: &str) -> String {
    let plain = name.trim().trim_matches(['"', '\'']).to_lowercase().replace(['_', '-', '.'], " ");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// So much of a name is shown.
fn shown(name: &str) -> String {
    name.trim().chars().take(80).collect()
}

impl Columns {
    /// Reads the first line.
    ///
    /// # Errors
    /// Why nobody can tell which column is which.
    pub(super) fn read(header: &csv::ByteRecord) -> Result<Self, String> {
        let names: Vec<String> = header.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
        let mut places = [None; 4];
        let (mut taken, mut unused) = (Vec::new(), Vec::new());
        for (place, name) in names.iter().enumerate() {
            let Some(slot) = own_column(name).and_then(|column| places.get_mut(column)) else { continue };
            if slot.replace(place).is_some() {
                return Err(format!("the column `{}` is there twice", shown(name)));
            }
        }
        // What is called otherwise counts where nothing has the right name.
        let own = places;
        for (place, name) in names.iter().enumerate().filter(|(_, name)| own_column(name).is_none()) {
            let meant = OTHER_NAMES.iter().position(|others| others.contains(&folded(name).as_str()));
            let meant = meant.filter(|column| own.get(*column).is_some_and(Option::is_none));
            let Some((slot, column)) = meant.and_then(|meant| Some((places.get_mut(meant)?, *COLUMNS.get(meant)?)))
            else {
                unused.push(shown(name));
                continue;
            };
            if let Some(other) = slot.replace(place) {
                let other = names.get(other).map(|name| shown(name)).unwrap_or_default();
                let both = format!("both `{other}` and `{}` may be the `{column}`", shown(name));
                return Err(format!("{both}: call the right one `{column}`"));
            }
            taken.push((column, shown(name)));
        }
        let known = || COLUMNS.join(", ");
        // One letter off is not meant for nothing.
        if let Some(typo) = unused.iter().find(|name| COLUMNS.iter().any(|column| is_near(&folded(name), column))) {
            return Err(format!("unknown column `{typo}`: the first line names the columns, which are {}", known()));
        }
        let [workspace, email, since, evidence] = places;
        let email = email.ok_or_else(|| match names.as_slice() {
            [name] if own_column(name).is_none() => {
                format!("unknown column `{}`: the first line names the columns, which are {}", shown(name), known())
            }
            _ => {
                let there: Vec<String> = names.iter().map(|name| format!("`{}`", shown(name))).collect();
                format!("the first line names no column `email`; it has {}", there.join(", "))
            }
        })?;
        unused.retain(|name| !name.is_empty());
        Ok(Self { email, workspace, since, evidence, count: header.len(), taken, unused })
    }
}

/// The column that a name is for, if it is its own.
fn own_column(name: &str) -> Option<usize> {
    let name = folded(name);
    COLUMNS.iter().position(|column| *column == name)
}

/// Whether a name is nearly another one.
fn is_near(name: &str, column: &str) -> bool {
    let is_other_name = OTHER_NAMES.iter().any(|names| names.contains(&name));
    name != column && !is_other_name && strsim::damerau_levenshtein(name, column) <= 1
}
