//! `lookup` in scripts: a row of a list as a map of its columns.

use super::{listed::find_value, script_check::field_of};
use crate::lists::{Cell, Lists, Row};
use rhai::{AST, ASTNode, Dynamic, Engine, EvalAltResult, Expr, ImmutableString, Map, Position, Stmt};
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

thread_local! {
    /// The lists of the script that is run on this thread.
    static LISTS: RefCell<Option<Lists>> = const { RefCell::new(None) };
}

/// While it is there, scripts on this thread look into these lists.
pub(super) struct InUse(());

impl InUse {
    pub(super) fn of(lists: &Lists) -> Self {
        LISTS.with_borrow_mut(|current| *current = (!lists.is_empty()).then(|| Arc::clone(lists)));
        Self(())
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        LISTS.with_borrow_mut(|current| *current = None);
    }
}

/// A `lookup` of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScriptLookup {
    /// The list's name and its place, where it stands there as a text.
    pub(super) list: Option<(String, Position)>,
    /// The columns that are read of the row, as far as can be told.
    pub(super) columns: Vec<(String, Position)>,
}

pub(super) fn register(engine: &mut Engine) {
    engine.register_fn("lookup", |name: ImmutableString, value: Dynamic| -> Result<Dynamic, Box<EvalAltResult>> {
        LISTS.with_borrow(|lists| {
            let Some(list) = lists.as_ref().and_then(|lists| lists.get(name.as_str())) else {
                return Err(format!("there is no list `{name}`").into());
            };
            let found = match value.as_immutable_string_ref() {
                Ok(text) => find_value(list, &text),
                Err(_) if value.is_unit() => None,
                Err(_) if value.is_int() || value.is_float() => find_value(list, &value.to_string()),
                Err(_) => return Err("`lookup` finds a text, such as `lead.domain`".into()),
            };
            Ok(found.map_or(Dynamic::UNIT, |row| map_of(list.columns(), row)))
        })
    });
}

/// A blank cell is `()`, so that only a column that does not exist is an error.
fn map_of(columns: &[String], row: Row<'_>) -> Dynamic {
    let mut map: Map = columns.iter().map(|column| (column.as_str().into(), Dynamic::UNIT)).collect();
    for (column, cell) in row.cells() {
        let value = match cell {
            Cell::Text(text) => Dynamic::from(text.to_owned()),
            Cell::Int(number) => Dynamic::from(number),
            Cell::Float(number) => Dynamic::from(number),
            Cell::Bool(flag) => Dynamic::from(flag),
        };
        map.insert(column.into(), value);
    }
    map.into()
}

/// Every call of `lookup`, with the columns that are read of what it gives: of the variable that has it, or at once.
pub(super) fn lookups(ast: &AST) -> Vec<ScriptLookup> {
    let mut found: Vec<ScriptLookup> = Vec::new();
    let mut places: HashMap<Position, usize> = HashMap::new();
    let mut bound: BTreeMap<String, Option<Position>> = BTreeMap::new();
    ast.walk(&mut |path| {
        match path.last() {
            Some(ASTNode::Expr(Expr::FnCall(call, at)) | ASTNode::Stmt(Stmt::FnCall(call, at)))
                if call.name == "lookup" =>
            {
                let list = match call.args.first() {
                    Some(Expr::StringConstant(text, place)) => Some((text.to_string(), *place)),
                    _ => None,
                };
                places.insert(*at, found.len());
                found.push(ScriptLookup { list, columns: Vec::new() });
            }
            Some(ASTNode::Expr(Expr::MethodCall(call, _))) if call.name == "lookup" => {
                found.push(ScriptLookup { list: None, columns: Vec::new() });
            }
            Some(ASTNode::Stmt(Stmt::Var(var, ..))) => {
                let row = match &var.1 {
                    Expr::FnCall(call, at) if call.name == "lookup" => Some(*at),
                    _ => None,
                };
                // A name that is given twice may mean either.
                bound.entry(var.0.name.to_string()).and_modify(|known| *known = None).or_insert(row);
            }
            _ => {}
        }
        true
    });
    let mut columns = Vec::new();
    ast.walk(&mut |path| {
        let parent = path.len().checked_sub(2).and_then(|at| path.get(at));
        let Some(ASTNode::Expr(node)) = path.last() else { return true };
        let row = match node {
            Expr::FnCall(call, at) if call.name == "lookup" => Some(*at),
            Expr::Variable(variable, ..) => bound.get(variable.1.as_str()).copied().flatten(),
            _ => None,
        };
        if let Some(column) = row.and(parent).and_then(|parent| field_of(node, parent)) {
            columns.extend(row.map(|row| (row, column, node.position())));
        }
        true
    });
    for (row, column, at) in columns {
        if let Some(lookup) = places.get(&row).and_then(|place| found.get_mut(*place)) {
            lookup.columns.push((column, at));
        }
    }
    found
}
