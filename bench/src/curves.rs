//! Scaling curves: throughput and 99th percentile by one size at a time.

use std::{fmt, path::Path};

use anyhow::{Context as _, Result};
use bench::{
    client::Students,
    load::{Load, Measured},
    pages::{Asks, Page},
    system::System,
};
use serde::Serialize;

use crate::{live, options::CONNECTIONS, terminal::line};

/// Numbers of concurrent subscriptions.
const SUBSCRIPTION_COUNTS: [usize; 3] = [100, 1_000, 6_000];
/// The maximum depth, from `courses` to `teacher` and back.
const MAX_STEPS: u32 = 6;

/// The measurements of one size.
#[derive(Serialize)]
pub struct Curve {
    /// The size that grows.
    pub of: &'static str,
    pub page: &'static str,
    pub points: Vec<Point>,
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, by {}:", self.page, self.of)?;
        for Point { size, per_second, p50, p99 } in &self.points {
            write!(f, "\n  {size:9.0}  {per_second:8.1} requests/s  p50 {p50:8.2} ms  p99 {p99:8.2} ms")?;
        }
        Ok(())
    }
}

/// The measurement at one size.
#[derive(Serialize)]
pub struct Point {
    pub size: f64,
    pub per_second: f64,
    /// Median in milliseconds.
    pub p50: f64,
    /// 99th percentile in milliseconds.
    pub p99: f64,
}

/// All curves.
#[derive(Serialize)]
pub struct Curves {
    pub curves: Vec<Curve>,
    pub live: Vec<live::Followed>,
}

/// The parameters of the measurements.
pub struct Settings<'a> {
    pub program: &'a Path,
    pub seconds: u32,
    /// The sizes of the data set; 1 is 100,000 courses. All other curves use the one before the last.
    pub scales: &'a [f64],
}

/// A running system.
struct Running {
    system: System,
    students: Students,
    seconds: u32,
}

impl Running {
    async fn start(settings: &Settings<'_>, scale: f64, cores: Option<&str>) -> Result<Self> {
        let scale = scale.to_string();
        // One student, or address, would not send so many requests.
        let arguments = ["--seed-scale", &scale, "--cost-budget", "0", "--requests-per-client", "1000"];
        let connections =
            ["--connections-per-client", "--max-subscriptions-per-client", "--max-subscriptions-per-user"];
        let arguments = arguments.into_iter().chain(connections.into_iter().flat_map(|limit| [limit, "20000"]));
        let system = System::start_on(cores, settings.program, arguments).await?;
        let students = Students::sign_in(&system.addresses().router).await?;
        Ok(Self { system, students, seconds: settings.seconds })
    }

    async fn curve(
        &self,
        of: &'static str,
        page: &'static str,
        sizes: impl IntoIterator<Item = (u32, Page, u32)>,
    ) -> Result<Curve> {
        let mut points = Vec::new();
        for (size, page, connections) in sizes {
            points.push(self.point(f64::from(size), &page, connections).await?);
        }
        let curve = Curve { of, page, points };
        line(&curve);
        Ok(curve)
    }

    async fn point(&self, size: f64, page: &Page, connections: u32) -> Result<Point> {
        let load = Load::new(self.system.addresses().router.clone(), &self.students.of_graph(page))?;
        // Warm-up.
        load.run(connections, 1).await?;
        let Measured { per_second, p50, p99, .. } = load.run(connections, self.seconds).await?;
        Ok(Point { size, per_second, p50, p99 })
    }
}

/// Measures all curves; prints each, and calls `save` with those so far.
///
/// # Errors
/// When a system does not start, a response is not as expected, or `save` fails.
pub async fn measure(settings: &Settings<'_>, save: impl Fn(&Curves) -> Result<()>) -> Result<()> {
    let [.., usual, _] = settings.scales else { anyhow::bail!("there are no sizes of the data set") };
    let mut curves = Curves { curves: of_one_system(settings, *usual).await?, live: Vec::new() };
    save(&curves)?;
    curves.curves.push(of_rows(settings).await?);
    save(&curves)?;
    curves.curves.push(of_cores(settings, *usual).await?);
    save(&curves)?;

    let running = Running::start(settings, *usual, None).await?;
    let saved = live::measure(&running.system, &SUBSCRIPTION_COUNTS, |followed| {
        line(&followed);
        curves.live.push(followed);
        save(&curves)
    });
    saved.await?;
    running.system.stop().await?;
    Ok(())
}

fn home() -> Result<Page> {
    Page::named("StudentHome").context("a student's home")
}

async fn of_one_system(settings: &Settings<'_>, scale: f64) -> Result<Vec<Curve>> {
    let home = home()?;
    let running = Running::start(settings, scale, None).await?;
    let connections = (0..=8).map(|power| 1 << power).map(|number| (number, home, number));
    let lengths = [1, 2, 5, 10, 20, 50, 100].map(|length| {
        let document =
            format!("{{ courses(first: {length}) {{ nodes {{ id title level price teacher {{ id name }} }} }} }}");
        (length, public(document), CONNECTIONS)
    });
    let steps = (1..=MAX_STEPS).map(|steps| (steps, public(nested(steps)), CONNECTIONS));
    let curves = vec![
        running.curve("connections", home.name, connections).await?,
        running.curve("courses in the list", "catalogue", lengths).await?,
        running.curve("steps between subgraphs", "courses' teachers' courses", steps).await?,
    ];
    running.system.stop().await?;
    Ok(curves)
}

async fn of_rows(settings: &Settings<'_>) -> Result<Curve> {
    let catalogue = Page::named("catalogue").context("the catalogue")?;
    let mut curve = Curve { of: "courses in the database", page: catalogue.name, points: Vec::new() };
    for scale in settings.scales {
        let running = Running::start(settings, *scale, None).await?;
        curve.points.push(running.point(scale * 100_000.0, &catalogue, CONNECTIONS).await?);
        running.system.stop().await?;
    }
    line(&curve);
    Ok(curve)
}

/// Measures by cores of the system with its databases; the load generator has both.
async fn of_cores(settings: &Settings<'_>, scale: f64) -> Result<Curve> {
    let home = home()?;
    let mut curve = Curve { of: "cores", page: home.name, points: Vec::new() };
    for (number, cores) in [(1.0, "0"), (2.0, "0,1")] {
        let running = Running::start(settings, scale, Some(cores)).await?;
        curve.points.push(running.point(number, &home, CONNECTIONS).await?);
        running.system.stop().await?;
    }
    line(&curve);
    Ok(curve)
}

fn public(document: String) -> Page {
    Page { name: "", path: "", document: document.leak(), asks: Asks::Nothing, goal: 0.0 }
}

/// Courses, their teacher, the teacher's courses, and so on: each level is another subgraph's.
fn nested(steps: u32) -> String {
    let mut selection = String::new();
    for step in (1..steps).rev() {
        selection = if step % 2 == 1 {
            format!("teacher {{ id name {selection} }}")
        } else {
            format!("courses(first: 2) {{ nodes {{ id title {selection} }} }}")
        };
    }
    format!("{{ courses(first: 2) {{ nodes {{ id title {selection} }} }} }}")
}
