//! All that lies in a store, as somebody finds it who has the file or the server: bytes, texts, and what is compressed.

use crate::{fixture::Fixture, stores};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reply_router::store::{DecisionFilter, SqlStore, prelude::*};
use std::path::Path;
use zstd::bulk::Decompressor;

const DICTIONARY: &[u8] = include_bytes!("../../../src/store/sql/dictionary.json");
/// How a compressed value begins.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// What was found.
pub(super) struct Raw {
    parts: Vec<Vec<u8>>,
    /// How many compressed values could be read.
    pub(super) unpacked: usize,
}

impl Raw {
    pub(super) async fn of(fixture: &Fixture) -> Self {
        let mut found = Self::at(&fixture.store_path()).await;
        found.parts.push(read_all(&fixture.store).await.into_bytes());
        found
    }

    /// Of the file with its log, or, after a vacuum, of each table of the database.
    pub(super) async fn at(path: &Path) -> Self {
        let mut found = Self { parts: Vec::new(), unpacked: 0 };
        if stores::on_postgres() {
            let address = stores::database_of(path).await;
            let name = address.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
            for text in tokio::task::spawn_blocking(move || tables(&name)).await.unwrap() {
                for (place, _) in text.match_indices("\\x") {
                    let hex: Vec<u8> = text.bytes().skip(place + 2).take_while(u8::is_ascii_hexdigit).collect();
                    let digit = |digit: u8| u8::try_from((digit as char).to_digit(16).unwrap()).unwrap();
                    found.add(hex.chunks_exact(2).map(|pair| digit(pair[0]) * 16 + digit(pair[1])).collect());
                }
                found.add(text.into_bytes());
            }
        } else {
            for end in ["", "-wal"] {
                let mut name = path.as_os_str().to_owned();
                name.push(end);
                if let Ok(bytes) = std::fs::read(&name) {
                    found.add(bytes);
                }
            }
        }
        found
    }

    /// The bytes, and every compressed value among them that can be read.
    fn add(&mut self, bytes: Vec<u8>) {
        let mut reader = Decompressor::with_dictionary(DICTIONARY).unwrap();
        for (place, _) in bytes.windows(MAGIC.len()).enumerate().filter(|(_, four)| *four == MAGIC) {
            let Ok(size) = zstd::zstd_safe::find_frame_compressed_size(&bytes[place..]) else { continue };
            if let Ok(value) = reader.decompress(&bytes[place..place + size], 1 << 20) {
                self.unpacked += 1;
                self.parts.push(value);
            }
        }
        self.parts.push(bytes);
    }

    /// Whether a text is there in whatever form.
    pub(super) fn has(&self, text: &str) -> bool {
        let mut forms = vec![text.as_bytes().to_vec()];
        // Wherever it begins in a group of three bytes, the middle of its base64 is the same.
        for skip in 0..3 {
            let coded = STANDARD.encode(&text.as_bytes()[skip..skip + (text.len() - skip) / 3 * 3]);
            forms.push(coded.into_bytes());
        }
        let is_in = |part: &Vec<u8>, form: &[u8]| part.windows(form.len()).any(|at| at.eq_ignore_ascii_case(form));
        forms.iter().any(|form| self.parts.iter().any(|part| is_in(part, form)))
    }
}

fn tables(database: &str) -> Vec<String> {
    stores::SERVER.query(database, "VACUUM");
    let names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'";
    let names = stores::SERVER.query(database, names);
    names.lines().map(|name| stores::SERVER.query(database, &format!("SELECT t::text FROM {name} t"))).collect()
}

/// Decisions, actions and events, each as the program reads it.
async fn read_all(store: &SqlStore) -> String {
    let decisions = store.decisions(&DecisionFilter { limit: 10_000, ..DecisionFilter::default() }).await.unwrap();
    let ids: Vec<String> = decisions.iter().map(|decision| decision.id.clone()).collect();
    let filter = reply_router::store::ActionFilter { limit: 10_000, ..Default::default() };
    let (actions, events) = (store.actions(&filter).await.unwrap(), store.events(&ids).await.unwrap());
    format!("{decisions:?} {actions:?} {events:?}")
}
