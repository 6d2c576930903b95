//! Tests of `rules`, seen from outside.
