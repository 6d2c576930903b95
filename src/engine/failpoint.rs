//! Where tests reach into the engine: failpoints, at which a test stops the flow, kills the process or changes the world,
//! and mutations, bugs that a test injects. Both are macros, and do nothing unless the crate is built with the feature
//! `test-hooks`: no default or release build has it.

/// `failpoint!(self.shared, NAME)`, or with the action concerned as a third: calls the test's hook and waits for it.
#[cfg(feature = "test-hooks")]
macro_rules! failpoint {
    ($shared:expr, $name:ident) => {
        failpoint!(@hit $shared, $name, None)
    };
    ($shared:expr, $name:ident, $action:expr) => {
        failpoint!(@hit $shared, $name, Some($action))
    };
    (@hit $shared:expr, $name:ident, $action:expr) => {
        if let Some(hooks) = &$shared.test_hooks {
            hooks.hit($crate::engine::Failpoint::$name, $action).await;
        }
    };
}

/// Nothing: the feature `test-hooks` is off.
#[cfg(not(feature = "test-hooks"))]
macro_rules! failpoint {
    ($shared:expr, $name:ident $(, $action:expr)?) => {};
}

/// `mutated!(self.shared, NAME | …)`: whether a test injects one of these bugs.
#[cfg(feature = "test-hooks")]
macro_rules! mutated {
    ($shared:expr, $($name:ident)|+) => {
        $shared
            .test_hooks
            .as_ref()
            .is_some_and(|hooks| $(hooks.is_mutated($crate::engine::Mutation::$name))||+)
    };
}

/// `false`: the feature `test-hooks` is off.
#[cfg(not(feature = "test-hooks"))]
macro_rules! mutated {
    ($shared:expr, $($name:ident)|+) => {
        false
    };
}

pub(in crate::engine) use {failpoint, mutated};
