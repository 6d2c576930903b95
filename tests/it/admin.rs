//! Tests of `admin`, seen from outside.
