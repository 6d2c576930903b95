//! Writing a store's file anew, without the space of what was removed.

use crate::store::{
    StoreError,
    sql::{SqlStore, connection::Connection},
};

impl SqlStore {
    /// Compacts the file; its size before and after. From then on it gives space back by itself. On a server nothing is done.
    ///
    /// # Errors
    /// There is not enough free disk, or the store fails; then the file is as it was.
    pub async fn compact(&self) -> Result<(u64, u64), StoreError> {
        let Some(writer) = &self.writer else {
            return Err(StoreError::Database("the store is open to be looked at only".to_owned()));
        };
        let sizes = writer.read(|connection| match connection {
            Connection::Sqlite(connection) => {
                let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
                let size = || Ok::<_, rusqlite::Error>((pragma("page_count")? * pragma("page_size")?).unsigned_abs());
                let before = size()?;
                // Takes effect with what follows.
                connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
                connection.execute_batch("VACUUM")?;
                Ok((before, size()?))
            }
            Connection::Postgres(_) => Ok((0, 0)),
        });
        let sizes = sizes.await?;
        self.empty_log().await?;
        Ok(sizes)
    }
}
