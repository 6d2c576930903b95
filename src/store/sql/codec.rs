//! How values stand in the database: times as microseconds, ids as bytes, JSON as text or compressed.

use crate::store::StoreError;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use std::{cell::RefCell, fmt::Display};
use uuid::Uuid;
use zstd::{
    bulk::{Compressor, Decompressor},
    zstd_safe::{self, CCtx, CParameter, DCtx},
};

/// What records have in common. A compressed value names its dictionary, so that a later one can stand beside this.
const DICTIONARY: &[u8] = include_bytes!("dictionary.json");
/// The first byte of a value that was compressed with it.
const WITH_DICTIONARY: u8 = 1;
/// On values of one to four kilobytes: a twentieth smaller than level 3, for some microseconds each. Higher ones save next to
/// nothing more.
const LEVEL: i32 = 5;
/// A larger value was not written by this program.
const MAX_BYTES: usize = 256 * 1024 * 1024;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

pub(super) fn unreadable(error: impl Display) -> StoreError {
    StoreError::Unreadable(error.to_string())
}

/// A value as compressed JSON.
pub(super) fn pack<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    pack_bytes(&serde_json::to_vec(value).map_err(unreadable)?)
}

/// The same of JSON.
pub(super) fn pack_bytes(json: &[u8]) -> Result<Vec<u8>, StoreError> {
    COMPRESSOR.with_borrow_mut(|slot| {
        let compressor = match slot {
            Some(compressor) => compressor,
            None => slot.insert(Compressor::with_dictionary(LEVEL, DICTIONARY).map_err(unreadable)?),
        };
        let mut packed = Vec::with_capacity(1 + json.len() / 2);
        packed.push(WITH_DICTIONARY);
        packed.extend(compressor.compress(json).map_err(unreadable)?);
        Ok(packed)
    })
}

/// The value that [`pack`] was given.
pub(super) fn unpack<T: DeserializeOwned>(packed: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(&unpack_bytes(packed)?).map_err(unreadable)
}

/// The JSON itself.
pub(super) fn unpack_bytes(packed: &[u8]) -> Result<Vec<u8>, StoreError> {
    let Some((&WITH_DICTIONARY, body)) = packed.split_first() else {
        return Err(unreadable("a compressed value of an unknown kind"));
    };
    let size = content_size(body)?;
    DECOMPRESSOR.with_borrow_mut(|slot| {
        let decompressor = match slot {
            Some(decompressor) => decompressor,
            None => slot.insert(Decompressor::with_dictionary(DICTIONARY).map_err(unreadable)?),
        };
        decompressor.decompress(body, size).map_err(unreadable)
    })
}

fn content_size(frame: &[u8]) -> Result<usize, StoreError> {
    let size = zstd_safe::get_frame_content_size(frame).ok().flatten().ok_or_else(|| unreadable("no size"))?;
    usize::try_from(size).ok().filter(|size| *size <= MAX_BYTES).ok_or_else(|| unreadable("too large"))
}

/// Compresses what repeats much of `before`, and adds it to `into`. It is read with the same `before` alone: a checksum tells.
pub(super) fn compress_after(before: &[u8], json: &[u8], into: &mut Vec<u8>) -> Result<(), StoreError> {
    let mut context = CCtx::try_create().ok_or_else(|| unreadable("no memory to compress"))?;
    for parameter in [CParameter::CompressionLevel(LEVEL), CParameter::ChecksumFlag(true)] {
        context.set_parameter(parameter).map_err(zstd_error)?;
    }
    context.ref_prefix(before).map_err(zstd_error)?;
    let mut frame = Vec::with_capacity(zstd_safe::compress_bound(json.len()));
    context.compress2(&mut frame, json).map_err(zstd_error)?;
    into.extend(frame);
    Ok(())
}

/// What [`compress_after`] was given.
pub(super) fn decompress_after(before: &[u8], frame: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut context = DCtx::try_create().ok_or_else(|| unreadable("no memory to decompress"))?;
    context.ref_prefix(before).map_err(zstd_error)?;
    let mut json = Vec::with_capacity(content_size(frame)?);
    context.decompress(&mut json, frame).map_err(zstd_error)?;
    Ok(json)
}

fn zstd_error(code: zstd_safe::ErrorCode) -> StoreError {
    unreadable(zstd_safe::get_error_name(code))
}

pub(super) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(unreadable)
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(unreadable)
}

/// A list as JSON; an empty one takes no room.
pub(super) fn list_to_json<T: Serialize>(list: &[T]) -> Result<Option<String>, StoreError> {
    if list.is_empty() { Ok(None) } else { to_json(list).map(Some) }
}

pub(super) fn list_from_json<T: DeserializeOwned>(text: Option<&str>) -> Result<Vec<T>, StoreError> {
    text.map_or_else(|| Ok(Vec::new()), from_json)
}

pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub(super) fn timestamp(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(unreadable)
}

pub(super) fn optional_timestamp(micros: Option<i64>) -> Result<Option<Timestamp>, StoreError> {
    micros.map(timestamp).transpose()
}

pub(super) fn parse<T: std::str::FromStr>(text: &str) -> Result<T, StoreError>
where
    T::Err: Display,
{
    text.parse().map_err(|error: T::Err| unreadable(error))
}

/// The id of a decision or an action: a UUID takes 16 bytes instead of 36. The database orders either by its characters.
pub(super) struct Uid<'a>(pub(super) &'a str);

impl Uid<'_> {
    /// The UUID's bytes, if it comes back from them as the same text: no upper case, no braces.
    pub(super) fn bytes(&self) -> Option<[u8; 16]> {
        let mut buffer = Uuid::encode_buffer();
        let id = Uuid::try_parse(self.0).ok()?;
        (id.hyphenated().encode_lower(&mut buffer) == self.0).then(|| *id.as_bytes())
    }
}

/// The same, read.
pub(super) struct OwnedUid(pub(super) String);

impl OwnedUid {
    /// Of a UUID's bytes.
    pub(super) fn of_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        Ok(Self(Uuid::from_slice(bytes).map_err(unreadable)?.hyphenated().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sql::connection::{Connection, params};

    #[test]
    fn what_is_packed_is_unpacked() {
        for value in [serde_json::json!({"a": [1, "é", null]}), serde_json::json!("x".repeat(100_000))] {
            let packed = pack(&value).unwrap();
            assert_eq!(unpack::<serde_json::Value>(&packed).unwrap(), value);
        }
        for bytes in [&b""[..], b"\x01", b"\x02abc", b"\x01\x28\xb5\x2f\xfd"] {
            assert!(matches!(unpack::<serde_json::Value>(bytes), Err(StoreError::Unreadable(_))));
        }
    }

    #[test]
    fn what_is_packed_after_something_is_unpacked_after_it_alone() {
        let (before, json) = (b"Hi Jane, a call on Tuesday?".repeat(20), b"\"a call on Tuesday?\"".repeat(30));
        let mut packed = Vec::new();
        compress_after(&before, &json, &mut packed).unwrap();
        assert!(packed.len() < 80, "{}", packed.len());
        assert_eq!(decompress_after(&before, &packed).unwrap(), json);
        let others = [b"Hi Joan, a mail on Tuesday?".repeat(20), b"short".to_vec(), Vec::new()];
        for other in others {
            assert!(decompress_after(&other, &packed).is_err());
        }
        assert!(decompress_after(&before, &packed[..packed.len() / 2]).is_err());
    }

    #[test]
    fn ids_come_back_as_they_were() {
        let connection = Connection::Sqlite(rusqlite::Connection::open_in_memory().unwrap());
        for id in ["01a21599-74bc-7715-94ed-2727280766aa", "01A21599-74BC-7715-94ED-2727280766AA", "d1", ""] {
            let back: OwnedUid = connection.query_row("SELECT ?", params![Uid(id)], |row| row.get(0)).unwrap();
            assert_eq!(back.0, id);
        }
    }
}
