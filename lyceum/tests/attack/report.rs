//! What came of it, as a table and as a picture.

use std::{fmt::Write as _, fs, path::Path, time::Instant};

use anyhow::Result;

use crate::{attacker::Tally, attacks::Attack, bystanders::Met, say, target::Used};

const MEGABYTE: f64 = 1_024.0 * 1_024.0;
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 320.0;
const MARGIN: f64 = 48.0;
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#57606a}.grid{stroke:#8c959f;stroke-opacity:.3}\
    .memory{fill:none;stroke:#0969da;stroke-width:1.5}\
    @media(prefers-color-scheme:dark){text{fill:#9198a1}.memory{stroke:#4493f8}}";

pub struct Report {
    pub rows: Vec<Row>,
    pub memory: Vec<Memory>,
    /// What the stranger and the student met while nobody attacked.
    pub quiet: (Met, Met),
    /// The process' memory before the first attack, in bytes.
    pub before: u64,
    pub rest: Option<Rest>,
}

/// One attack.
pub struct Row {
    pub attack: &'static Attack,
    pub attackers: u8,
    /// What the stranger and the student met while nobody attacked, and meanwhile.
    pub quiet: (Met, Met),
    pub met: (Met, Met),
    /// Bytes of memory.
    pub peak: u64,
    pub used: Used,
    pub seconds: f64,
    pub outcomes: Tally,
}

/// What is left of many tries.
pub struct Rest {
    pub tries: u64,
    /// Of memory, after a quiet minute.
    pub bytes: u64,
}

/// What the process had at some time.
pub struct Memory {
    pub at: Instant,
    pub bytes: u64,
    /// The attack that begins.
    pub begins: Option<&'static str>,
}

impl Memory {
    pub fn now(bytes: u64, begins: Option<&'static str>) -> Self {
        Self { at: Instant::now(), bytes, begins }
    }
}

impl Used {
    pub fn since(self, before: Self) -> Self {
        Self { cpu: self.cpu.since(before.cpu), statements: self.statements - before.statements }
    }
}

impl Row {
    /// The attack, how many play it, requests a second; the 99th percentile of the stranger and of the student, quiet
    /// and meanwhile, in milliseconds; failures; memory in MB; processor seconds a second; statements a second.
    fn cells(&self) -> [String; 11] {
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let a_second = |number: u64| format!("{:.0}", number as f64 / self.seconds);
        let waits = |quiet: &Met, met: &Met| format!("{:.0} > {:.0}", quiet.percentile(99), met.percentile(99));
        let medians = |quiet: &Met, met: &Met| format!("{:.1} > {:.1}", quiet.percentile(50), met.percentile(50));
        [
            self.attack.id.to_owned(),
            self.attackers.to_string(),
            a_second(self.outcomes.values().sum()),
            medians(&self.quiet.0, &self.met.0),
            waits(&self.quiet.0, &self.met.0),
            waits(&self.quiet.1, &self.met.1),
            (self.met.0.failed.len() + self.met.1.failed.len()).to_string(),
            format!("{:.0}", megabytes(self.peak)),
            format!("{:.2}", self.used.cpu.system / self.seconds),
            format!("{:.2}", self.used.cpu.databases / self.seconds),
            a_second(self.used.statements),
        ]
    }

    fn outcomes(&self) -> String {
        let mut outcomes: Vec<_> = self.outcomes.iter().collect();
        outcomes.sort_by_key(|(_, number)| std::cmp::Reverse(**number));
        let outcomes: Vec<_> = outcomes.into_iter().map(|(outcome, number)| format!("{outcome}: {number}")).collect();
        outcomes.join(", ")
    }
}

const HEAD: [&str; 11] = [
    "attack",
    "by",
    "tried/s",
    "stranger p50, ms",
    "stranger p99, ms",
    "student p99, ms",
    "failed",
    "peak, MB",
    "CPU",
    "databases' CPU",
    "statements/s",
];
const WIDTHS: [usize; 11] = [16, 2, 7, 16, 16, 16, 6, 8, 5, 14, 12];

pub fn print_head() {
    say(line(&HEAD.map(str::to_owned)));
}

pub fn print_row(row: &Row) {
    say(format!("{}  {}", line(&row.cells()), row.outcomes()));
}

fn line(cells: &[String; 11]) -> String {
    let cells = cells.iter().zip(WIDTHS).enumerate();
    let padded: Vec<_> = cells
        .map(|(index, (cell, width))| if index == 0 { format!("{cell:width$}") } else { format!("{cell:>width$}") })
        .collect();
    padded.join("  ")
}

fn megabytes(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let bytes = bytes as f64;
    bytes / MEGABYTE
}

impl Report {
    pub fn new(before: u64) -> Self {
        Self { rows: Vec::new(), memory: Vec::new(), quiet: (Met::default(), Met::default()), before, rest: None }
    }

    pub fn print_end(&self) {
        let tried: u64 = self.rows.iter().flat_map(|row| row.outcomes.values()).sum();
        let peak = self.memory.iter().map(|memory| memory.bytes).max().unwrap_or_default();
        say(format!(
            "{tried} tries; memory {:.0} MB before, {:.0} at the most",
            megabytes(self.before),
            megabytes(peak)
        ));
        if let Some(Rest { tries, bytes }) = self.rest {
            say(format!("a quiet minute after {tries} tries: {:.0} MB", megabytes(bytes)));
        }
    }

    /// `attacks.md` and `attacks.svg`.
    pub fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("attacks.md"), self.table())?;
        fs::write(folder.join("attacks.svg"), self.picture())?;
        Ok(())
    }

    fn table(&self) -> String {
        let mut table = format!("| {} | outcomes |\n|{}\n", HEAD.join(" | "), " --- |".repeat(HEAD.len() + 1));
        for row in &self.rows {
            _ = writeln!(table, "| {} | {} |", row.cells().join(" | "), row.outcomes());
        }
        table + "\n" + &self.attacks()
    }

    /// What each one is.
    fn attacks(&self) -> String {
        let mut attacks: Vec<_> = self.rows.iter().map(|row| row.attack).collect();
        attacks.dedup_by_key(|attack| attack.id);
        let lines: Vec<_> = attacks.iter().map(|attack| format!("- {}: {}", attack.id, attack.what)).collect();
        lines.join("\n") + "\n"
    }

    /// Memory over time.
    fn picture(&self) -> String {
        let (Some(first), Some(last)) = (self.memory.first(), self.memory.last()) else { return String::new() };
        let most = self.memory.iter().map(|memory| megabytes(memory.bytes)).fold(0.0, f64::max);
        let top = (most / 100.0).ceil() * 100.0;
        let time = (last.at - first.at).as_secs_f64();
        let x = |at: Instant| MARGIN + (at - first.at).as_secs_f64() / time * (WIDTH - 2.0 * MARGIN);
        let y = |megabytes: f64| HEIGHT - 2.0 * MARGIN - megabytes / top * (HEIGHT - 3.0 * MARGIN);
        let mut picture = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-label=\"Memory of the process during the attacks\">\n<style>{STYLE}</style>\n"
        );
        for step in 0..=4 {
            let (value, end) = (top / 4.0 * f64::from(step), WIDTH - MARGIN);
            _ = writeln!(
                picture,
                "<path class=\"grid\" d=\"M{MARGIN} {0:.1}H{end}\"/><text x=\"{1}\" y=\"{2:.1}\" text-anchor=\"end\">{value:.0}</text>",
                y(value),
                MARGIN - 6.0,
                y(value) + 4.0
            );
        }
        let mut last_name = "";
        for Memory { at, begins, .. } in &self.memory {
            let Some(name) = begins.filter(|name| *name != last_name) else { continue };
            last_name = name;
            let (x, y) = (x(*at), HEIGHT - 2.0 * MARGIN + 10.0);
            _ = writeln!(
                picture,
                "<path class=\"grid\" d=\"M{x:.1} {MARGIN}V{0}\"/><text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"end\" \
                 transform=\"rotate(-45 {x:.1} {y})\">{name}</text>",
                HEIGHT - 2.0 * MARGIN
            );
        }
        let points: Vec<_> =
            self.memory.iter().map(|memory| format!("{:.1},{:.1}", x(memory.at), y(megabytes(memory.bytes)))).collect();
        _ = write!(
            picture,
            "<polyline class=\"memory\" points=\"{}\"/>\n<text x=\"{MARGIN}\" y=\"20\">memory of `lyceum up` without its databases, MB, over {:.0} s</text>\n</svg>\n",
            points.join(" "),
            time
        );
        picture
    }
}
