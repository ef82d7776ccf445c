//! Row counts: the platform's numbers, times the scale.

/// The row counts of one data set; the proportions hold at every scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowCounts {
    pub students: usize,
    pub teachers: usize,
    pub verified_teachers: usize,
    pub courses: usize,
    pub free_courses: usize,
    pub enrollments: usize,
    pub free_enrollments: usize,
    pub payments: usize,
}

impl RowCounts {
    /// 50,000 users, 100,000 courses, 200,000 enrollments and 50,000 payments at scale 1.
    pub fn at(scale: f64) -> Self {
        let users = scaled(50_000, scale);
        let teachers = percent(users, 20);
        let courses = scaled(100_000, scale);
        let enrollments = scaled(200_000, scale);
        Self {
            students: users - teachers,
            teachers,
            verified_teachers: percent(teachers, 70),
            courses,
            free_courses: percent(courses, 50),
            enrollments,
            free_enrollments: percent(enrollments, 60),
            payments: scaled(50_000, scale),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the scale is positive and bounded")]
fn scaled(full: u32, scale: f64) -> usize {
    (f64::from(full) * scale).round() as usize
}

/// Rounded half up, in integers, so that it is exact.
fn percent(of: usize, percent: usize) -> usize {
    (of * percent + 50) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_scale_is_the_platforms() {
        let full = RowCounts {
            students: 40_000,
            teachers: 10_000,
            verified_teachers: 7_000,
            courses: 100_000,
            free_courses: 50_000,
            enrollments: 200_000,
            free_enrollments: 120_000,
            payments: 50_000,
        };
        assert_eq!(RowCounts::at(1.0), full);
    }

    #[test]
    fn the_proportions_hold_at_the_smallest_scale() {
        let smallest = RowCounts {
            students: 40,
            teachers: 10,
            verified_teachers: 7,
            courses: 100,
            free_courses: 50,
            enrollments: 200,
            free_enrollments: 120,
            payments: 50,
        };
        assert_eq!(RowCounts::at(0.001), smallest);
    }
}
