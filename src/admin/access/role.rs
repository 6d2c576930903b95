//! What somebody may do, and what a route asks for.

use super::Principal;
use crate::admin::problem::Problem;
use axum::http::StatusCode;
use std::fmt;

/// What a user may do in their workspaces; each role includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads everything.
    Viewer,
    /// Also decides about actions, pauses a workspace, and keeps the opt-outs.
    Approver,
    /// Everything; what concerns the whole service too, if they see all workspaces.
    Admin,
}

impl Role {
    /// All of them, the weakest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Approver, Self::Admin];

    /// The role as the configuration writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a route, or a button, asks of whoever uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::admin) enum Needs {
    /// This role or a stronger one; the workspaces are checked where they are read.
    Role(Role),
    /// An admin who sees all workspaces, because it concerns the whole service.
    WholeService,
}

impl Needs {
    pub(in crate::admin) const VIEWER: Self = Self::Role(Role::Viewer);
    pub(in crate::admin) const APPROVER: Self = Self::Role(Role::Approver);
    pub(in crate::admin) const ADMIN: Self = Self::Role(Role::Admin);

    /// Whether somebody has it.
    pub(in crate::admin) fn are_met_by(self, principal: &Principal) -> bool {
        match self {
            Self::Role(role) => principal.role() >= role,
            Self::WholeService => principal.role() == Role::Admin && principal.scope().is_everything(),
        }
    }

    /// How the description of the routes names it.
    pub(in crate::admin) fn as_str(self) -> &'static str {
        match self {
            Self::Role(role) => role.as_str(),
            Self::WholeService => "admin of all workspaces",
        }
    }

    /// Refuses somebody who does not have it, and says what is needed.
    pub(in crate::admin) fn check(self, principal: &Principal) -> Result<(), Problem> {
        if self.are_met_by(principal) {
            return Ok(());
        }
        let who = principal.name().map_or_else(String::new, |name| format!(" `{name}`"));
        let text = match self {
            Self::Role(role) => format!("this needs the role `{role}`; you{who} have the role `{}`", principal.role()),
            Self::WholeService if principal.role() == Role::Admin => {
                format!(
                    "this concerns every workspace: it needs the role `admin` for all of them, and you{who} see some"
                )
            }
            Self::WholeService => format!(
                "this concerns every workspace: it needs the role `admin` for all of them; you{who} have the role `{}`",
                principal.role()
            ),
        };
        Err(Problem::new(StatusCode::FORBIDDEN, text))
    }
}
