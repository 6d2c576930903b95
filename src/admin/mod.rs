//! The admin server: routes, pages, authentication and metrics.
