//! The enrollments, at most one per student and course, and which of them on paid courses were paid for.

use std::collections::HashSet;

use uuid::Uuid;

use super::course::{Course, SAMPLE_COURSES};
use super::identity::{SAMPLE_TEACHER, User};
use super::rng::SeedRng;
use super::row_counts::RowCounts;
use super::timeline::{DAY, END, HOUR, MINUTE};

/// Index of the student, `student1@…`, who has a sample of everything.
pub const SAMPLE_STUDENT: usize = 0;
const SAMPLE_FREE: usize = 24;
const SAMPLE_PAID: usize = 16;
const SAMPLE_PAYMENTS: usize = 12;

#[derive(Clone, Copy)]
pub enum Status {
    Enrolled,
    InProgress,
    Completed,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enrolled => "enrolled",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
        }
    }
}

pub struct Enrollment {
    pub id: Uuid,
    pub enrolled: i64,
    /// Index into the plan's users.
    pub student: usize,
    /// Index into the plan's courses.
    pub course: usize,
    /// Index into the plan's payments.
    pub payment: Option<usize>,
    pub status: Status,
}

/// Generates all enrollments, oldest first. The paid ones number the payments from 0 on.
pub fn generate(seed: u64, row_counts: RowCounts, users: &[User], courses: &[Course]) -> Vec<Enrollment> {
    let rng = &mut SeedRng::new(seed, "enrollments");
    let (free_courses, paid_courses) = by_popularity(rng, row_counts, courses);
    let mut sampler = EnrollmentSampler { rng, students: row_counts.students, taken: HashSet::new() };

    let pairs = sampler.draw(&free_courses, row_counts.free_enrollments, SAMPLE_FREE);
    let mut enrollments: Vec<Enrollment> =
        pairs.into_iter().map(|pair| enrollment(sampler.rng, users, courses, pair)).collect();

    let pairs = sampler.draw(&paid_courses, row_counts.enrollments - row_counts.free_enrollments, SAMPLE_PAID);
    let paid = paid(sampler.rng, pairs.len(), row_counts.payments);
    enrollments.extend(pairs.into_iter().zip(paid).map(|(pair, is_paid)| {
        let mut enrollment = enrollment(sampler.rng, users, courses, pair);
        // Renumbered below, after sorting.
        enrollment.payment = is_paid.then_some(0);
        enrollment
    }));

    enrollments.sort_unstable_by_key(|enrollment| enrollment.id);
    let payments = enrollments.iter_mut().filter_map(|enrollment| enrollment.payment.as_mut());
    for (number, payment) in payments.enumerate() {
        *payment = number;
    }
    enrollments
}

/// The free and the paid courses by popularity; the sample teacher's come first.
fn by_popularity(rng: &mut SeedRng, row_counts: RowCounts, courses: &[Course]) -> (Vec<usize>, Vec<usize>) {
    let mut ranking: Vec<usize> = (0..courses.len()).collect();
    rng.shuffle(&mut ranking);
    let sample_teacher = row_counts.students + SAMPLE_TEACHER;
    ranking.sort_by_key(|&course| courses[course].teacher != sample_teacher);
    ranking.into_iter().partition(|&course| courses[course].price.is_none())
}

#[derive(Clone, Copy)]
struct Pair {
    student: usize,
    course: usize,
}

/// Draws enrollments, at most one per student and course.
struct EnrollmentSampler<'a> {
    rng: &'a mut SeedRng,
    students: usize,
    taken: HashSet<(usize, usize)>,
}

impl EnrollmentSampler<'_> {
    /// Draws `count` enrollments, the first `sample` of them of the sample student.
    fn draw(&mut self, courses: &[usize], count: usize, sample: usize) -> Vec<Pair> {
        let mut pairs = Vec::with_capacity(count);
        while pairs.len() < count {
            let pair = if pairs.len() < sample {
                // Uniformly drawn: the other students need the popular courses.
                Pair { student: SAMPLE_STUDENT, course: self.rng.pick(courses) }
            } else {
                Pair {
                    student: self.rng.below(self.students),
                    course: courses[self.rng.below_by_popularity(courses.len())],
                }
            };
            if self.taken.insert((pair.student, pair.course)) {
                pairs.push(pair);
            }
        }
        pairs
    }
}

/// Whether each enrollment on a paid course was paid for; the sample student's come first.
fn paid(rng: &mut SeedRng, count: usize, payments: usize) -> Vec<bool> {
    let mut paid = rng.exactly(payments - SAMPLE_PAYMENTS, count - SAMPLE_PAID);
    paid.splice(0..0, (0..SAMPLE_PAID).map(|index| index < SAMPLE_PAYMENTS));
    paid
}

fn enrollment(rng: &mut SeedRng, users: &[User], courses: &[Course], pair: Pair) -> Enrollment {
    let possible = users[pair.student].created.max(courses[pair.course].created);
    // Minutes after both, which leaves time for a payment.
    let enrolled = rng.time_between(possible + 10 * MINUTE, END - HOUR);
    Enrollment {
        id: rng.id_at(enrolled),
        enrolled,
        student: pair.student,
        course: pair.course,
        payment: None,
        status: status(rng, END - enrolled),
    }
}

/// Older enrollments have more progress.
fn status(rng: &mut SeedRng, age: i64) -> Status {
    let (completed, started) = match age / DAY {
        0..7 => (0, 30),
        7..30 => (10, 65),
        30..90 => (35, 80),
        _ => (50, 85),
    };
    match rng.below(100) {
        luck if luck < completed => Status::Completed,
        luck if luck < started => Status::InProgress,
        _ => Status::Enrolled,
    }
}

// The samples must fit into the smallest data set.
const _: () = assert!(SAMPLE_PAYMENTS <= SAMPLE_PAID && SAMPLE_COURSES.is_multiple_of(2));
