//! Reply Router reads the replies to cold e-mail campaigns and acts on them by rules written in YAML.
//!
//! # The code map
//!
//! Data flows one way: the API's JSON → [`model::ThreadRow`] → [`rules`]`::evaluate` → [`model::Decision`] → action
//! records → outcome → [`store`] → pages. `preview`, `test`, `explain` and `run` share that one `evaluate`. Time is an
//! argument everywhere.
//!
//! | module | holds | may use |
//! |---|---|---|
//! | [`model`] | threads, messages, decisions, actions, states | nothing |
//! | [`text`] | the new text of a reply, HTML to text, automatic mail, opt-outs | nothing |
//! | [`diagnostics`] | errors and warnings with their locations | `text` |
//! | [`yaml`] | YAML with locations, and schemas of it | `model`, `diagnostics` |
//! | [`lists`] | tables kept beside the rules | `model`, `text`, `diagnostics`, `yaml` |
//! | [`rules`] | loading, conditions, scripts, templates, evaluation | `model`, `text`, `diagnostics`, `yaml`, `lists`, `destinations` |
//! | `tls` | the encryption of connections that are made | nothing |
//! | [`coldsend`] | the API client and its request budget | `model`, `tls` |
//! | [`destinations`] | Slack, e-mail, webhooks | `model`, `diagnostics`, `yaml`, `tls` |
//! | [`store`] | a trait for each subject, in SQL, and in plain memory for plays | `model`, `text`, `tls` |
//! | [`engine`] | polling, events, the executor, recovery | all above |
//! | [`admin`] | routes, pages, authentication, metrics | `engine`, `store`, `lists`, `backtest` |
//! | [`backtest`] | events taken out of the store, and what other rules do with them | `engine` and below |
//! | [`simulator`] | a simulated workspace, Slack and mail sinks | nothing |
//! | [`settings`], [`cli`], [`app`] | configuration, commands, the wiring | all |
//!
//! A test (`tests/it/layering.rs`) keeps these directions by reading the `use` lines.

pub mod admin;
pub mod app;
pub mod backtest;
pub mod cli;
pub mod coldsend;
pub mod destinations;
pub mod diagnostics;
pub mod engine;
pub mod lists;
pub mod model;
pub mod rules;
pub mod settings;
pub mod simulator;
pub mod store;
pub mod text;
mod tls;
pub mod yaml;
