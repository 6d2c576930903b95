//! Who may see and change what: users with their roles, the workspaces that each of them sees, and the proxies that are
//! believed when they say who signed in.

mod network;
mod role;
mod scope;
mod users;

pub use network::{BadNetwork, Network};
pub(super) use role::Needs;
pub use role::Role;
pub(super) use scope::Scope;
pub(super) use users::Principal;
pub use users::{Access, AccessSettings, HookTokens, ProxySettings, User, is_user_name};
