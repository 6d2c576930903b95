//! A mail as the sink received it.

use jiff::Timestamp;

/// A mail that the SMTP sink took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMail {
    /// When its last line came.
    pub at: Timestamp,
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// Headers and body as sent, dots unstuffed, lines ending with CRLF.
    pub raw: String,
}
