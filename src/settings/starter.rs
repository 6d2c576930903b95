//! What `init` writes: a commented configuration, a first rule with a test, and definitions to begin with.

/// The text of `reply-router.yaml`.
pub const CONFIG: &str = include_str!("starter/reply-router.yaml");
/// The text of `rules/interested.yaml`.
pub const RULES: &str = include_str!("starter/interested.yaml");
/// The text of `rules/phrases.yaml`: definitions to begin with.
pub const PHRASES: &str = include_str!("starter/phrases.yaml");
/// The folder beside them that holds the schemas, which their first lines name.
pub const SCHEMAS: &str = "schema";
/// Each file with its path in the folder where `init` runs.
pub const FILES: [(&str, &str); 3] =
    [("reply-router.yaml", CONFIG), ("rules/interested.yaml", RULES), ("rules/phrases.yaml", PHRASES)];
