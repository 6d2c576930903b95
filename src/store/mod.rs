//! What survives a restart: threads seen, decisions, action records, opt-outs, switches.
