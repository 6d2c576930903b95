//! Tests of `settings`, seen from outside.
