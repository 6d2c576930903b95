//! The configuration file: `reply-router.yaml`, read into types that cannot be wrong.
