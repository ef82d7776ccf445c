//! The operations of simulated users.

/// A named operation.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The operation's name in reports.
    pub name: &'static str,
    /// The operation's document.
    pub document: &'static str,
}

macro_rules! stored {
    ($($constant:ident = $name:literal;)*) => {
        $(
            #[doc = concat!("`operations/", $name, ".graphql`.")]
            pub const $constant: Operation =
                Operation { name: $name, document: include_str!(concat!("../../operations/", $name, ".graphql")) };
        )*
    };
}

stored! {
    CATALOGUE = "Catalogue";
    COURSE_PAGE = "CoursePage";
    COURSE_STUDENTS = "CourseStudents";
    CREATE_COURSE = "CreateCourse";
    ENROLL = "Enroll";
    MY_COURSES = "MyCourses";
    MY_PAYMENTS = "MyPayments";
    MY_PROFILE = "MyProfile";
    NOTIFICATION_ADDED = "NotificationAdded";
    NOTIFICATIONS = "Notifications";
    PURCHASE_COURSE = "PurchaseCourse";
    SIGN_IN = "SignIn";
    STUDENT_HOME = "StudentHome";
    TEACHER_PAGE = "TeacherPage";
    UPDATE_COURSE = "UpdateCourse";
}

/// The catalogue, filtered by a search text.
pub const SEARCH: Operation = Operation { name: "Catalogue, search", document: CATALOGUE.document };

/// Courses in which a student can still enroll: the placeholders `unboughtCourseId` and `freeCourseId` of
/// `operations/`.
pub const OPEN_COURSES: Operation = Operation {
    name: "OpenCourses",
    document: "query OpenCourses($isFree: Boolean!, $after: String) {
  courses(first: 50, after: $after, filter: { isFree: $isFree }) {
    pageInfo { endCursor }
    nodes { id viewerEnrollment { id } }
  }
}",
};

/// A teacher's own courses: the placeholder `ownCourseId`.
pub const OWN_COURSES: Operation =
    Operation { name: "OwnCourses", document: "query OwnCourses { me { id courses(first: 20) { nodes { id } } } }" };

/// Replaces a token that expires.
pub const REFRESH: Operation = Operation {
    name: "RefreshSession",
    document: "mutation RefreshSession($input: RefreshSessionInput!) {
  refreshSession(input: $input) { session { accessToken refreshToken expiresAt } userErrors { code } }
}",
};

/// A student's totals.
pub const ACCOUNT: Operation = Operation {
    name: "Account",
    document: "query Account { me { payments(first: 1) { totalCount } enrollments(first: 1) { totalCount } } }",
};
