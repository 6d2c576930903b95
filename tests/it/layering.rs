//! Tests of `layering`, seen from outside.
