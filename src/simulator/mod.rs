//! A simulated ColdSend workspace with a Slack and a mail sink, for trying rules and for tests.
