//! Puts the parts together: the only place that names concrete ones.

mod survey;

pub use survey::{Selection, Survey, Surveyed, survey};
