//! The files of the languages, checked by their own sentences.

use super::builder::Builder;
use super::compile::{ByteOrder, compile};
use super::language_file::{Block, Entry, File, parse};
use super::*;
use crate::text::normalize;
use crate::text::words::words;

/// How this machine writes numbers.
const ORDER: ByteOrder = if cfg!(target_endian = "big") { ByteOrder::Big } else { ByteOrder::Little };

/// The files as they are on the disk, so that a changed one needs no new build.
fn files() -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/text/languages");
    let folder = std::env::var_os("REPLY_ROUTER_LANGUAGES").map_or(folder, Into::into);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| {
            let code = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (code, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// The program has what the files say. Hashes that differ from one process to the next change nothing of it.
#[test]
fn every_file_is_compiled_in() {
    let files = files();
    let codes: Vec<&str> = files.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(Phrasebook::get().codes, codes);
    if std::env::var_os("REPLY_ROUTER_LANGUAGES").is_none() {
        assert!(compile(&files, ORDER).unwrap() == TABLES);
    }
}

/// What is read of the program's tables is what was written: each of them, to its last byte.
#[test]
fn tables_are_read_as_they_were_written() {
    let yaml = "language: X
months: [[januar, jänner], [februar]]
weekdays: [[montag]]
reply_prefix: [Aw]
common: [und]
away: [bin nicht … da]";
    let files =
        [("xx".to_owned(), yaml.to_owned()), ("yy".to_owned(), "language: Y\nopt_out: [stop mails]".to_owned())];
    let mut bytes = compile(&files, ORDER).unwrap();
    let other = if ORDER == ByteOrder::Big { ByteOrder::Little } else { ByteOrder::Big };
    assert_eq!(compile(&files, other).unwrap().len(), bytes.len());
    // At an address that numbers may have.
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let numbers: Vec<u32> = bytes.chunks(4).map(|four| u32::from_ne_bytes(four.try_into().unwrap())).collect();
    let book = Phrasebook::read(zerocopy::IntoBytes::as_bytes(numbers.leak()));
    let normal = normalize("Bin gerade nicht da und. Bin nicht so bald da. Stop mails");
    let hits = book.find(normal.as_str(), &words(normal.as_str()));
    let found = |topic: Topic| hits.of(topic).iter().map(|hit| (hit.language, hit.words())).collect::<Vec<_>>();
    assert_eq!(found(Topic::Away), [(Language(0), 5..10)]);
    assert_eq!(found(Topic::OptOut), [(Language(1), 10..12)]);
    assert_eq!(hits.common, [(4, Language(0))]);
    assert_eq!((book.code(Language(1)), book.is_prefix("AW"), book.is_prefix("RE")), (Some("yy"), true, false));
    assert_eq!(
        (book.month("Jän", None), book.month("jaenner", None), book.month("Mai", None)),
        (Some(1), Some(1), None)
    );
    assert_eq!((book.weekday("Montag", None), book.weekday("Sonntag", None)), (Some(1), None));
}

/// Each phrase is found by a sentence beside it, and by none that it must not be found in.
#[test]
fn phrases_are_found_in_their_sentences() {
    let mut wrong = Vec::new();
    let only = std::env::var("LANGUAGE").ok();
    for (code, yaml) in files() {
        if only.as_ref().is_some_and(|only| !only.split(',').any(|wanted| wanted == code)) {
            continue;
        }
        let file: File = match serde_yaml::from_str(&yaml) {
            Ok(file) => file,
            Err(error) => {
                wrong.push(format!("{code}: {error}"));
                continue;
            }
        };
        assert!(!file._language.is_empty());
        if file.months.len() != 12 || file.weekdays.len() != 7 {
            wrong.push(format!("{code}: {} months, {} weekdays", file.months.len(), file.weekdays.len()));
        }
        for (topic, entries) in &file.topics {
            for entry in entries {
                let empty = Block::default();
                let block = if let Entry::Block(block) = entry { block } else { &empty };
                let mut builder = Builder::default();
                for phrase in entry.phrases() {
                    match parse(phrase, &file.words) {
                        Ok(phrase) => drop(builder.add(&phrase, topic.is_of_line())),
                        Err(error) => wrong.push(format!("{code}: {topic:?}: {error}")),
                    }
                }
                let automaton = Automaton::new(builder.finish());
                let find = |sentence: &str| {
                    let normal = normalize(sentence);
                    automaton.find(normal.as_str(), &words(normal.as_str()))
                };
                let mut unfound: Vec<u32> = (0..u32::try_from(entry.phrases().len()).unwrap()).collect();
                for sentence in &block._finds {
                    let found = find(sentence);
                    if found.is_empty() {
                        wrong.push(format!("{code}: {topic:?}: not found: {sentence}"));
                    }
                    unfound.retain(|phrase| !found.iter().any(|found| found.phrase == *phrase));
                }
                for sentence in &block._misses {
                    if let Some(found) = find(sentence).first() {
                        let phrase = &entry.phrases()[found.phrase as usize];
                        wrong.push(format!("{code}: {topic:?}: `{phrase}` is found in: {sentence}"));
                    }
                }
                if matches!(entry, Entry::Block(_)) {
                    for phrase in unfound {
                        let phrase = &entry.phrases()[phrase as usize];
                        wrong.push(format!("{code}: {topic:?}: no sentence beside it finds `{phrase}`"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_wrong_file_is_told_where_it_is_wrong() {
    for (yaml, wanted) in [
        ("language: X\nopt_out: ['(a']", "OptOut: a `(` without its `)`"),
        ("language: X\nopt_in: [a]", "opt_in"),
        ("language: X\nopt_out: ['<b>']", "no list `b`"),
    ] {
        let files = [("xx", yaml), ("yy", "language: Y\nopt_out: [fine]")];
        let faults = compile(&files.map(|(code, yaml)| (code.to_owned(), yaml.to_owned())), ORDER).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains("languages/xx.yaml") && faults[0].contains(wanted), "{faults:?}");
    }
}
