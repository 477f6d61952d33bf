//! Proofs of a right: a handler that holds one was called by somebody who has it.
//!
//! [`Attendant`], [`Supervisor`] and [`Administrator`] can only be made here, by looking at who asks.
//! They nest: whoever proves to be an administrator is a supervisor and an attendant too.
//! [`Routes::add`](crate::routing::Routes::add) takes only handlers whose first argument is a proof, so a handler
//! without its check does not compile; a route for everybody says so with [`Public`].

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use config::Role;
use engine::Actor;

use super::identity::{Authenticated, Identity};
use crate::problem::{ApiError, Kind};
use crate::state::ApiState;

/// What a route asks of its caller; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Nothing.
    Public,
    /// A valid token, also when the password must be changed first.
    SignedIn,
    /// An attendant's rights.
    Attendant,
    /// A supervisor's rights.
    Supervisor,
    /// An administrator's rights.
    Administrator,
}

impl Right {
    /// The word in the OpenAPI document.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::SignedIn => "signed-in",
            Self::Attendant => "attendant",
            Self::Supervisor => "supervisor",
            Self::Administrator => "administrator",
        }
    }
}

/// A proof that the caller has a right.
pub trait Guard: FromRequestParts<ApiState, Rejection = ApiError> + Send + 'static {
    /// The right it proves.
    const RIGHT: Right;
}

/// A proof that knows whose it is: all but [`Public`].
pub trait Proof: Guard {
    /// Who it is.
    fn identity(&self) -> &Identity;

    /// Their user name.
    fn username(&self) -> &str {
        &self.identity().user.username
    }

    /// Who stands behind a command.
    fn actor(&self) -> Actor {
        self.identity().actor()
    }
}

/// The argument lists of handlers that begin with a proof.
///
/// Axum describes a handler's arguments as `(marker, first, second, ...)`; this trait holds for those whose
/// first is a [`Guard`], and for no others.
pub trait Guarded: 'static {
    /// The proof.
    type Guard: Guard;
}

macro_rules! guarded {
    ($(($($rest:ident),*);)+) => {
        $(impl<M: 'static, G: Guard, $($rest: 'static),*> Guarded for (M, G, $($rest,)*) {
            type Guard = G;
        })+
    };
}
guarded! { (); (A); (A, B); (A, B, C); (A, B, C, D); }

/// Says that a route is for everybody; always succeeds.
#[derive(Debug)]
pub struct Public(());

impl Guard for Public {
    const RIGHT: Right = Right::Public;
}

impl FromRequestParts<ApiState> for Public {
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, _: &ApiState) -> Result<Self, ApiError> {
        Ok(Self(()))
    }
}

macro_rules! proof {
    ($(#[doc = $doc:literal])+ $proof:ident, $check:expr) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone)]
        pub struct $proof(Identity);

        impl $proof {
            fn prove(identity: &Identity) -> Result<Self, ApiError> {
                let check: fn(&Identity) -> Result<(), ApiError> = $check;
                check(identity).map(|()| Self(identity.clone()))
            }
        }

        impl Proof for $proof {
            fn identity(&self) -> &Identity {
                &self.0
            }
        }

        impl Guard for $proof {
            const RIGHT: Right = Right::$proof;
        }

        impl FromRequestParts<ApiState> for $proof {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, _: &ApiState) -> Result<Self, ApiError> {
                match parts.extensions.get::<Authenticated>() {
                    Some(Authenticated(Ok(identity))) => Self::prove(identity),
                    Some(Authenticated(Err(error))) => Err(error.clone()),
                    None => Err(ApiError::internal("a guarded route stands outside of the authentication layer")),
                }
            }
        }
    };
}

proof! {
    /// Somebody with a valid token, even if their password must be changed first.
    SignedIn, |_| Ok(())
}
proof! {
    /// An attendant, or more.
    Attendant, |identity| at_least(identity, Role::Attendant)
}
proof! {
    /// A supervisor, or more.
    Supervisor, |identity| at_least(identity, Role::Supervisor)
}
proof! {
    /// An administrator.
    Administrator, |identity| at_least(identity, Role::Administrator)
}

impl SignedIn {
    /// Proves more, for routes on which it depends on the request.
    ///
    /// # Errors
    ///
    /// 403 when they are no administrator, or must change their password first.
    pub fn administrator(&self) -> Result<Administrator, ApiError> {
        Administrator::prove(&self.0)
    }

    /// Proves more, for routes on which it depends on the request.
    ///
    /// # Errors
    ///
    /// 403 when they are an attendant only, or must change their password first.
    pub fn supervisor(&self) -> Result<Supervisor, ApiError> {
        Supervisor::prove(&self.0)
    }
}

impl Attendant {
    /// Proves more, for routes on which it depends on the request.
    ///
    /// # Errors
    ///
    /// 403 when they are an attendant only.
    pub fn supervisor(&self) -> Result<Supervisor, ApiError> {
        Supervisor::prove(&self.0)
    }
}

impl From<Supervisor> for Attendant {
    fn from(proof: Supervisor) -> Self {
        Self(proof.0)
    }
}

impl From<Administrator> for Supervisor {
    fn from(proof: Administrator) -> Self {
        Self(proof.0)
    }
}

fn at_least(identity: &Identity, role: Role) -> Result<(), ApiError> {
    if identity.must_change_password {
        let how = "send PUT /api/v1/me/password with current_password and password first";
        return Err(ApiError::new(Kind::MustChangePassword, how));
    }
    if reaches(identity.user.role, role) {
        return Ok(());
    }
    let what = format!("this needs the role {role}; you are {}", identity.user.role);
    Err(ApiError::new(Kind::Forbidden, what))
}

/// Whether a role includes another.
pub fn reaches(role: Role, wanted: Role) -> bool {
    let rank = |role| match role {
        Role::Attendant => 0,
        Role::Supervisor => 1,
        Role::Administrator => 2,
    };
    rank(role) >= rank(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_roles_nest() {
        let order = [Role::Attendant, Role::Supervisor, Role::Administrator];
        for (has, role) in order.into_iter().enumerate() {
            for (needs, wanted) in order.into_iter().enumerate() {
                assert_eq!(reaches(role, wanted), has >= needs, "{role} {wanted}");
            }
        }
    }
}
