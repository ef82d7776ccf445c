//! No two modules of a crate need each other, not even by way of others: each can be read with what is below it alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::module_tree::ModuleTree;
use crate::workspace::{cargo, root};

/// For each file the files that it takes names from, and which.
type Uses = BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>;

/// What `cargo metadata` says.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    src_path: PathBuf,
}

/// Reads the libraries and programs of the workspace.
///
/// # Errors
/// When files need each other in a cycle, which the message says, or cannot be read.
pub async fn check() -> Result<()> {
    let mut cycles = String::new();
    for crate_root in crate_roots().await? {
        cycles += &describe_cycles(&uses(&crate_root, root())?);
    }
    if cycles.is_empty() {
        crate::terminal::success("no circular dependencies of modules");
        return Ok(());
    }
    bail!("modules depend on each other: move what both need into a module below them, or merge them\n{cycles}")
}

async fn crate_roots() -> Result<Vec<PathBuf>> {
    let output = cargo().args(["metadata", "--no-deps", "--format-version", "1", "--locked"]).output().await?;
    ensure!(output.status.success(), "cargo metadata failed:\n{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cannot parse cargo metadata")?;
    let targets = metadata.packages.into_iter().flat_map(|package| package.targets);
    let targets = targets.filter(|target| target.kind.iter().any(|kind| kind == "lib" || kind == "bin"));
    Ok(targets.map(|target| target.src_path).collect())
}

/// What the files of a crate take from each other, by their paths below `directory`.
fn uses(crate_root: &Path, directory: &Path) -> Result<Uses> {
    let tree = ModuleTree::read(crate_root)?;
    let below = |file: &Path| file.strip_prefix(directory).unwrap_or(file).to_owned();
    let mut uses = Uses::new();
    for (file, other, name) in tree.uses() {
        uses.entry(below(file)).or_default().entry(below(other)).or_default().insert(name);
    }
    Ok(uses)
}

fn describe_cycles(uses: &Uses) -> String {
    let mut text = String::new();
    for cycle in cycles(uses) {
        writeln!(text, "\ncycle of {} files", cycle.len()).expect("a string can be written to");
        for (file, others) in cycle.iter().filter_map(|file| uses.get_key_value(*file)) {
            for (other, names) in others.iter().filter(|(other, _)| cycle.contains(other.as_path())) {
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                writeln!(text, "  {} -> {}: {}", file.display(), other.display(), names.join(", "))
                    .expect("a string can be written to");
            }
        }
    }
    text
}

/// Files that need each other: the strongly connected components.
fn cycles(uses: &Uses) -> BTreeSet<BTreeSet<&Path>> {
    let reachable: BTreeMap<_, _> = uses.keys().map(|file| (file.as_path(), reachable(uses, file))).collect();
    let need_each_other = |file: &Path, other: &Path| {
        let reaches = |from: &Path, to: &Path| reachable.get(from).is_some_and(|files| files.contains(to));
        reaches(file, other) && reaches(other, file)
    };
    let cycle = |file: &Path| reachable.keys().copied().filter(|other| need_each_other(file, other)).collect();
    reachable.keys().map(|file| cycle(file)).filter(|cycle: &BTreeSet<_>| !cycle.is_empty()).collect()
}

/// The files that one needs, directly or by way of others.
fn reachable<'uses>(uses: &'uses Uses, file: &Path) -> BTreeSet<&'uses Path> {
    let others = |file: &Path| uses.get(file).into_iter().flat_map(BTreeMap::keys).map(PathBuf::as_path);
    let mut found = BTreeSet::new();
    let mut to_visit: Vec<_> = others(file).collect();
    while let Some(file) = to_visit.pop() {
        if found.insert(file) {
            to_visit.extend(others(file));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cycles of a crate with these files.
    fn cycles_of(files: &[(&str, &str)]) -> String {
        let directory = tempfile::tempdir().expect("a directory");
        for (name, text) in files {
            let file = directory.path().join(name);
            std::fs::create_dir_all(file.parent().expect("its directory")).expect("a directory");
            std::fs::write(file, text).expect("a file");
        }
        let uses = uses(&directory.path().join("lib.rs"), directory.path()).expect("it is Rust");
        describe_cycles(&uses)
    }

    #[test]
    fn a_cycle_is_told_with_the_names_that_close_it() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c; mod d;"),
            ("a.rs", "use crate::b::{self, B}; pub struct A(B); fn a() { b::b() }"),
            ("b.rs", "pub struct B; pub fn b() { super::c::c() }"),
            ("c.rs", "pub fn c() { vec![crate::a::A] } pub use crate::d::D;"),
            ("d.rs", "pub struct D;"),
        ];

        let cycles = cycles_of(&files);

        assert_eq!(cycles, "\ncycle of 3 files\n  a.rs -> b.rs: B, b\n  b.rs -> c.rs: c\n  c.rs -> a.rs: A\n");
    }

    #[test]
    fn what_goes_one_way_is_no_cycle() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("a.rs", "use crate::b; pub struct A(b::B);"),
            ("b.rs", "use std::fmt; use anyhow::anyhow; pub struct B; fn a() -> anyhow::Result<()> { anyhow!() }"),
        ];

        assert_eq!(cycles_of(&files), "");
    }

    #[test]
    fn a_reexport_leads_to_the_file_that_defines_the_name() {
        let lib = ("lib.rs", "mod area; pub use area::Point; pub use area::*;");
        let area = ("area/mod.rs", "mod point; mod line; mod size; pub use self::{point::Point, line::*};");
        let line = ("area/line.rs", "use crate::Point; pub struct Line(Point);");
        let point = ("area/point.rs", "use super::size::Size; pub struct Point;");

        let apart = ("area/size.rs", "pub struct Size;");
        assert_eq!(cycles_of(&[lib, area, line, point, apart]), "");

        let tied = ("area/size.rs", "use crate::Line; pub struct Size;");
        assert_eq!(
            cycles_of(&[lib, area, line, point, tied]),
            "\ncycle of 3 files\n  area/line.rs -> area/point.rs: Point\n  area/point.rs -> area/size.rs: Size\n  \
             area/size.rs -> area/line.rs: Line\n"
        );
    }

    #[test]
    fn a_parent_may_pass_on_its_childrens_names_but_not_use_them_while_they_use_its_own() {
        let lib = ("lib.rs", "mod parent;");
        let child = ("parent/child.rs", "use super::MAX; pub struct Child;");

        assert_eq!(
            cycles_of(&[lib, child, ("parent/mod.rs", "mod child; pub use self::child::Child; const MAX: u8 = 1;")]),
            ""
        );
        assert_eq!(
            cycles_of(&[lib, child, ("parent/mod.rs", "mod child; use self::child::Child; const MAX: u8 = 1;")]),
            "\ncycle of 2 files\n  parent/child.rs -> parent/mod.rs: MAX\n  parent/mod.rs -> parent/child.rs: Child\n"
        );
    }

    #[test]
    fn tests_may_use_what_they_like() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "pub struct A; #[cfg(test)] mod tests { use crate::b::B; } #[cfg(test)] use crate::b::B;"),
            ("b.rs", "pub struct B(crate::a::A);"),
        ];

        assert_eq!(cycles_of(&files), "");
    }

    #[test]
    fn a_module_within_a_file_is_that_file() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "pub struct A; pub mod inner { use super::A; pub fn run() { super::super::b::b() } }"),
            ("b.rs", "pub fn b() { crate::a::inner::run() }"),
        ];

        assert_eq!(cycles_of(&files), "\ncycle of 2 files\n  a.rs -> b.rs: b\n  b.rs -> a.rs: run\n");
    }
}
