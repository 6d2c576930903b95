//! Tests of `coldsend`, seen from outside.
