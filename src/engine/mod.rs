//! From a new message to its actions: polling, events, decisions, the executor, recovery.
