//! `then`: actions with their templates, destinations and timing.

use super::{Loader, TemplateSite, TextSource, texts::MAX_LISTED};
use crate::diagnostics::{Diagnostic, Located, code};
use crate::yaml::{Fields, Node, Value, did_you_mean};
use crate::{
    destinations::destination_info,
    model::{ActionKind, DestinationKind, Repeat, Timing},
    rules::{
        context::WorkspaceContext,
        definition::{ActionDef, Content},
        schema::of_action,
        script::Script,
        template::{TemplateError, TemplateRef},
        template_names,
    },
};
/// What an action's place in the file gives it.
pub(super) struct Place<'p> {
    rule: &'p str,
    index: usize,
    /// The rule's script sees nothing that a lead writes.
    pub(super) vars_are_ours: bool,
}

impl Place<'_> {
    pub(super) fn template(&self, part: &str) -> String {
        format!("{}/{}/{part}", self.rule, self.index)
    }
}

impl Loader<'_> {
    pub(super) fn actions(&mut self, node: &Node, rule: &str, script: Option<&Script>) -> Vec<ActionDef> {
        let items = node.list_or_one();
        if items.is_empty() {
            let error = Diagnostic::error(code::NO_ACTION, node, "`then` is empty: the rule does nothing");
            self.out.push(error.hint("list what it does, such as `then: [star]`"));
        }
        let vars_are_ours = script.is_some_and(|script| !script.reads_what_leads_write());
        let place = |index| Place { rule, index, vars_are_ours };
        let read = items.iter().enumerate().map(|(index, item)| self.action(item, &place(index)));
        let read: Vec<Option<ActionDef>> = read.collect();
        read.into_iter().flatten().collect()
    }

    fn action(&mut self, node: &Node, place: &Place<'_>) -> Option<ActionDef> {
        let (key, value) = match &node.value {
            Value::Scalar(_) => (node, None),
            Value::Mapping(entries) => match entries.as_slice() {
                [(key, value)] => (key, Some(value)),
                [] => return self.unknown_action(node),
                [_, (second, _), ..] => {
                    let message =
                        format!("`{}` stands beside another key: each action is a list item of its own", second.text());
                    let hint = "begin each action with `- `, and indent what belongs to it below it";
                    self.out.push(Diagnostic::error(code::UNKNOWN_ACTION, second, message).hint(hint));
                    return None;
                }
            },
            Value::List(_) => return self.unknown_action(node),
        };
        let Ok(kind) = key.text().parse::<ActionKind>() else { return self.unknown_action(key) };
        let value = value.filter(|value| !value.is_null());
        match kind {
            ActionKind::Reply => self.reply(key, value, place),
            ActionKind::Star | ActionKind::Unstar | ActionKind::MarkRead => {
                let timing = match value {
                    Some(value) => {
                        let fields = value.fields(of_action(kind), &mut self.out)?;
                        self.timing(&fields, kind)
                    }
                    None => plain_timing(kind),
                };
                Some(ActionDef { kind, target: None, timing, content: Content::None, at: key.location() })
            }
            ActionKind::Forward(kind) => self.forward(kind, key, value, place),
        }
    }

    fn unknown_action(&mut self, node: &Node) -> Option<ActionDef> {
        let known = ActionKind::ALL.map(ActionKind::as_str);
        let what = if node.text().is_empty() { node.describe() } else { format!("`{}`", node.text()) };
        let error = Diagnostic::error(code::UNKNOWN_ACTION, node, format!("{what} is no action"));
        let several = node.text().split_whitespace().count() > 1
            && node.text().split_whitespace().all(|word| word.parse::<ActionKind>().is_ok());
        self.out.push(match did_you_mean(node.text(), known) {
            _ if several => error.hint("begin each action with `- ` on a line of its own"),
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("actions are {}", known.join(", "))),
        });
        None
    }

    fn forward(
        &mut self,
        destination: DestinationKind,
        key: &Node,
        value: Option<&Node>,
        place: &Place<'_>,
    ) -> Option<ActionDef> {
        let kind = ActionKind::Forward(destination);
        let Some(value) = value else {
            let error =
                Diagnostic::error(code::UNKNOWN_DESTINATION, key, format!("`{kind}` needs a destination's name"));
            self.out.push(error.hint(format!("write `{kind}: NAME`; {}", self.destinations_of(destination))));
            return None;
        };
        if !matches!(value.value, Value::Mapping(_)) {
            let target = self.destination(destination, value)?;
            let content = Content::Notice { text: None, subject: None, recipients: Vec::new() };
            return Some(ActionDef {
                kind,
                target: Some(target),
                timing: plain_timing(kind),
                content,
                at: key.location(),
            });
        }
        let fields = value.fields(of_action(kind), &mut self.out)?;
        let target = fields.required("to", &mut self.out).and_then(|to| self.destination(destination, to));
        let text = fields.non_null("text").and_then(|node| self.template(node, &place.template("text"), false));
        let has_subject = destination_info(destination).has_subject;
        let subject = if has_subject { fields.non_null("subject") } else { None };
        let subject = subject.and_then(|node| self.template(node, &place.template("subject"), false));
        let recipients = self.recipients(destination, &fields, target.as_deref(), place);
        let timing = self.timing(&fields, kind);
        let content = Content::Notice { text, subject, recipients };
        Some(ActionDef { kind, target: Some(target?), timing, content, at: key.location() })
    }

    fn destinations_of(&self, kind: DestinationKind) -> String {
        let names = self.concerned.first().map(|scope| names_of(scope, kind)).unwrap_or_default();
        if names.is_empty() {
            let how = destination_info(kind).example;
            format!("the configuration has no {kind} destination yet: `destinations: {{ NAME: {{ {how} }} }}`")
        } else {
            format!("{kind} destinations are {}", names.join(", "))
        }
    }

    fn destination(&mut self, kind: DestinationKind, node: &Node) -> Option<String> {
        let name = node.non_empty_string(&mut self.out)?;
        // Every workspace that the rule may match in must know it.
        let lacking = |scope: &&&WorkspaceContext| scope.destinations.get(&name) != Some(&kind);
        let Some(scope) = self.concerned.iter().find(lacking).copied() else { return Some(name) };
        let place = self.place_of(scope);
        let (message, hint) = match scope.destinations.get(&name) {
            Some(found) => (format!("`{name}` is a {found} destination{place}"), format!("write `{found}: {name}`")),
            None => {
                let names = names_of(scope, kind);
                let hint = did_you_mean(&name, names).map(|near| format!("did you mean `{near}`?"));
                (format!("there is no destination `{name}`{place}"), hint.unwrap_or_else(|| self.destinations_of(kind)))
            }
        };
        self.unknown_name(code::UNKNOWN_DESTINATION, node, message, hint).then_some(name)
    }

    /// Which workspace something is said of, where there are several.
    pub(super) fn place_of(&self, scope: &WorkspaceContext) -> String {
        let several = self.scopes.len() > 1;
        if several { format!(" for the workspace `{}`", scope.name) } else { String::new() }
    }

    /// Reports a name that the configuration does not have; whether it may stay all the same.
    fn unknown_name(&mut self, code: &'static str, node: &Node, message: String, hint: String) -> bool {
        let lenient = self.context.without_configuration;
        let found =
            if lenient { Diagnostic::warning(code, node, message) } else { Diagnostic::error(code, node, message) };
        self.out.push(found.hint(hint));
        lenient
    }

    fn reply(&mut self, key: &Node, value: Option<&Node>, place: &Place<'_>) -> Option<ActionDef> {
        let hint = "write `reply: { text: … }`, `html`, or `template: FILE`";
        let Some(value) = value.filter(|value| matches!(value.value, Value::Mapping(_))) else {
            let error = Diagnostic::error(code::NO_TEXT, value.unwrap_or(key), "a reply needs a text");
            self.out.push(error.hint(hint));
            return None;
        };
        let fields = value.fields(of_action(ActionKind::Reply), &mut self.out)?;
        let bodies = [("text", false), ("html", true)].map(|(part, html)| {
            let node = fields.non_null(part)?;
            self.template(node, &place.template(part), html)
        });
        let [mut text, mut html] = bodies;
        if let Some(node) = fields.non_null("template") {
            if fields.non_null("text").is_some() || fields.non_null("html").is_some() {
                self.out.push(
                    Diagnostic::error(code::TWO_TEXTS, node, "`template` stands beside `text` or `html`")
                        .hint("keep one of them"),
                );
            }
            let (found, is_html) = self.template_file(node, &place.template("file"))?;
            if is_html { html = Some(found) } else { text = Some(found) }
        } else if fields.non_null("text").is_none() && fields.non_null("html").is_none() {
            self.out.push(Diagnostic::error(code::NO_TEXT, key, "the reply has no text").hint(hint));
        }
        let attachments = fields.non_null("attachments").map(|node| self.attachments(node)).unwrap_or_default();
        let timing = self.timing(&fields, ActionKind::Reply);
        let content = Content::Reply { text, html, attachments };
        Some(ActionDef { kind: ActionKind::Reply, target: None, timing, content, at: key.location() })
    }

    fn timing(&mut self, fields: &Fields<'_>, kind: ActionKind) -> Timing {
        let mut timing = plain_timing(kind);
        if let Some(after) = fields.non_null("after").and_then(|node| node.duration(&mut self.out)) {
            timing.after = after;
        }
        if let Some(node) = fields.non_null("hours") {
            timing.hours = self.hours(node);
        }
        if let Some(repeat) = fields.non_null("repeat").and_then(|node| self.repeat(node)) {
            timing.repeat = repeat;
        }
        timing.limit = fields.non_null("limit").and_then(|node| node.rate(&mut self.out));
        timing
    }

    fn repeat(&mut self, node: &Node) -> Option<Repeat> {
        if node.text().contains(" per ") {
            return node.rate(&mut self.out).map(Repeat::Rate);
        }
        if let Some((_, repeat)) = Repeat::WORDS.iter().find(|(word, _)| *word == node.text()) {
            return Some(*repeat);
        }
        let written = if node.text().is_empty() { node.describe() } else { format!("`{}`", node.text()) };
        let message = format!("{written} is no `repeat`");
        let hint = match did_you_mean(node.text(), Repeat::WORDS.map(|(word, _)| word)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "once_per_message, once_per_thread, once_per_lead, or a rate such as `1 per 7d`".to_owned(),
        };
        self.out.push(Diagnostic::error(code::NOT_ONE_OF, node, message).hint(hint));
        None
    }

    fn hours(&mut self, node: &Node) -> Option<String> {
        let name = node.non_empty_string(&mut self.out)?;
        let lacking = |scope: &&&WorkspaceContext| !scope.hours.contains_key(&name);
        let Some(scope) = self.concerned.iter().find(lacking).copied() else { return Some(name) };
        let message = format!("there are no hours `{name}` in the configuration{}", self.place_of(scope));
        let known: Vec<&str> = scope.hours.keys().map(String::as_str).collect();
        let hint = if let Some(near) = did_you_mean(&name, known.iter().copied()) {
            format!("did you mean `{near}`?")
        } else if known.is_empty() {
            format!(
                "define them in the configuration: `hours: {{ {name}: {{ days: [mon, fri], from: \"09:00\", … }} }}`"
            )
        } else {
            format!("there is: {}", known.join(", "))
        };
        self.unknown_name(code::UNKNOWN_HOURS, node, message, hint).then_some(name)
    }

    pub(super) fn template(&mut self, node: &Node, name: &str, html: bool) -> Option<TemplateRef> {
        let source = node.non_empty_string(&mut self.out)?;
        self.lint_blanks(&source, &TextSource::Node(node.clone()));
        self.add_template(name, html, &source, TextSource::Node(node.clone()))
    }

    /// Compiles a template; each mistake is shown where its text stands.
    pub(super) fn add_template(&mut self, name: &str, html: bool, source: &str, at: TextSource) -> Option<TemplateRef> {
        match self.templates.add(name, html, source) {
            Ok(template) => {
                for range in template_names::in_single_braces(source).into_iter().take(MAX_LISTED) {
                    let message = format!("`{}` is sent as it stands", source.get(range.clone()).unwrap_or_default());
                    let found = at.error(code::LOOKS_LIKE_TEMPLATE, range, message).lint(false);
                    self.out
                        .push(found.hint("a template prints what stands in double braces: `{{ lead.first_name }}`"));
                }
                for name in template_names::without_default(source).into_iter().take(MAX_LISTED) {
                    let message = format!("`{}` is printed without a `default`", name.path);
                    let found = at.error(code::NO_DEFAULT, name.range, message).lint(false);
                    let hint = format!("write `{{{{ {} | default(\"there\") }}}}`", name.path);
                    self.out.push(found.hint(hint));
                }
                for zone in template_names::time_zones(source).into_iter().take(MAX_LISTED) {
                    if jiff::tz::TimeZone::get(&zone.path).is_err() {
                        let message = format!("`{}` is no time zone", zone.path);
                        let found = at.error(code::BAD_TEMPLATE, zone.range, message);
                        self.out
                            .push(found.hint("time zones are named as in the IANA database, such as America/New_York"));
                    }
                }
                self.check_lookups(source, &at);
                self.sites.push(TemplateSite { template: template.clone(), at });
                Some(template)
            }
            Err(errors) => {
                for error in errors {
                    let (start, end) = place_in(source, &error);
                    let mut found = at.error(code::BAD_TEMPLATE, start..end, error.message);
                    found.hint = error.hint;
                    self.out.push(found);
                }
                None
            }
        }
    }
}

/// The destinations of a kind that a workspace knows.
fn names_of(scope: &WorkspaceContext, kind: DestinationKind) -> Vec<&str> {
    scope.destinations.iter().filter(|(_, has)| **has == kind).map(|(name, _)| name.as_str()).collect()
}

fn plain_timing(kind: ActionKind) -> Timing {
    let repeat = if kind == ActionKind::Reply { Repeat::OncePerThread } else { Repeat::OncePerMessage };
    Timing { after: std::time::Duration::ZERO, hours: None, repeat, limit: None }
}

/// Where in a template's source an error is shown.
fn place_in(source: &str, error: &TemplateError) -> (usize, usize) {
    match (error.span, error.line) {
        (Some((start, end)), _) => (start, end.max(start + 1)),
        (None, Some(line)) => {
            let start = crate::rules::script::offset(source, Some(line), Some(1));
            let length = source.get(start..).and_then(|rest| rest.lines().next()).map_or(1, str::len);
            (start, start + length.max(1))
        }
        (None, None) => (0, source.len()),
    }
}
