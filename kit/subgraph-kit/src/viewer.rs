//! The viewer, and permission checks, which return proofs.

use async_graphql::Context;
use contracts::{SessionId, UserId, claims::Role};

use crate::{Error, row::RowId};

/// The sender of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// Not signed in.
    Anonymous,
    /// A user whose token has been verified.
    SignedIn {
        /// The user's id.
        id: UserId,
        /// The user's role.
        role: Role,
        /// Whether the user is a verified teacher.
        is_verified: bool,
    },
}

/// The public id of the session that the request's token was issued for; `None` if the viewer is anonymous, or the token
/// names no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrentSession(pub Option<SessionId>);

/// Proof that the viewer is signed in.
#[derive(Clone, Copy, Debug)]
pub struct SignedIn(UserId);

/// Proof that the viewer is a student or a teacher, and so may learn.
#[derive(Clone, Copy, Debug)]
pub struct Learner(UserId);

/// Proof that the viewer is a verified teacher.
#[derive(Clone, Copy, Debug)]
pub struct VerifiedTeacher(UserId);

/// Proof that the viewer is a teacher, verified or not.
#[derive(Clone, Copy, Debug)]
pub struct Teacher(UserId);

/// Proof that the viewer is an admin.
#[derive(Clone, Copy, Debug)]
pub struct Admin(UserId);

/// Proof that the viewer may see an owner's data.
pub trait Proof {
    /// The type of the owner's id.
    type Owner: RowId;

    /// The owner whose data the viewer may see.
    fn owner(&self) -> Self::Owner;
}

/// Proof that the viewer is this user, or an admin.
#[derive(Clone, Copy, Debug)]
pub struct SelfOrAdmin(UserId);

/// The proof of public data: everyone may see it.
#[derive(Clone, Copy, Debug)]
pub struct Public<P>(pub P);

impl Proof for SelfOrAdmin {
    type Owner = UserId;

    fn owner(&self) -> UserId {
        self.0
    }
}

impl<P: RowId> Proof for Public<P> {
    type Owner = P;

    fn owner(&self) -> P {
        self.0
    }
}

impl SignedIn {
    /// The user's id.
    #[must_use]
    pub fn id(self) -> UserId {
        self.0
    }
}

impl Learner {
    /// The user's id.
    #[must_use]
    pub fn id(self) -> UserId {
        self.0
    }
}

impl Teacher {
    /// The user's id.
    #[must_use]
    pub fn id(self) -> UserId {
        self.0
    }
}

impl VerifiedTeacher {
    /// The user's id.
    #[must_use]
    pub fn id(self) -> UserId {
        self.0
    }
}

impl Admin {
    /// The admin's id.
    #[must_use]
    pub fn id(self) -> UserId {
        self.0
    }
}

impl Viewer {
    /// The signed-in user, if any.
    #[must_use]
    pub fn id(&self) -> Option<UserId> {
        match self {
            Self::Anonymous => None,
            Self::SignedIn { id, .. } => Some(*id),
        }
    }

    /// Whether the viewer is the owner, or an admin.
    #[must_use]
    pub fn is_self_or_admin(&self, owner: UserId) -> bool {
        self.id() == Some(owner) || self.is_admin()
    }

    /// Whether the viewer is an admin.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        matches!(self, Self::SignedIn { role: Role::Admin, .. })
    }

    /// Requires the owner of the data, or an admin.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for every other viewer, anonymous included.
    pub fn require_self_or_admin(&self, owner: UserId) -> Result<SelfOrAdmin, Error> {
        if self.is_self_or_admin(owner) {
            Ok(SelfOrAdmin(owner))
        } else {
            Err(Error::Forbidden("only the user and admins may see this"))
        }
    }

    /// Requires a signed-in user.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the viewer is anonymous.
    pub fn require_signed_in(&self) -> Result<SignedIn, Error> {
        self.signed_in_as().map(|(id, _, _)| SignedIn(id))
    }

    /// Requires a student, or a teacher, verified or not: teachers learn on the courses of others.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if anonymous, [`Error::Forbidden`] if neither.
    pub fn require_learner(&self) -> Result<Learner, Error> {
        match self.signed_in_as()? {
            (id, Role::Student | Role::Teacher, _) => Ok(Learner(id)),
            _ => Err(Error::Forbidden("only students and teachers may do this")),
        }
    }

    /// Requires a teacher, verified or not, or an admin.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if anonymous, [`Error::Forbidden`] if neither.
    pub fn require_teacher_or_admin(&self) -> Result<SignedIn, Error> {
        match self.signed_in_as()? {
            (id, Role::Teacher | Role::Admin, _) => Ok(SignedIn(id)),
            _ => Err(Error::Forbidden("only teachers and admins may do this")),
        }
    }

    /// Requires a teacher, verified or not.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if anonymous, [`Error::Forbidden`] if not a teacher.
    pub fn require_teacher(&self) -> Result<Teacher, Error> {
        match self.signed_in_as()? {
            (id, Role::Teacher, _) => Ok(Teacher(id)),
            _ => Err(Error::Forbidden("only teachers may do this")),
        }
    }

    /// Requires a verified teacher.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if anonymous, [`Error::Forbidden`] if not a verified teacher.
    pub fn require_verified_teacher(&self) -> Result<VerifiedTeacher, Error> {
        match self.signed_in_as()? {
            (id, Role::Teacher, true) => Ok(VerifiedTeacher(id)),
            (_, Role::Teacher, false) => Err(Error::Forbidden(
                "only verified teachers may do this; if an admin has verified you meanwhile, refresh your session",
            )),
            _ => Err(Error::Forbidden("only verified teachers may do this")),
        }
    }

    /// Requires an admin.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if anonymous, [`Error::Forbidden`] if not an admin.
    pub fn require_admin(&self) -> Result<Admin, Error> {
        match self.signed_in_as()? {
            (id, Role::Admin, _) => Ok(Admin(id)),
            _ => Err(Error::Forbidden("only admins may do this")),
        }
    }

    fn signed_in_as(&self) -> Result<(UserId, Role, bool), Error> {
        match *self {
            Self::Anonymous => Err(Error::Unauthenticated("sign in first")),
            Self::SignedIn { id, role, is_verified } => Ok((id, role, is_verified)),
        }
    }
}

/// Provides the viewer in a resolver's context.
pub trait ViewerExt {
    /// The request's viewer.
    fn viewer(&self) -> &Viewer;

    /// The session of the request's token.
    fn current_session(&self) -> CurrentSession;
}

impl ViewerExt for Context<'_> {
    fn viewer(&self) -> &Viewer {
        self.data_unchecked()
    }

    fn current_session(&self) -> CurrentSession {
        *self.data_unchecked()
    }
}
