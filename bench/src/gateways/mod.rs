//! `cargo xtask bench --gateways`: Lyceum's router as a separate process, and other gateways, over the same subgraphs,
//! in turn; and `lyceum up`, over the same databases.

mod contender;
mod process;
mod subgraphs;
mod table;

use anyhow::{Context as _, Result, ensure};
use bench::{
    client::Students,
    load::Load,
    pages::{PAGES, Page},
    system::System,
};
use indicatif::{ProgressBar, ProgressStyle};
use tempfile::TempDir;

use self::{
    contender::{Contender, Name},
    subgraphs::{Accept, Subgraphs},
    table::{Sample, Table},
};
use crate::{
    options::{CONNECTIONS, Options},
    terminal::line,
};

/// The default page.
const DEFAULT_PAGE: &str = "StudentHome";

pub async fn compare(options: &Options) -> Result<()> {
    let wanted = options.only.as_deref().unwrap_or(DEFAULT_PAGE);
    let pages: Vec<_> = PAGES.iter().filter(|page| ["all", page.name].contains(&wanted)).collect();
    ensure!(!pages.is_empty(), "unknown page `{wanted}`");
    // One system for all measurements.
    let arguments = ["--seed-scale", &options.seed_scale, "--cost-budget", "0", "--access-token-seconds", "86400"];
    let system = System::start(&options.program, arguments).await?;
    let tables = measure_all(&pages, &system, options).await?;
    system.stop().await?;
    options.report.as_ref().map_or(Ok(()), |folder| Table::write(&tables, folder))
}

async fn measure_all(pages: &[&Page], system: &System, options: &Options) -> Result<Vec<Table>> {
    let (open_logs, signed_logs) = (TempDir::new()?, TempDir::new()?);
    let start = async |accept, logs: &TempDir| {
        Subgraphs::start(&options.program, system.addresses(), accept, logs.path()).await
    };
    let open = start(Accept::Everybody, &open_logs).await?;
    let signed = start(Accept::SIGNED, &signed_logs).await?;

    let mut contenders = vec![Contender::up(system)];
    for name in Name::GATEWAYS {
        let subgraphs = if name == Name::Signing { &signed } else { &open };
        contenders.push(Contender::start(name, &options.program, system, subgraphs, open_logs.path()).await?);
    }
    let students = Students::sign_in(&system.addresses().router).await?;

    let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}")?;
    let steps = pages.len() * options.pairs * contenders.len();
    let progress = ProgressBar::new(steps as u64).with_style(style);
    let mut tables = Vec::new();
    for page in pages {
        let table = measure(page, &contenders, system, &students, options, &progress).await?;
        progress.suspend(|| line(&table));
        tables.push(table);
    }
    progress.finish_and_clear();

    for contender in contenders {
        contender.stop().await?;
    }
    open.stop().await?;
    signed.stop().await?;
    Ok(tables)
}

async fn measure(
    page: &Page,
    contenders: &[Contender<'_>],
    system: &System,
    students: &Students,
    options: &Options,
    progress: &ProgressBar,
) -> Result<Table> {
    require_same_data(page, contenders, students).await?;
    let requests = students.of_graph(page);
    let mut loads = Vec::new();
    for contender in contenders {
        let load = Load::new(contender.url.clone(), &requests)?;
        // Warm-up.
        load.run(CONNECTIONS, 2).await.with_context(|| contender.name.as_str())?;
        loads.push((contender, load));
    }
    let mut table = Table::new(page.name, contenders.iter().map(|contender| contender.name));
    for _ in 0..options.pairs {
        let mut round = Vec::new();
        for (contender, load) in &loads {
            progress.set_message(contender.name.as_str());
            let before = contender.cpu(system)?;
            let measured = load.run(CONNECTIONS, options.seconds).await.with_context(|| contender.name.as_str())?;
            round.push(Sample::new(measured, contender.cpu(system)?.since(before)));
            progress.inc(1);
        }
        table.push(round);
    }
    Ok(table)
}

/// Checks that all contenders return the same `data` in every turn.
async fn require_same_data(page: &Page, contenders: &[Contender<'_>], students: &Students) -> Result<()> {
    let mut expected = None;
    for contender in contenders {
        let data = students.data_of(page, &contender.url).await.with_context(|| contender.name.as_str())?;
        let expected = expected.get_or_insert_with(|| data.clone());
        ensure!(*expected == data, "{}: {} returns different data than the others", page.name, contender.name.as_str());
    }
    Ok(())
}
