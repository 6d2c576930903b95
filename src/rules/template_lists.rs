//! `lookup` in templates: a row of a list as a mapping of its columns.

use super::listed::find_value;
use crate::lists::{Cell, List, Lists};
use minijinja::{
    Environment, Error, ErrorKind, State, Value, filters,
    value::{Enumerator, Object, Rest},
};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// Where a template's context has the lists. No template can name it.
const LISTS: &str = " lists";

/// A row. A blank cell has no value.
struct RowValue {
    list: Arc<List>,
    number: usize,
}

/// What a value is found as that is not in the list: false in `if`, not defined, and without any column.
#[derive(Debug)]
struct NoRow;

/// What a row is taken for while a template is tried out: it has every column.
#[derive(Debug)]
struct SampleRow(&'static str);

/// The lists of a workspace.
#[derive(Debug)]
struct ListsValue(Lists);

impl fmt::Debug for RowValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.list.row(self.number).fmt(f)
    }
}

impl Object for RowValue {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let cell = self.list.row(self.number)?.get(key.as_str()?)?;
        Some(match cell {
            Cell::Text(text) => Value::from(text),
            Cell::Int(number) => Value::from(number),
            Cell::Float(number) => Value::from(number),
            Cell::Bool(flag) => Value::from(flag),
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names = self.list.row(self.number).into_iter().flat_map(|row| row.cells());
        Enumerator::Values(names.map(|(name, _)| Value::from(name)).collect())
    }
}

impl Object for NoRow {
    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        None
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Empty
    }

    fn is_true(self: &Arc<Self>) -> bool {
        false
    }
}

impl Object for SampleRow {
    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        Some(Value::from(self.0))
    }
}

impl Object for ListsValue {}

/// Adds what templates ask lists with.
pub(super) fn register(environment: &mut Environment<'static>) {
    environment.add_filter("lookup", lookup);
    for name in ["default", "d"] {
        environment.add_filter(name, |state: &State<'_, '_>, value: &Value, others: Rest<Value>| {
            let absent = Value::UNDEFINED;
            filters::default(state, if is_no_row(value) { &absent } else { value }, others)
        });
    }
    environment.add_test("defined", |value: &Value| !value.is_undefined() && !is_no_row(value));
    environment.add_test("undefined", |value: &Value| value.is_undefined() || is_no_row(value));
}

/// While a template is tried out, no list is looked into.
pub(super) fn register_samples(environment: &mut Environment<'static>, filled: Option<&'static str>) {
    environment.add_filter("lookup", move |_: &Value, _: &Value| match filled {
        Some(sample) => Value::from_object(SampleRow(sample)),
        None => Value::from_object(NoRow),
    });
}

/// Why a value is not printed, if it is a row: nobody means to send all of it.
pub(super) fn check_printed(value: &Value) -> Result<(), Error> {
    if is_no_row(value) {
        return Err(Error::new(ErrorKind::UndefinedError, "the value is not in the list"));
    }
    if value.downcast_object_ref::<RowValue>().is_some() {
        let message = "this is a whole row of a list; print one of its columns, such as `account.owner`";
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    Ok(())
}

/// A context in which templates can look into lists.
pub(super) fn with_lists(context: Value, lists: &Lists) -> Value {
    if lists.is_empty() {
        return context;
    }
    let own = BTreeMap::from([(LISTS, Value::from_object(ListsValue(Arc::clone(lists))))]);
    minijinja::value::merge_maps([context, Value::from(own)])
}

/// `{{ (lead.domain | lookup("target-accounts")).owner }}`
fn lookup(state: &State<'_, '_>, value: &Value, name: &str) -> Result<Value, Error> {
    let lists = state.lookup(LISTS);
    let lists = lists.as_ref().and_then(|lists| lists.downcast_object_ref::<ListsValue>());
    let Some(list) = lists.and_then(|lists| lists.0.get(name)) else {
        return Err(Error::new(ErrorKind::InvalidOperation, format!("there is no list `{name}`")));
    };
    let found = match value.as_str() {
        Some(text) => find_value(list, text),
        None if value.is_undefined() || value.is_none() => None,
        None if value.is_number() => find_value(list, &value.to_string()),
        None => {
            let message = "`lookup` finds a text, such as `lead.domain`";
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        }
    };
    Ok(match found {
        Some(row) => Value::from_object(RowValue { list: Arc::clone(list), number: row.number() }),
        None => Value::from_object(NoRow),
    })
}

fn is_no_row(value: &Value) -> bool {
    value.downcast_object_ref::<NoRow>().is_some()
}
