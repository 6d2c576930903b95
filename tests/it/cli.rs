//! Tests of `cli`, seen from outside.
