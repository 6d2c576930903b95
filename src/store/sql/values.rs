//! Values as statements take them and rows have them, the same for both databases.

use super::codec::{OwnedUid, Uid, unreadable};
use crate::store::StoreError;
use bytes::{BufMut, BytesMut};
use rusqlite::types::{ToSqlOutput, Value as SqliteValue, ValueRef};
use std::error::Error;
use tokio_postgres::types::{IsNull, Type};

/// What kind of value stands in a place. PostgreSQL wants to know it of a missing value too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Bool,
    Text,
    Bytes,
}

/// A value of a statement.
#[derive(Debug, Clone, Copy)]
pub(super) enum Param<'v> {
    Null(Kind),
    Int(i64),
    Bool(bool),
    Text(&'v str),
    Bytes(&'v [u8]),
    /// An id.
    Uid(&'v str),
}

/// What can be a value of a statement.
pub(super) trait ToParam {
    fn to_param(&self) -> Param<'_>;
}

/// Its kind, known without a value.
pub(super) trait OfKind {
    const KIND: Kind;
}

/// A value of which a query that is put together keeps a list.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Int(i64),
    Text(String),
    Uid(String),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl ToParam for Value {
    fn to_param(&self) -> Param<'_> {
        match self {
            Self::Int(number) => Param::Int(*number),
            Self::Text(text) => Param::Text(text),
            Self::Uid(id) => Param::Uid(id),
        }
    }
}

/// The values of a query that was put together.
pub(super) fn as_params(values: &[Value]) -> Vec<&dyn ToParam> {
    values.iter().map(|value| value as &dyn ToParam).collect()
}

macro_rules! kinds {
    ($($type:ty => $kind:ident, |$value:ident| $param:expr;)*) => {$(
        impl ToParam for $type {
            fn to_param(&self) -> Param<'_> {
                let $value = self;
                $param
            }
        }
        impl OfKind for $type {
            const KIND: Kind = Kind::$kind;
        }
    )*};
}

kinds! {
    i64 => Int, |value| Param::Int(*value);
    u32 => Int, |value| Param::Int((*value).into());
    u8 => Int, |value| Param::Int((*value).into());
    i32 => Int, |value| Param::Int((*value).into());
    bool => Bool, |value| Param::Bool(*value);
    str => Text, |value| Param::Text(value);
    String => Text, |value| Param::Text(value);
    [u8] => Bytes, |value| Param::Bytes(value);
    Vec<u8> => Bytes, |value| Param::Bytes(value);
    Uid<'_> => Bytes, |value| Param::Uid(value.0);
}

impl<T: ToParam + ?Sized> ToParam for &T {
    fn to_param(&self) -> Param<'_> {
        (**self).to_param()
    }
}

impl<T: OfKind + ?Sized> OfKind for &T {
    const KIND: Kind = T::KIND;
}

impl<T: ToParam + OfKind> ToParam for Option<T> {
    fn to_param(&self) -> Param<'_> {
        self.as_ref().map_or(Param::Null(T::KIND), T::to_param)
    }
}

impl rusqlite::ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match *self {
            Self::Null(_) => ToSqlOutput::Owned(SqliteValue::Null),
            Self::Int(number) => ToSqlOutput::Owned(SqliteValue::Integer(number)),
            Self::Bool(truth) => ToSqlOutput::Owned(SqliteValue::Integer(truth.into())),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Self::Uid(id) => match Uid(id).bytes() {
                Some(bytes) => ToSqlOutput::Owned(SqliteValue::Blob(bytes.to_vec())),
                None => ToSqlOutput::Borrowed(ValueRef::Text(id.as_bytes())),
            },
        })
    }
}

impl Param<'_> {
    /// The column's type.
    pub(super) fn postgres_type(&self) -> Type {
        match self {
            Self::Null(Kind::Int) | Self::Int(_) => Type::INT8,
            Self::Null(Kind::Bool) | Self::Bool(_) => Type::BOOL,
            Self::Null(Kind::Text) | Self::Text(_) => Type::TEXT,
            Self::Null(Kind::Bytes) | Self::Bytes(_) | Self::Uid(_) => Type::BYTEA,
        }
    }
}

/// An id that is no UUID stands behind so many bytes, which makes it longer than any UUID.
const NO_UUID: [u8; 16] = [0xff; 16];

impl tokio_postgres::types::ToSql for Param<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match *self {
            Self::Null(_) => return Ok(IsNull::Yes),
            Self::Int(number) => out.put_i64(number),
            Self::Bool(truth) => out.put_u8(truth.into()),
            // PostgreSQL has no text with NUL in it.
            Self::Text(text) if text.contains('\0') => out.put_slice(text.replace('\0', "\u{fffd}").as_bytes()),
            Self::Text(text) => out.put_slice(text.as_bytes()),
            Self::Bytes(bytes) => out.put_slice(bytes),
            Self::Uid(id) => match Uid(id).bytes() {
                Some(bytes) => out.put_slice(&bytes),
                None => {
                    out.put_slice(&NO_UUID);
                    out.put_slice(b":");
                    out.put_slice(id.as_bytes());
                }
            },
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(&self, of: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.to_sql(of, out)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Int => "a number",
            Self::Bool => "true or false",
            Self::Text => "a text",
            Self::Bytes => "bytes",
        })
    }
}

/// What can be read from a column.
pub(super) trait Column<'r>: Sized {
    fn of_sqlite(value: ValueRef<'r>) -> Result<Self, StoreError>;
    fn of_postgres(row: &'r tokio_postgres::Row, column: usize) -> Result<Self, StoreError>;
}

fn from_postgres<'r, T: tokio_postgres::types::FromSql<'r>>(
    row: &'r tokio_postgres::Row,
    column: usize,
) -> Result<T, StoreError> {
    row.try_get(column).map_err(unreadable)
}

fn other(wanted: Kind, value: ValueRef<'_>) -> StoreError {
    unreadable(format!("{wanted} was expected, and {} found", value.data_type()))
}

macro_rules! columns {
    ($($type:ty: $sqlite:pat => $read:expr, $kind:expr;)*) => {$(
        impl<'r> Column<'r> for $type {
            fn of_sqlite(value: ValueRef<'r>) -> Result<Self, StoreError> {
                match value {
                    $sqlite => $read,
                    _ => Err(other($kind, value)),
                }
            }
            fn of_postgres(row: &'r tokio_postgres::Row, column: usize) -> Result<Self, StoreError> {
                from_postgres(row, column)
            }
        }
        impl<'r> Column<'r> for Option<$type> {
            fn of_sqlite(value: ValueRef<'r>) -> Result<Self, StoreError> {
                match value {
                    ValueRef::Null => Ok(None),
                    _ => <$type>::of_sqlite(value).map(Some),
                }
            }
            fn of_postgres(row: &'r tokio_postgres::Row, column: usize) -> Result<Self, StoreError> {
                from_postgres(row, column)
            }
        }
    )*};
}

columns! {
    i64: ValueRef::Integer(number) => Ok(number), Kind::Int;
    bool: ValueRef::Integer(number) => Ok(number != 0), Kind::Bool;
    &'r str: ValueRef::Text(text) => std::str::from_utf8(text).map_err(unreadable), Kind::Text;
    String: ValueRef::Text(text) => String::from_utf8(text.to_vec()).map_err(unreadable), Kind::Text;
    &'r [u8]: ValueRef::Blob(bytes) => Ok(bytes), Kind::Bytes;
    Vec<u8>: ValueRef::Blob(bytes) => Ok(bytes.to_vec()), Kind::Bytes;
}

impl<'r> Column<'r> for u32 {
    fn of_sqlite(value: ValueRef<'r>) -> Result<Self, StoreError> {
        Self::try_from(i64::of_sqlite(value)?).map_err(unreadable)
    }

    fn of_postgres(row: &'r tokio_postgres::Row, column: usize) -> Result<Self, StoreError> {
        Self::try_from(i64::of_postgres(row, column)?).map_err(unreadable)
    }
}

impl<'r> Column<'r> for OwnedUid {
    fn of_sqlite(value: ValueRef<'r>) -> Result<Self, StoreError> {
        match value {
            ValueRef::Blob(bytes) => Self::of_bytes(bytes),
            ValueRef::Text(text) => Ok(Self(String::from_utf8(text.to_vec()).map_err(unreadable)?)),
            _ => Err(other(Kind::Bytes, value)),
        }
    }

    fn of_postgres(row: &'r tokio_postgres::Row, column: usize) -> Result<Self, StoreError> {
        let bytes: &[u8] = from_postgres(row, column)?;
        match bytes.strip_prefix(NO_UUID.as_slice()).and_then(|rest| rest.strip_prefix(b":")) {
            Some(text) => Ok(Self(String::from_utf8_lossy(text).into_owned())),
            None => Self::of_bytes(bytes),
        }
    }
}

impl<'r> Column<'r> for Option<OwnedUid> {
    fn of_sqlite(value: ValueRef<'r>) -> Result<Self, StoreError> {
        match value {
            ValueRef::Null => Ok(None),
            _ => OwnedUid::of_sqlite(value).map(Some),
        }
    }

    fn of_postgres(row: &'r tokio_postgres::Row, column: usize) -> Result<Self, StoreError> {
        let bytes: Option<&[u8]> = from_postgres(row, column)?;
        bytes.map(|_| OwnedUid::of_postgres(row, column)).transpose()
    }
}

/// So many rows are asked for by one statement: to a server each is a way there and back.
pub(super) const AT_ONCE: usize = 50;

/// Places for values, in brackets, and the values. There are [`AT_ONCE`] places, or one for one value: so there are two statements
/// to prepare and not fifty. What is left is filled with the last value.
pub(super) fn one_of(values: impl Iterator<Item = Value>) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = values.collect();
    let places = if values.len() > 1 { AT_ONCE.max(values.len()) } else { values.len() };
    if let Some(last) = values.last().cloned() {
        values.resize(places, last);
    }
    (format!("({})", vec!["?"; places].join(", ")), values)
}
