//! Progress of a seed: a bar per table on a terminal, else plain lines.

use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressStyle};

use super::table::Table;

/// The kind of progress output.
#[derive(Clone)]
pub enum Progress {
    /// Bars; share the `MultiProgress` with whatever else draws on the terminal.
    Bars(MultiProgress),
    /// One line on standard error for each finished table.
    Lines,
}

impl Progress {
    /// Bars if standard error is a terminal, else lines.
    pub fn detect() -> Self {
        if console::user_attended_stderr() { Self::Bars(MultiProgress::new()) } else { Self::Lines }
    }

    /// Shown while the data set is generated, which takes a moment at large scales.
    pub(super) fn preparing(&self) -> Preparing {
        Preparing(match self {
            Self::Bars(bars) => {
                let spinner = bars.add(ProgressBar::new_spinner().with_message("preparing the sample data"));
                spinner.enable_steady_tick(std::time::Duration::from_millis(100));
                spinner
            }
            Self::Lines => ProgressBar::hidden(),
        })
    }

    pub(super) fn table(&self, table: Table, rows: usize) -> Bar {
        let kind = match self {
            Self::Bars(bars) => Kind::Drawn(bars.add(drawn(table, rows))),
            Self::Lines => Kind::Lines,
        };
        Bar { table, kind }
    }
}

fn drawn(table: Table, rows: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:14} {bar:30} {human_pos:>9} / {human_len:9} {msg}")
        .expect("the template is valid")
        .progress_chars("━╸ ");
    ProgressBar::new(rows as u64).with_style(style).with_prefix(table.database).with_message(table.name)
}

/// Shown until it is dropped.
pub(super) struct Preparing(ProgressBar);

impl Drop for Preparing {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The progress of one table.
pub struct Bar {
    table: Table,
    kind: Kind,
}

enum Kind {
    Drawn(ProgressBar),
    Lines,
}

impl Bar {
    pub(super) fn reached(&self, rows: usize) {
        if let Kind::Drawn(bar) = &self.kind {
            bar.set_position(rows as u64);
        }
    }

    pub(super) fn finish(&self, rows: usize, is_new: bool) {
        let Table { database, name, .. } = self.table;
        let note = if is_new { name.to_owned() } else { format!("{name}, already there") };
        match &self.kind {
            Kind::Drawn(bar) => {
                bar.set_position(rows as u64);
                bar.finish_with_message(note);
            }
            Kind::Lines => eprintln!("seed: {database}: {} {note}", HumanCount(rows as u64)),
        }
    }
}
