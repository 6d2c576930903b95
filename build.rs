//! Makes the phrasebook of the languages' files, so that no start has to, and tells the program which version of the reader
//! it has: a hash of all that decides what is read of a mail. What was read by another version is read again
//! (`src/rules/reading/kept.rs`).

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};
use text::phrases::{ByteOrder, compile};

/// What the phrasebook is made with is the program's own.
#[path = "src/text"]
#[allow(dead_code, unreachable_pub, reason = "the rest of it is what the program reads mail with")]
mod text {
    mod normal;
    mod words;

    pub(super) mod phrases {
        mod builder;
        mod compile;
        mod grammar;
        mod language_file;
        mod languages;
        mod sections;
        mod signs;
        mod tables;
        mod topic;
        mod vocabulary;
        mod whole_numbers;

        pub(crate) use compile::{ByteOrder, compile};
    }
}

/// What the reader is made of. `text` uses nothing outside of it; the libraries are in `Cargo.lock`.
const PARTS: [&str; 8] = [
    "Cargo.lock",
    "build.rs",
    "src/model/mail.rs",
    "src/model/mail_reading.rs",
    "src/rules/pattern.rs",
    "src/rules/reading.rs",
    "src/rules/reading",
    "src/text",
];

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut hash = Fnv::default();
    for part in PARTS {
        println!("cargo::rerun-if-changed={part}");
        add(&root.join(part), &mut hash)?;
    }
    // Which letters and spaces there are is the standard library's.
    hash.add(format!("{:?}", char::UNICODE_VERSION).as_bytes());
    println!("cargo::rustc-env=REPLY_ROUTER_READER={:016x}", hash.0);
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("phrasebook"), phrasebook(&root.join("src/text/languages"))?)
}

/// The phrasebook of the files of a folder, by their names.
fn phrasebook(folder: &Path) -> io::Result<Vec<u8>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let code = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            files.push((code, fs::read_to_string(&path)?));
        }
    }
    files.sort();
    let is_big = env::var("CARGO_CFG_TARGET_ENDIAN").is_ok_and(|order| order == "big");
    let order = if is_big { ByteOrder::Big } else { ByteOrder::Little };
    compile(&files, order).map_err(|faults| io::Error::other(faults.join("\n")))
}

/// Adds a file, or all files of a folder in the order of their names.
fn add(path: &Path, hash: &mut Fnv) -> io::Result<()> {
    if path.is_dir() {
        let mut within = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        within.sort();
        return within.iter().try_for_each(|path| add(path, hash));
    }
    hash.add(path.file_name().unwrap_or_default().as_encoded_bytes());
    hash.add(&fs::read(path)?);
    Ok(())
}

/// FNV-1a: the same in every release of Rust.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// Adds some bytes and their end. A checkout with other ends of lines is the same.
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().filter(|byte| **byte != b'\r').chain(&[0xff]) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
