//! What `init` writes: a commented configuration and a first rule with a test.

/// The text of `reply-router.yaml`.
pub const CONFIG: &str = include_str!("starter/reply-router.yaml");
/// The text of `rules/interested.yaml`.
pub const RULES: &str = include_str!("starter/interested.yaml");
/// The folder beside them that holds the schemas, which their first lines name.
pub const SCHEMAS: &str = "schema";
/// Each file with its path in the folder where `init` runs.
pub const FILES: [(&str, &str); 2] = [("reply-router.yaml", CONFIG), ("rules/interested.yaml", RULES)];
