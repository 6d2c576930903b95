//! Tests of `store`, seen from outside.
