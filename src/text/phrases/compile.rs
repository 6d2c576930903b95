//! Makes the phrasebook of the languages' files. The build script does, so that the program need not at each start.

use super::builder::Builder;
use super::grammar::spell;
use super::language_file::{Entry, File};
use super::languages::{LanguageTables, fold_prefix};
use super::sections::{ALIGNMENT, Sections, Table};
use super::topic::Topic;
use super::vocabulary::spellings;
use crate::text::normal::normalize;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// How the machine that reads the tables writes numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Little,
    Big,
}

/// The phrasebook of some files, each with the code of its language; as the program reads it.
///
/// # Errors
/// What is wrong with each file that cannot be read.
pub(crate) fn compile(files: &[(String, String)], order: ByteOrder) -> Result<Vec<u8>, Vec<String>> {
    let mut builder = Builder::default();
    let (mut topics, mut languages, mut prefixes, mut faults) = (Vec::new(), Vec::new(), BTreeSet::new(), Vec::new());
    let (mut codes, mut months, mut weekdays) = (String::new(), String::new(), String::new());
    for (language, (code, yaml)) in (0_u8..).zip(files) {
        let (file, phrases) = match File::read(yaml) {
            Ok(read) => read,
            Err(error) => {
                faults.push(format!("languages/{code}.yaml: {error}"));
                continue;
            }
        };
        let _ = writeln!(codes, "{code}");
        for (topic, phrase) in phrases {
            builder.add(&phrase, topic.is_of_line());
            topics.push(topic as u8);
            languages.push(language);
        }
        let of_topic =
            [Topic::ReplyPrefix, Topic::ForwardPrefix].into_iter().filter_map(|topic| file.topics.get(&topic));
        prefixes.extend(of_topic.flatten().flat_map(Entry::phrases).map(|prefix| fold_prefix(prefix)));
        add_names(&mut months, &file.months, language);
        add_names(&mut weekdays, &file.weekdays, language);
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let prefixes: Vec<String> = prefixes.into_iter().collect();
    let text = |text: String| Table::from(text.into_bytes());
    let mut tables = LanguageTables {
        phrases: builder.finish(),
        topics: topics.into(),
        languages: languages.into(),
        codes: text(codes),
        prefixes: text(prefixes.join("\n")),
        months: text(months),
        weekdays: text(weekdays),
    };
    let mut writer = Writer { bytes: Vec::new(), order };
    tables.pass(&mut writer);
    Ok(writer.bytes)
}

/// Adds names as they are, without accents, and as keyboards without them write them.
fn add_names(lines: &mut String, names: &[Vec<String>], language: u8) {
    for (names, number) in names.iter().zip(1..) {
        for name in names {
            for spelling in spellings(&spell(normalize(name).as_str())) {
                let _ = writeln!(lines, "{spelling}\t{language}\t{number}");
            }
        }
    }
}

/// Writes tables as bytes.
struct Writer {
    bytes: Vec<u8>,
    order: ByteOrder,
}

impl Writer {
    fn number(&mut self, number: u32) {
        self.bytes.extend(match self.order {
            ByteOrder::Little => number.to_le_bytes(),
            ByteOrder::Big => number.to_be_bytes(),
        });
    }

    fn length(&mut self, bytes: usize) {
        self.number(u32::try_from(bytes).unwrap_or(u32::MAX));
    }
}

impl Sections for Writer {
    fn numbers(&mut self, table: &mut Table<u32>) {
        self.length(size_of_val(table.as_ref()));
        table.iter().for_each(|number| self.number(*number));
    }

    fn rows<const N: usize>(&mut self, table: &mut Table<[u32; N]>) {
        self.length(size_of_val(table.as_ref()));
        table.iter().flatten().for_each(|number| self.number(*number));
    }

    fn bytes(&mut self, table: &mut Table<u8>) {
        self.length(table.len());
        self.bytes.extend_from_slice(table);
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
    }
}
