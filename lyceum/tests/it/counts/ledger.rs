//! The numbers that are committed, and how others compare with them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use crate::{operations::operations, system::workspace};

/// How much more or less is as much, in per cent: the numbers differ a little from one run to the next.
const TOLERANCE_PERCENT: f64 = 5.0;
/// The same of mutations: how often threads wake up while a commit is awaited, or events are handled, differs more.
const TOLERANCE_PERCENT_OF_MUTATIONS: f64 = 20.0;

/// What operations cost, and of whose making the instructions are.
#[derive(Debug, Deserialize, Serialize)]
pub struct Ledger {
    /// What `rustc --version` says.
    pub compiler: String,
    /// By the name of each.
    pub operations: BTreeMap<String, Costs>,
}

/// What is counted of one operation.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Costs {
    pub statements: u64,
    pub fetches: u64,
    pub allocations: u64,
    pub instructions: u64,
}

/// What is worth telling of new numbers.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Both compilers, where they differ, so that instructions cannot be compared.
    compilers: Option<[String; 2]>,
    changes: Vec<Change>,
    /// Counted and not committed, or the other way around.
    unmatched: Vec<String>,
}

/// A number that is another one.
#[derive(Debug)]
struct Change {
    operation: String,
    measure: &'static str,
    committed: u64,
    counted: u64,
}

impl Ledger {
    pub fn committed() -> Self {
        let text = fs::read_to_string(file()).expect("docs/counts.json is there: `cargo xtask counts` makes it");
        serde_json::from_str(&text).expect("docs/counts.json is as `cargo xtask counts` writes it")
    }

    pub fn write(&self) {
        let text = serde_json::to_string_pretty(self).expect("numbers are JSON");
        fs::write(file(), format!("{text}\n")).expect("docs/counts.json can be written");
    }

    /// How other numbers differ from these.
    pub fn compare(&self, counted: &Self) -> Comparison {
        let is_same = self.compiler == counted.compiler;
        let names: BTreeSet<_> = self.operations.keys().chain(counted.operations.keys()).collect();
        let compilers = (!is_same).then(|| [self.compiler.clone(), counted.compiler.clone()]);
        let mut comparison = Comparison { compilers, ..Comparison::default() };
        for name in names {
            match (self.operations.get(name), counted.operations.get(name)) {
                (Some(before), Some(after)) => comparison.changes.extend(before.changes(*after, name, is_same)),
                _ => comparison.unmatched.push(name.clone()),
            }
        }
        comparison
    }
}

/// Statements and fetches are the same each time.
fn tolerance_percent(operation: &str, measure: &str) -> f64 {
    match measure {
        "statements" | "fetches" => 0.0,
        _ if is_mutation(operation) => TOLERANCE_PERCENT_OF_MUTATIONS,
        _ => TOLERANCE_PERCENT,
    }
}

fn is_mutation(operation: &str) -> bool {
    operations().iter().any(|one| one.name == operation && one.is_mutation())
}

fn file() -> PathBuf {
    workspace().join("docs/counts.json")
}

impl Costs {
    /// Whether others are as many, with the leave.
    pub fn is_about(self, counted: Self, operation: &str) -> bool {
        self.changes(counted, operation, true).is_empty()
    }

    fn changes(self, counted: Self, operation: &str, with_instructions: bool) -> Vec<Change> {
        let mut measures = vec![
            ("statements", self.statements, counted.statements),
            ("fetches", self.fetches, counted.fetches),
            ("allocations", self.allocations, counted.allocations),
        ];
        if with_instructions {
            measures.push(("instructions", self.instructions, counted.instructions));
        }
        let changes = measures.into_iter().map(|(measure, committed, counted)| Change {
            operation: operation.to_owned(),
            measure,
            committed,
            counted,
        });
        changes.filter(|change| change.percent().abs() > tolerance_percent(operation, change.measure)).collect()
    }
}

impl fmt::Display for Costs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { statements, fetches, allocations, instructions } = self;
        write!(formatter, "{statements} statements, {fetches} fetches, {allocations} allocations, ")?;
        write!(formatter, "{instructions} instructions")
    }
}

impl Change {
    #[expect(clippy::cast_precision_loss, reason = "nobody reads the sixteenth digit")]
    fn percent(&self) -> f64 {
        let (committed, counted) = (self.committed as f64, self.counted as f64);
        // From none to one is more than any leave, and none to none is nothing.
        (counted - committed) / committed.max(1.0) * 100.0
    }
}

impl Change {
    /// What comes down to nothing was not counted at all.
    fn is_less(&self) -> bool {
        self.percent() < 0.0 && self.counted > 0
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, measure, committed, counted } = self;
        write!(formatter, "{operation}: {measure} {committed} -> {counted} ({:+.1} %)", self.percent())
    }
}

impl Comparison {
    /// Whether nothing costs more than it did, and all is committed.
    pub fn is_passed(&self) -> bool {
        self.unmatched.is_empty() && self.changes.iter().all(Change::is_less)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some([committed, counted]) = &self.compilers {
            writeln!(
                formatter,
                "Instructions were not compared: {committed} made the committed ones, this is {counted}."
            )?;
        }
        let (less, more): (Vec<_>, Vec<_>) = self.changes.iter().partition(|change| change.is_less());
        list(formatter, "Cost less than is committed; `cargo xtask counts` keeps them from rising again:", &less)?;
        list(formatter, "Cost more than is committed:", &more)?;
        list(formatter, "Committed or counted, but not both:", &self.unmatched)?;
        if self.is_passed() {
            return write!(
                formatter,
                "No operation costs more than is committed, with {TOLERANCE_PERCENT} % leave, and {TOLERANCE_PERCENT_OF_MUTATIONS} % for mutations."
            );
        }
        write!(formatter, "If that is worth it, run `cargo xtask counts`, and commit docs/counts.json with the reason.")
    }
}

fn list(formatter: &mut fmt::Formatter<'_>, head: &str, items: &[impl fmt::Display]) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(formatter, "{head}")?;
    items.iter().try_for_each(|item| writeln!(formatter, "  {item}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: Costs = Costs { statements: 5, fetches: 3, allocations: 1_000, instructions: 200_000 };

    fn ledger(compiler: &str, costs: Costs) -> Ledger {
        Ledger { compiler: compiler.to_owned(), operations: BTreeMap::from([("Home".to_owned(), costs)]) }
    }

    fn comparison(costs: Costs) -> Comparison {
        ledger("rustc 1", BEFORE).compare(&ledger("rustc 1", costs))
    }

    #[test]
    fn four_per_cent_more_pass_and_six_fail_with_both_numbers() {
        assert!(comparison(Costs { allocations: 1_040, instructions: 208_000, ..BEFORE }).is_passed());

        for (costs, said) in [
            (Costs { statements: 6, ..BEFORE }, "Home: statements 5 -> 6 (+20.0 %)"),
            (Costs { fetches: 4, ..BEFORE }, "Home: fetches 3 -> 4 (+33.3 %)"),
            (Costs { allocations: 1_060, ..BEFORE }, "Home: allocations 1000 -> 1060 (+6.0 %)"),
            (Costs { instructions: 212_000, ..BEFORE }, "Home: instructions 200000 -> 212000 (+6.0 %)"),
        ] {
            let comparison = comparison(costs);
            assert!(!comparison.is_passed());
            let text = comparison.to_string();
            assert!(text.contains(said) && text.contains("run `cargo xtask counts`"), "{text}");
        }
    }

    #[test]
    fn what_costs_less_passes_and_is_told() {
        let comparison = comparison(Costs { instructions: 188_000, ..BEFORE });

        assert!(comparison.is_passed());
        assert!(comparison.to_string().contains("instructions 200000 -> 188000 (-6.0 %)"), "{comparison}");
    }

    #[test]
    fn another_compilers_instructions_are_not_compared_and_all_else_is() {
        let compared = |costs| ledger("rustc 1", BEFORE).compare(&ledger("rustc 2", costs));

        let comparison = compared(Costs { instructions: 400_000, ..BEFORE });
        assert!(comparison.is_passed());
        assert!(comparison.to_string().contains("Instructions were not compared: rustc 1"), "{comparison}");
        assert!(!compared(Costs { allocations: 1_060, ..BEFORE }).is_passed());
    }

    #[test]
    fn an_operation_without_committed_numbers_fails_and_so_do_numbers_without_an_operation() {
        let none = Ledger { compiler: "rustc 1".to_owned(), operations: BTreeMap::new() };

        for comparison in [none.compare(&ledger("rustc 1", BEFORE)), ledger("rustc 1", BEFORE).compare(&none)] {
            assert!(!comparison.is_passed());
            assert!(comparison.to_string().contains("Home"), "{comparison}");
        }
    }
}
