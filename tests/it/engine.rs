//! Tests of `engine`, seen from outside.
