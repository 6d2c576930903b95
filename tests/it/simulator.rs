//! Tests of `simulator`, seen from outside.
