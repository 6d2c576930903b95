//! What the schemas of several sections share.

mod destinations;

pub(super) use destinations::{DESTINATION, EMAIL, EMAIL_KIND, NETWORK, SLACK, SLACK_KIND, SMTP_SERVER, WEBHOOK};

/// An address of the web.
pub(super) const HTTP: &str = r"^\s*[Hh][Tt][Tt][Pp][Ss]?:";
