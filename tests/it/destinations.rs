//! Tests of `destinations`, seen from outside.
