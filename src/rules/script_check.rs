//! What a script says, read from its syntax tree before it is ever run: the names that it mentions, and what could only
//! fail (a field or a function that does not exist, a wrong number of values, an expression or zone that is none).

use super::{
    pattern::Pattern,
    script_error::{NAMES, ScriptError, nearest},
    values,
};
use jiff::tz::TimeZone;
use rhai::{AST, ASTNode, BinaryExpr, Engine, Expr, FnCallExpr, Position, Stmt};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// How many mistakes of one script are told.
const MAX_LISTED: usize = 50;

/// What rhai calls without its being registered anywhere.
const KEYWORDS: [&str; 7] = ["Fn", "call", "curry", "type_of", "is_shared", "is_def_var", "is_def_fn"];

/// The functions that scripts can call, each with the numbers of values that it takes.
#[derive(Debug, Default)]
pub(super) struct FunctionTable(BTreeMap<String, BTreeSet<usize>>);

impl FunctionTable {
    /// All that is registered; `with_language` adds what the language itself brings.
    pub(super) fn of(engine: &Engine, with_language: bool) -> Self {
        let all = engine.collect_fn_metadata(
            None,
            |info| Some((info.metadata.name.to_string(), info.metadata.num_params)),
            with_language,
        );
        let mut known = Self::default();
        for (name, count) in all {
            known.0.entry(name).or_default().insert(count);
        }
        known
    }

    /// The names that a person would write.
    pub(super) fn names(&self) -> Vec<&str> {
        let word = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        self.0.keys().map(String::as_str).filter(word).collect()
    }
}

/// One mention of a name that scripts see, such as `thread.tags`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NameRef {
    pub(super) root: String,
    pub(super) field: Option<String>,
    /// What is read of the field: `calendar` of `workspace.vars.calendar`.
    pub(super) inner: Option<String>,
}

/// Every mention, in order.
///
/// # Errors
/// Everything that could only fail.
pub(super) fn analyze(ast: &AST, known: &FunctionTable) -> Result<Vec<NameRef>, Vec<ScriptError>> {
    let functions = ast.clone_functions_only();
    let mut eye =
        Visitor { known, own: LocalNames::of(ast), in_function: false, mentions: Vec::new(), wrong: Vec::new() };
    let mut path = Vec::new();
    for statement in ast.statements() {
        statement.walk(&mut path, &mut |path| eye.node(path));
    }
    eye.in_function = true;
    functions.walk(&mut |path| eye.node(path));
    if eye.wrong.is_empty() { Ok(eye.mentions) } else { Err(eye.wrong) }
}

/// What the script defines itself: nothing is said against these names.
#[derive(Default)]
struct LocalNames {
    variables: HashSet<String>,
    functions: BTreeMap<String, BTreeSet<usize>>,
    /// Keys of maps, which may hold closures: `map.key(1)`.
    keys: HashSet<String>,
}

impl LocalNames {
    fn of(ast: &AST) -> Self {
        let mut own = Self::default();
        for function in ast.iter_functions() {
            own.functions.entry(function.name.to_owned()).or_default().insert(function.params.len());
            own.variables.extend(function.params.iter().map(|name| (*name).to_owned()));
        }
        ast.walk(&mut |path| {
            match path.last() {
                Some(ASTNode::Stmt(Stmt::Var(var, ..))) => {
                    own.variables.insert(var.0.name.to_string());
                }
                Some(ASTNode::Stmt(Stmt::For(each, ..))) => {
                    let names = std::iter::once(&each.0).chain(each.1.as_ref());
                    own.variables.extend(names.map(|ident| ident.name.to_string()));
                }
                Some(ASTNode::Expr(Expr::Map(map, ..))) => {
                    own.keys.extend(map.0.iter().map(|(key, _)| key.name.to_string()));
                }
                Some(ASTNode::Expr(Expr::Property(property, ..))) => {
                    own.keys.insert(property.2.to_string());
                }
                _ => {}
            }
            true
        });
        own
    }
}

struct Visitor<'a> {
    known: &'a FunctionTable,
    own: LocalNames,
    in_function: bool,
    mentions: Vec<NameRef>,
    wrong: Vec<ScriptError>,
}

impl Visitor<'_> {
    /// Looks at the last node of a path; goes on whatever is wrong, so that all of it is told.
    fn node(&mut self, path: &[ASTNode<'_>]) -> bool {
        let parent = path.len().checked_sub(2).and_then(|at| path.get(at));
        match path.last() {
            Some(ASTNode::Expr(node @ Expr::Variable(variable, _, position))) => {
                let root = variable.1.as_str();
                // A closure takes it as a whole, with all that costs a request.
                if self.in_function && root == "thread" {
                    let message = format!("`{root}` is not seen inside a function or closure");
                    let hint = format!("take what it needs before it: `let count = {root}.reply_count;`");
                    self.report(message, *position, hint);
                }
                self.name(root, node, parent, *position);
            }
            Some(ASTNode::Expr(Expr::FnCall(call, position)) | ASTNode::Stmt(Stmt::FnCall(call, position))) => {
                self.call(call, false, *position);
            }
            Some(ASTNode::Expr(Expr::MethodCall(call, position))) => self.call(call, true, *position),
            Some(ASTNode::Stmt(Stmt::Assignment(parts))) => self.assignment(&parts.1.lhs),
            _ => {}
        }
        true
    }

    fn name(&mut self, root: &str, node: &Expr, parent: Option<&ASTNode<'_>>, position: Position) {
        if !NAMES.contains(&root) {
            return;
        }
        let field = parent.and_then(|parent| field_of(node, parent));
        if let (Some(field), Some(fields)) = (&field, values::fields_of(root))
            && !self.own.variables.contains(root)
            && !fields.iter().any(|(name, _)| name == field)
        {
            let known: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
            let hint = match nearest(field, &known) {
                Some(near) => format!("did you mean `{root}.{near}`?"),
                None => format!("`{root}` has {}", known.join(", ")),
            };
            self.report(format!("`{root}.{field}` does not exist"), position, hint);
        }
        if let (Some(field), Some((property, place))) = (&field, parent.and_then(|parent| property_of(node, parent)))
            && root != "captures"
            && !(root == "workspace" && field == "vars")
            && !self.own.variables.contains(root)
            && !self.known.0.contains_key(&format!("get${property}"))
        {
            let hint = match property.as_str() {
                "length" | "size" | "count" => "write `.len()`",
                _ => "the functions are listed in docs/rules.md, under Scripts; a call has brackets: `.len()`",
            };
            self.report(format!("`{root}.{field}` has no `{property}`"), place, hint);
        }
        let inner = parent.and_then(|parent| inner_of(node, parent));
        self.mentions.push(NameRef { root: root.to_owned(), field, inner });
    }

    /// What a script sees cannot be changed by it.
    fn assignment(&mut self, left: &Expr) {
        let Expr::Dot(pair, ..) = left else { return };
        let root = match &pair.lhs {
            Expr::Variable(variable, ..) => variable.1.to_string(),
            _ => return,
        };
        if NAMES.contains(&root.as_str()) && !self.own.variables.contains(&root) {
            let message = format!("`{root}` cannot be changed");
            self.report(message, pair.lhs.position(), "compare with `==`");
        }
    }

    fn call(&mut self, call: &FnCallExpr, is_method: bool, position: Position) {
        let name = call.name.as_str();
        let own = self.own.variables.contains(name) || (is_method && self.own.keys.contains(name));
        if call.is_operator_call() || call.is_qualified() || KEYWORDS.contains(&name) || own {
            return;
        }
        let given = call.args.len();
        // What a method is called on is a native function's first value, and `this` of one of the script's own.
        let whole = given + usize::from(is_method);
        let native = self.known.0.get(name);
        let own = self.own.functions.get(name);
        if native.is_none() && own.is_none() {
            let mut candidates = self.known.names();
            candidates.extend(self.own.functions.keys().map(String::as_str));
            let hint = match nearest(name, &candidates) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "the functions are listed in docs/rules.md, under Scripts".to_owned(),
            };
            return self.report(format!("there is no function `{name}`"), position, hint);
        }
        let fits = native.is_some_and(|counts| counts.contains(&whole))
            || own.is_some_and(|counts| counts.contains(&given) || counts.contains(&whole));
        if !fits {
            let before = usize::from(is_method && native.is_some());
            let counts = native.or(own).into_iter().flatten();
            let counts: Vec<String> = counts.map(|count| count.saturating_sub(before).to_string()).collect();
            let what = if is_method { "method" } else { "function" };
            let message = format!("`{name}` takes {} values as a {what}, not {given}", counts.join(" or "));
            return self.report(message, position, "the functions are listed in docs/rules.md, under Scripts");
        }
        let Some(Expr::StringConstant(text, place)) = call.args.get(1 - usize::from(is_method)) else { return };
        match name {
            "regex_is_match" | "regex_capture" | "regex_captures" => {
                if let Err(error) = Pattern::new(text) {
                    let hint = "in a script `\\` is written twice, or the text stands between back quotes";
                    self.report(format!("this is no regular expression: {}", error.message), *place, hint);
                }
            }
            "weekday" | "hour" | "date" if TimeZone::get(text).is_err() => {
                let hint = "zones are named as in America/New_York";
                self.report(format!("`{text}` is no time zone"), *place, hint);
            }
            _ => {}
        }
    }

    fn report(&mut self, message: String, position: Position, hint: impl Into<String>) {
        let (line, column) = (position.line(), position.position());
        let error = ScriptError { message, line, column, hint: Some(hint.into()) };
        if self.wrong.len() < MAX_LISTED && !self.wrong.contains(&error) {
            self.wrong.push(error);
        }
    }
}

/// The field that is read of a name: `.field`, or `["field"]`.
pub(super) fn field_of(node: &Expr, parent: &ASTNode<'_>) -> Option<String> {
    head(rest_of(node, parent)?)
}

/// What is read of the field of a name.
fn inner_of(node: &Expr, parent: &ASTNode<'_>) -> Option<String> {
    match rest_of(node, parent)? {
        Expr::Dot(pair, ..) | Expr::Index(pair, ..) => head(&pair.rhs),
        _ => None,
    }
}

/// What follows a name in a chain; it leans to the right: `a.(b.c)`.
fn rest_of<'e>(node: &Expr, parent: &ASTNode<'e>) -> Option<&'e Expr> {
    let is_left = |pair: &BinaryExpr| std::ptr::eq(&raw const pair.lhs, node);
    match parent {
        ASTNode::Expr(Expr::Dot(pair, ..) | Expr::Index(pair, ..)) if is_left(pair) => Some(&pair.rhs),
        _ => None,
    }
}

fn head(rest: &Expr) -> Option<String> {
    match rest {
        Expr::Dot(pair, ..) | Expr::Index(pair, ..) => named(&pair.lhs),
        other => named(other),
    }
}

/// What is read of a field as if it were a map: `length` in `lead.name.length`.
fn property_of(node: &Expr, parent: &ASTNode<'_>) -> Option<(String, Position)> {
    let ASTNode::Expr(Expr::Dot(pair, ..)) = parent else { return None };
    if !std::ptr::eq(&raw const pair.lhs, node) {
        return None;
    }
    let Expr::Dot(rest, ..) = &pair.rhs else { return None };
    let next = match &rest.rhs {
        Expr::Dot(next, ..) | Expr::Index(next, ..) => &next.lhs,
        other => other,
    };
    match (&rest.lhs, next) {
        (Expr::Property(..), Expr::Property(property, position)) => Some((property.2.to_string(), *position)),
        _ => None,
    }
}

fn named(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Property(property, ..) => Some(property.2.to_string()),
        Expr::StringConstant(text, ..) => Some(text.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{script::ScriptEngine, script_functions::FUNCTIONS};

    fn looked(source: &str) -> Result<Vec<(String, Option<String>)>, ScriptError> {
        let found = ScriptEngine::new().analyze(source).map_err(|mut all| all.remove(0))?;
        Ok(found.into_iter().map(|mention| (mention.root, mention.field)).collect())
    }

    #[test]
    fn names_are_found_in_code_only() {
        let check = |source: &str, expected: &[(&str, Option<&str>)]| {
            let found = looked(source).unwrap_or_else(|error| panic!("{source}: {error:?}"));
            let found: Vec<_> = found.iter().map(|(root, field)| (root.as_str(), field.as_deref())).collect();
            assert_eq!(found, expected, "{source}");
        };
        check("thread.tags.contains(\"a\")", &[("thread", Some("tags"))]);
        check("thread[\"tags\"] // message.text", &[("thread", Some("tags"))]);
        check("thread[\"tags\"].len() == 1", &[("thread", Some("tags"))]);
        check("/* message */ lead?.email == \"thread.tags\"", &[("lead", Some("email"))]);
        check("`${message.text} lead.id` == \"\"", &[("message", Some("text"))]);
        check("let x = #{a: 1}; x.lead", &[]);
        check("thread.keys()", &[("thread", None)]);
        check(
            "\"emea\" in thread.tags && !lead.email.is_empty()",
            &[("thread", Some("tags")), ("lead", Some("email"))],
        );
        check("let l = lead; [1].filter(|n| l.email == n)", &[("lead", None)]);
        check("let lead = #{ mine: 1 }; lead.mine", &[("lead", Some("mine"))]);
        check("workspace.vars.calendar != ()", &[("workspace", Some("vars"))]);
    }

    #[test]
    fn what_is_read_of_a_field_is_found() {
        let inner = |source: &str| ScriptEngine::new().analyze(source).unwrap().remove(0).inner;
        assert_eq!(inner("workspace.vars.calendar != ()").as_deref(), Some("calendar"));
        assert_eq!(inner("workspace.vars[\"calendar\"].len() > 1").as_deref(), Some("calendar"));
        assert_eq!(inner("workspace[\"vars\"].calendar == `x`").as_deref(), Some("calendar"));
        assert_eq!(inner("workspace.vars.keys()"), None);
        assert_eq!(inner("workspace.name == `acme`"), None);
    }

    #[test]
    fn what_can_only_fail_has_a_place_and_a_hint() {
        let check = |source: &str, place: (usize, usize), message: &str, hint: &str| {
            let error = looked(source).expect_err(source);
            assert_eq!((error.line, error.column), (Some(place.0), Some(place.1)), "{source}: {error:?}");
            assert!(error.message.contains(message), "{source}: {error:?}");
            assert!(error.hint.as_ref().is_some_and(|found| found.contains(hint)), "{source}: {error:?}");
        };
        check("let a = 1;\n  thread.reply_cout < 6", (2, 3), "reply_cout", "thread.reply_count");
        check("message.text.contain_ci(\"x\")", (1, 14), "no function `contain_ci`", "`contains_ci`");
        check("if true {\n  domain_off(lead.email)\n}", (2, 3), "no function `domain_off`", "`domain_of`");
        check("domain_off(lead.email); true", (1, 1), "no function `domain_off`", "`domain_of`");
        check("thread.tags.filter(|t| t.starts_wth(\"a\"))", (1, 26), "no function `starts_wth`", "`starts_with`");
        check("fn f(a) { a } f(1, 2)", (1, 15), "`f` takes 1 values", "docs/rules.md");
        check("now.hour()", (1, 5), "`hour` takes 1 values as a method, not 0", "docs/rules.md");
        check("hour(now)", (1, 1), "`hour` takes 2 values as a function, not 1", "docs/rules.md");
        check("now.hour(\"Mars\") == 1", (1, 10), "no time zone", "America/New_York");
        check("regex_is_match(lead.email, \"(\")", (1, 28), "no regular expression", "back quotes");
        check("[1].filter(|n| thread.reply_count == n)", (1, 16), "not seen inside", "let count = thread.reply_count;");
        check("sleep(5); true", (1, 1), "", "");
    }

    #[test]
    fn own_functions_closures_and_maps_are_left_alone() {
        for source in [
            "fn twice(n) { n * 2 } twice(2) == 4 && 2.twice() == 4",
            "fn mine() { this } 2.mine() == 2",
            "let f = |n| n + 1; f.call(1) == 2 && call(f, 1) == 2",
            "let m = #{ add: |n| n + 1 }; m.add(1) == 2",
            "type_of(1) == \"i64\"",
            "for x in [1] { x.to_string(); } true",
            "regex_is_match(lead.email, `\\d`)",
            "switch thread.category { \"a\" => true, _ => false }",
        ] {
            let found = looked(source);
            assert!(found.is_ok(), "{source}: {found:?}");
        }
    }

    #[test]
    fn the_table_of_functions_is_what_is_registered() {
        let engine = ScriptEngine::new();
        let registered: BTreeSet<String> = engine.own_functions().into_iter().collect();
        let told: BTreeSet<String> = FUNCTIONS.iter().map(|function| function.name().to_owned()).collect();
        assert_eq!(registered, told);
    }
}
