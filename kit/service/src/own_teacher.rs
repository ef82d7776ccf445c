//! The permission for what only a course's own teacher and admins may see or do.

use async_graphql::Context;
use auth::seal::SealedValue;
use contracts::CourseId;
use subgraph_kit::{Error, ViewerExt as _, viewer::Proof};

use crate::ServiceContext;

/// Proof that the viewer is the course's teacher or an admin.
#[derive(Clone, Copy, Debug)]
pub struct OwnTeacherOrAdmin(CourseId);

impl OwnTeacherOrAdmin {
    /// Accepts admins, and the course's teacher if the seal is valid: whoever is a teacher no more is not, either.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for every other viewer.
    pub fn require(ctx: &Context<'_>, course: CourseId, teacher_seal: Option<&str>) -> Result<Self, Error> {
        let viewer = ctx.viewer();
        let is_teacher = viewer.require_teacher().is_ok();
        if viewer.is_admin() || is_teacher && is_taught_by_viewer(ctx, course, teacher_seal) {
            Ok(Self(course))
        } else {
            Err(Error::Forbidden("only the course's teacher and admins may do this"))
        }
    }
}

impl Proof for OwnTeacherOrAdmin {
    type Owner = CourseId;

    fn owner(&self) -> CourseId {
        self.0
    }
}

/// Accepts only a seal of the viewer's own id: the router alone could name any teacher.
fn is_taught_by_viewer(ctx: &Context<'_>, course: CourseId, seal: Option<&str>) -> bool {
    let (Some(teacher), Some(seal)) = (ctx.viewer().id(), seal) else { return false };
    ctx.data_unchecked::<ServiceContext>().seals.verify(SealedValue::CourseTeacher { course, teacher }, seal)
}
