//! Who is asking, and the checks that prove what they may do.

use async_graphql::Context;
use contracts::{UserId, claims::Role};

use crate::{Error, row::RowId};

/// Who is asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// Nobody is signed in.
    Anonymous,
    /// A user whose token has been verified.
    SignedIn {
        /// Who.
        id: UserId,
        /// As what.
        role: Role,
        /// Whether a teacher has been verified.
        is_verified: bool,
    },
}

/// Proof that somebody is signed in.
#[derive(Clone, Copy, Debug)]
pub struct SignedIn(UserId);

/// Proof that a student is asking.
#[derive(Clone, Copy, Debug)]
pub struct Student(UserId);

/// Proof that a verified teacher is asking.
#[derive(Clone, Copy, Debug)]
pub struct VerifiedTeacher(UserId);

/// Proof that a teacher is asking, verified or not.
#[derive(Clone, Copy, Debug)]
pub struct Teacher(UserId);

/// Proof that an admin is asking.
#[derive(Clone, Copy, Debug)]
pub struct Admin(());

/// Proof that the viewer may see what belongs to an owner.
pub trait Proof {
    /// What names the owner.
    type Owner: RowId;

    /// Whose things the viewer may see.
    fn owner(&self) -> Self::Owner;
}

/// Proof that a user or an admin asks for what belongs to that user.
#[derive(Clone, Copy, Debug)]
pub struct SelfOrAdmin(UserId);

/// Stands where a proof is asked for and none is needed: everyone may see what belongs to this owner.
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
    /// Who.
    #[must_use]
    pub fn id(self) -> UserId {
        self.0
    }
}

impl Student {
    /// Who.
    #[must_use]
    pub fn id(self) -> UserId {
        self.0
    }
}

impl Teacher {
    /// Who.
    #[must_use]
    pub fn id(self) -> UserId {
        self.0
    }
}

impl VerifiedTeacher {
    /// Who.
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

    /// Whether this is the owner, or an admin.
    #[must_use]
    pub fn is_self_or_admin(&self, owner: UserId) -> bool {
        self.id() == Some(owner) || self.is_admin()
    }

    /// Whether this is an admin.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        matches!(self, Self::SignedIn { role: Role::Admin, .. })
    }

    /// Lets through the owner of what is asked for, and admins.
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

    /// Lets through whoever is signed in.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the viewer is anonymous.
    pub fn require_signed_in(&self) -> Result<SignedIn, Error> {
        self.signed_in_as().map(|(id, _, _)| SignedIn(id))
    }

    /// Lets through students.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if anonymous, [`Error::Forbidden`] if not a student.
    pub fn require_student(&self) -> Result<Student, Error> {
        match self.signed_in_as()? {
            (id, Role::Student, _) => Ok(Student(id)),
            _ => Err(Error::Forbidden("only students may do this")),
        }
    }

    /// Lets through teachers, verified or not.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if anonymous, [`Error::Forbidden`] if not a teacher.
    pub fn require_teacher(&self) -> Result<Teacher, Error> {
        match self.signed_in_as()? {
            (id, Role::Teacher, _) => Ok(Teacher(id)),
            _ => Err(Error::Forbidden("only teachers may do this")),
        }
    }

    /// Lets through verified teachers.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if anonymous, [`Error::Forbidden`] if not a verified teacher.
    pub fn require_verified_teacher(&self) -> Result<VerifiedTeacher, Error> {
        match self.signed_in_as()? {
            (id, Role::Teacher, true) => Ok(VerifiedTeacher(id)),
            (_, Role::Teacher, false) => {
                Err(Error::Forbidden("only verified teachers may do this, and an admin has yet to verify you"))
            }
            _ => Err(Error::Forbidden("only verified teachers may do this")),
        }
    }

    /// Lets through admins.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if anonymous, [`Error::Forbidden`] if not an admin.
    pub fn require_admin(&self) -> Result<Admin, Error> {
        match self.signed_in_as()? {
            (_, Role::Admin, _) => Ok(Admin(())),
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

/// Finds the viewer in a resolver's context.
pub trait ViewerExt {
    /// Who is asking.
    fn viewer(&self) -> &Viewer;
}

impl ViewerExt for Context<'_> {
    fn viewer(&self) -> &Viewer {
        self.data_unchecked()
    }
}
