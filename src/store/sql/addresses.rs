//! Addresses that must be recognised and not be read: their keyed hashes.

use super::connection::{Connection, params};
use crate::{model::known_by, store::StoreError};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::sync::{Arc, OnceLock};

/// The store's own key, once it was read. Without it, nobody can find out which address a hash is of by trying some.
#[derive(Debug, Clone, Default)]
pub(super) struct AddressKey(Arc<OnceLock<Vec<u8>>>);

impl AddressKey {
    /// The hash of an address in lower case; `None` for a store that has no key, and so no hash.
    pub(super) fn hash(&self, connection: &Connection, address: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let key = match self.0.get() {
            Some(key) => key,
            None => {
                let mut query = connection.prepare_cached("SELECT secret FROM address_key WHERE id = 1")?;
                let Some(found) = query.query_optional(params![], |row| row.get::<Vec<u8>>(0))? else {
                    return Ok(None);
                };
                self.0.get_or_init(|| found)
            }
        };
        let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(super::codec::unreadable)?;
        mac.update(address.as_bytes());
        Ok(Some(mac.finalize().into_bytes().to_vec()))
    }

    /// How a thread's row in the store names its lead: part of the hash. 0 stands for nobody.
    pub(super) fn of_thread(&self, connection: &Connection, lead_email: Option<&str>) -> Result<i64, StoreError> {
        self.number_of(connection, lead_email.and_then(known_by).as_deref())
    }

    /// The same of one form of an address.
    pub(super) fn number_of(&self, connection: &Connection, address: Option<&str>) -> Result<i64, StoreError> {
        let hash = self.hash_of(connection, address)?;
        let Some([a, b, c, d, e, f, g, h, ..]) = hash.as_deref() else { return Ok(0) };
        let number = i64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
        Ok(if number == 0 { 1 } else { number })
    }

    /// What stands for an address that was erased: text that is no address.
    pub(super) fn hidden(&self, connection: &Connection, address: &str) -> Result<Option<String>, StoreError> {
        let Some(hash) = self.hash(connection, address)? else { return Ok(None) };
        let hex = hash.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        Ok(Some(format!("erased:{hex}")))
    }

    /// The same, if there is an address.
    pub(super) fn hash_of(
        &self,
        connection: &Connection,
        address: Option<&str>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(address.map(|address| self.hash(connection, address)).transpose()?.flatten())
    }
}

/// Gives a new store its key.
pub(super) fn ensure_key(connection: &Connection) -> Result<(), StoreError> {
    // 244 random bits of the system.
    let secret = [uuid::Uuid::new_v4().into_bytes(), uuid::Uuid::new_v4().into_bytes()].concat();
    let add = "INSERT INTO address_key (id, secret) VALUES (1, ?) ON CONFLICT DO NOTHING";
    connection.execute(add, params![secret]).map(drop)
}
