//! The courses: all of verified teachers, half of them free.

use uuid::Uuid;

use super::identity::{SAMPLE_TEACHER, User};
use super::rng::{SeedRng, Wording};
use super::row_counts::RowCounts;
use super::timeline::{DAY, END, HOUR};
use super::vocabulary;

/// The minimum number of the sample teacher's courses, free and paid ones in turn.
pub const SAMPLE_COURSES: usize = 12;

#[derive(Clone, Copy)]
pub enum Level {
    Beginner,
    Intermediate,
    Advanced,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Beginner => "beginner",
            Self::Intermediate => "intermediate",
            Self::Advanced => "advanced",
        }
    }
}

/// The state of a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Draft,
    Published,
    Withdrawn,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// The states of the sample teacher's courses that are not in the catalogue.
const UNLISTED: [State; 4] = [State::Draft, State::Draft, State::Draft, State::Withdrawn];

pub struct Course {
    pub id: Uuid,
    pub created: i64,
    /// Index into the plan's users.
    pub teacher: usize,
    pub level: Level,
    pub state: State,
    /// In cents; `None` for a free course.
    pub price: Option<u32>,
    pub minutes: i32,
    wording: u64,
}

/// Generates the courses of the catalogue, oldest first.
pub fn generate(seed: u64, row_counts: RowCounts, users: &[User]) -> Vec<Course> {
    let rng = &mut SeedRng::new(seed, "courses");
    let teachers: Vec<usize> = (row_counts.students..users.len()).filter(|&user| users[user].is_verified).collect();
    let half_of_sample = SAMPLE_COURSES / 2;
    let free = rng.exactly(row_counts.free_courses - half_of_sample, row_counts.courses - SAMPLE_COURSES);

    let sample = (0..SAMPLE_COURSES).map(|index| (teachers[0], index % 2 == 0));
    let mut courses: Vec<Course> = sample.map(|(teacher, is_free)| course(rng, users, teacher, is_free)).collect();
    courses.extend(free.into_iter().map(|is_free| {
        let teacher = rng.pick(&teachers);
        course(rng, users, teacher, is_free)
    }));
    courses.sort_unstable_by_key(|course| course.id);
    courses
}

/// Generates the sample teacher's courses that are not in the catalogue: free ones that nobody is enrolled in, each right
/// after one of the catalogue. So the teacher's oldest and newest courses are in the catalogue.
pub fn generate_unlisted(seed: u64, row_counts: RowCounts, courses: &[Course]) -> Vec<Course> {
    let rng = &mut SeedRng::new(seed, "unlisted courses");
    let teacher = row_counts.students + SAMPLE_TEACHER;
    let before = courses.iter().filter(|course| course.teacher == teacher).skip(1);
    let unlisted = before.zip(UNLISTED);
    unlisted.map(|(before, state)| Course { state, ..course_at(rng, before.created + 1, teacher, true) }).collect()
}

fn course(rng: &mut SeedRng, users: &[User], teacher: usize, is_free: bool) -> Course {
    let created = rng.time_between(users[teacher].created + HOUR, END - 14 * DAY);
    course_at(rng, created, teacher, is_free)
}

fn course_at(rng: &mut SeedRng, created: i64, teacher: usize, is_free: bool) -> Course {
    let level =
        rng.pick(&[Level::Beginner, Level::Beginner, Level::Intermediate, Level::Intermediate, Level::Advanced]);
    let quarters_of_an_hour = 3 + rng.below_by_popularity(160);
    Course {
        id: rng.id_at(created),
        created,
        teacher,
        level,
        state: State::Published,
        price: (!is_free).then(|| rng.pick(vocabulary::PRICES)),
        minutes: 15 * i32::try_from(quarters_of_an_hour).expect("is at most a few hundred"),
        wording: rng.bits(),
    }
}

/// Whether the combination is redundant: “Chess in Practice in 30 Days”, or two colons.
fn is_said_twice(pattern: &str, angle: &str) -> bool {
    let link = angle.split_whitespace().next();
    pattern.split(' ').any(|word| link == Some(word)) || (link == Some(":") && pattern.contains(':'))
}

impl Course {
    /// The title, worded for the level.
    pub fn title(&self) -> String {
        let mut wording = Wording(self.wording);
        let topic = wording.choose(vocabulary::TOPICS).name;
        let pattern = wording.choose(match self.level {
            Level::Beginner => vocabulary::BEGINNER_TITLES,
            Level::Intermediate => vocabulary::INTERMEDIATE_TITLES,
            Level::Advanced => vocabulary::ADVANCED_TITLES,
        });
        let angle = wording.choose(vocabulary::ANGLES);
        let angle = if is_said_twice(pattern, angle) { "" } else { angle };
        format!("{}{angle}", pattern.replace("{}", topic))
    }

    pub fn description(&self) -> String {
        let mut wording = Wording(self.wording);
        let topic = wording.choose(vocabulary::TOPICS);
        // Rotated, so that courses with equal titles have different descriptions.
        let mut wording = Wording(wording.0.rotate_left(29));
        let opening = wording.choose(vocabulary::OPENINGS).replace("{}", topic.name);
        let content = wording.choose(vocabulary::CONTENTS).replace("{}", topic.practice);
        let requirement = wording.choose(match self.level {
            Level::Beginner => vocabulary::BEGINNER_REQUIREMENTS,
            Level::Intermediate => vocabulary::INTERMEDIATE_REQUIREMENTS,
            Level::Advanced => vocabulary::ADVANCED_REQUIREMENTS,
        });
        let closing = wording.choose(vocabulary::CLOSINGS);
        format!("{opening} {content} {requirement} {closing}")
    }
}
