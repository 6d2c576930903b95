//! How a destination's settings are read without knowing the configuration they stand in.

use crate::diagnostics::Diagnostics;
use crate::yaml::Node;
use secrecy::{ExposeSecret, SecretString};
use std::path::PathBuf;

/// Reads the values of settings. The configuration implements it: it knows where texts come from and hides secrets.
pub trait SettingsReader {
    /// A secret that is not blank; reported and `None` otherwise.
    fn secret(&mut self, node: &Node) -> Option<SecretString>;
    /// A path, relative to the configuration's folder.
    fn path(&mut self, node: &Node) -> Option<PathBuf>;
    /// Where mistakes are reported.
    fn out(&mut self) -> &mut Diagnostics;
}

/// Whether two secrets of the configuration are the same. Both are ours: nobody can measure the time that it takes.
pub(super) fn same_secret(one: Option<&SecretString>, other: Option<&SecretString>) -> bool {
    one.map(ExposeSecret::expose_secret) == other.map(ExposeSecret::expose_secret)
}
