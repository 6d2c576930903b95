//! Tests of `text`, seen from outside.
