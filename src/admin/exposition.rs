//! The text format of Prometheus, version 0.0.4: families with their help, each written once.

use crate::model::HistogramSnapshot;
use std::{fmt::Write as _, time::Duration};

pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is written, family after family.
#[derive(Default)]
pub(super) struct Exposition {
    text: String,
}

type Labels<'a> = &'a [(&'a str, &'a str)];

impl Exposition {
    /// A family of values that only grow while the process, or the store, lives.
    pub(super) fn counter(&mut self, name: &str, help: &str) -> Family<'_> {
        self.family(name, help, "counter")
    }

    /// A family of values as they are now.
    pub(super) fn gauge(&mut self, name: &str, help: &str) -> Family<'_> {
        self.family(name, help, "gauge")
    }

    /// A family of counts and sums.
    pub(super) fn summary(&mut self, name: &str, help: &str) -> Family<'_> {
        self.family(name, help, "summary")
    }

    /// A family of durations in classes.
    pub(super) fn histogram(&mut self, name: &str, help: &str) -> Family<'_> {
        self.family(name, help, "histogram")
    }

    fn family(&mut self, name: &str, help: &str, kind: &str) -> Family<'_> {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family { text: &mut self.text, name: name.to_owned() }
    }

    /// All of it.
    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// One family; its samples are written one after the other.
pub(super) struct Family<'a> {
    text: &'a mut String,
    name: String,
}

impl Family<'_> {
    pub(super) fn int(&mut self, labels: Labels<'_>, value: u64) -> &mut Self {
        self.line("", labels, None, &value.to_string())
    }

    pub(super) fn float(&mut self, labels: Labels<'_>, value: f64) -> &mut Self {
        self.line("", labels, None, &value.to_string())
    }

    pub(super) fn bool(&mut self, labels: Labels<'_>, value: bool) -> &mut Self {
        self.int(labels, u64::from(value))
    }

    pub(super) fn sum_and_count(&mut self, labels: Labels<'_>, count: u64, sum: Duration) -> &mut Self {
        self.line("_sum", labels, None, &sum.as_secs_f64().to_string());
        self.line("_count", labels, None, &count.to_string())
    }

    pub(super) fn buckets(&mut self, labels: Labels<'_>, counts: &HistogramSnapshot) -> &mut Self {
        let mut below = 0;
        for (bound, count) in &counts.classes {
            below += count;
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| bound.as_secs_f64().to_string());
            self.line("_bucket", labels, Some(&bound), &below.to_string());
        }
        self.sum_and_count(labels, below, counts.sum)
    }

    fn line(&mut self, suffix: &str, labels: Labels<'_>, bound: Option<&str>, value: &str) -> &mut Self {
        self.text.push_str(&self.name);
        self.text.push_str(suffix);
        let mut open = '{';
        for (name, value) in labels.iter().copied().chain(bound.map(|bound| ("le", bound))) {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.text, "{open}{name}=\"{value}\"");
            open = ',';
        }
        let close = if open == ',' { "}" } else { "" };
        let _ = writeln!(self.text, "{close} {value}");
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_written_as_prometheus_reads_it() {
        let mut all = Exposition::default();
        all.gauge("a", "Help.").bool(&[], true).float(&[("x", "a\"b\\c\nd")], 0.5);
        let classes = vec![(Some(Duration::from_millis(500)), 2), (Some(Duration::from_secs(1)), 0), (None, 1)];
        let counts = HistogramSnapshot { classes, sum: Duration::from_secs(3) };
        all.histogram("h_seconds", "More help.").buckets(&[("w", "acme")], &counts);
        let wanted = "# HELP a Help.\n# TYPE a gauge\na 1\na{x=\"a\\\"b\\\\c\\nd\"} 0.5\n\
                      # HELP h_seconds More help.\n# TYPE h_seconds histogram\n\
                      h_seconds_bucket{w=\"acme\",le=\"0.5\"} 2\nh_seconds_bucket{w=\"acme\",le=\"1\"} 2\n\
                      h_seconds_bucket{w=\"acme\",le=\"+Inf\"} 3\nh_seconds_sum{w=\"acme\"} 3\nh_seconds_count{w=\"acme\"} 3\n";
        assert_eq!(all.into_text(), wanted);
    }
}
