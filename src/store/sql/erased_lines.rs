//! Lines of the audit log that name a person who is erased: they stay, without the address.

use super::{SqlStore, codec::to_json, connection::params, session::Session};
use crate::store::StoreError;
use serde_json::Value;

/// So many lines are looked at in one transaction.
const ROWS_AT_ONCE: u32 = 500;
/// The next lines of the audit log.
pub(super) const AUDIT: &str = "SELECT id, target, details FROM audit WHERE id > ?1 ORDER BY id LIMIT ?2";

/// A line of the audit log, as far as it may name a person.
struct AuditLine {
    id: String,
    target: Option<String>,
    details: String,
}

/// A line that is written without the address.
struct ErasedLine {
    line: AuditLine,
    /// What it says of other workspaces, in which the person is not erased: a line of its own.
    of_others: Option<AuditLine>,
}

impl SqlStore {
    /// Lines of the audit log stay, without the address. What one says of other workspaces, too, becomes another line, which
    /// stays as it is.
    pub(super) async fn erase_audit(&self, address: &str, workspaces: Option<&[String]>) -> Result<u64, StoreError> {
        let (mut after, mut changed) = (String::new(), 0);
        loop {
            let from = after.clone();
            let lines: Vec<AuditLine> = self
                .read(move |connection| {
                    connection.prepare_cached(AUDIT)?.query_all(params![from, ROWS_AT_ONCE], |row| {
                        Ok(AuditLine { id: row.get(0)?, target: row.get(1)?, details: row.get(2)? })
                    })
                })
                .await?;
            let Some(last) = lines.last().map(|line| line.id.clone()) else { return Ok(changed) };
            after = last;
            let lines: Vec<ErasedLine> =
                lines.into_iter().filter_map(|line| line.without(address, workspaces)).collect();
            if lines.is_empty() {
                continue;
            }
            changed += lines.len() as u64;
            self.write(move |session| lines.iter().try_for_each(|line| line.write(session))).await?;
        }
    }
}

impl ErasedLine {
    fn write(&self, session: &Session<'_>) -> Result<(), StoreError> {
        let AuditLine { id, target, details } = &self.line;
        if let Some(others) = &self.of_others {
            let copy = "INSERT INTO audit (id, at, who, remote, what, target, details, request_id)
                 SELECT ?2, at, who, remote, what, ?3, ?4, request_id FROM audit WHERE id = ?1";
            session.connection.execute(copy, params![id, others.id, others.target, others.details])?;
        }
        let update = "UPDATE audit SET target = ?2, details = ?3 WHERE id = ?1";
        session.connection.execute(update, params![id, target, details]).map(drop)
    }
}

impl AuditLine {
    /// The line without the address; `None` if it does not name it, or is about other workspaces alone.
    fn without(self, address: &str, workspaces: Option<&[String]>) -> Option<ErasedLine> {
        let names = |text: &str| text.to_lowercase().contains(address);
        let is_target = self.target.as_deref().is_some_and(names);
        let mut details: Value = serde_json::from_str(&self.details).unwrap_or_default();
        let mut of_others = None;
        if let Some(known) = workspaces {
            let is_about = |name: &Value| name.as_str().is_some_and(|name| known.iter().any(|known| known == name));
            let listed = details.get("workspaces").and_then(Value::as_array);
            let is_theirs = match (details.get("workspace"), listed) {
                (_, Some(listed)) => listed.iter().any(is_about),
                (Some(one), None) => is_about(one),
                (None, None) => false,
            };
            if !is_theirs {
                return None;
            }
            let listed: Vec<Value> = listed.cloned().unwrap_or_default();
            let (theirs, others): (Vec<Value>, Vec<Value>) = listed.into_iter().partition(is_about);
            if !others.is_empty() {
                let mut rest = details.clone();
                set_workspaces(&mut rest, others);
                set_workspaces(&mut details, theirs);
                of_others = Some(Self { id: beside(&self.id), target: self.target.clone(), details: rest.to_string() });
            }
        }
        let is_named = erase_value(&mut details, &names);
        let target = if is_target { Some("erased".to_owned()) } else { self.target };
        let line = Self { target, details: to_json(&details).ok()?, id: self.id };
        (is_target || is_named).then_some(ErasedLine { line, of_others })
    }
}

fn set_workspaces(details: &mut Value, names: Vec<Value>) {
    if let Some(map) = details.as_object_mut() {
        map.insert("workspaces".to_owned(), Value::Array(names));
    }
}

/// An id of the same time as another one.
fn beside(id: &str) -> String {
    let new = uuid::Uuid::now_v7().to_string();
    match (id.get(..18), new.get(18..)) {
        (Some(time), Some(rest)) if id.len() == new.len() => format!("{time}{rest}"),
        _ => new,
    }
}

/// Replaces each text that names the person; whether there was one.
fn erase_value(value: &mut Value, names: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) if names(text) => {
            *text = "erased".to_owned();
            true
        }
        Value::Array(list) => list.iter_mut().map(|one| erase_value(one, names)).filter(|named| *named).count() > 0,
        Value::Object(map) => map.values_mut().map(|one| erase_value(one, names)).filter(|named| *named).count() > 0,
        _ => false,
    }
}
