//! Which clients use what of the graph: counted in memory, and written to a file for each day (`docs/graph-usage.md`).
//! Names only, never values.

mod document;
mod ledger;

use std::{
    fs, io, mem,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use apollo_compiler::{Schema, executable::Operation};
use chrono::{Days, NaiveDate, Utc};
use hive_router::{
    http::HeaderName,
    ntex::http::HeaderMap,
    plugins::{
        hooks::{
            on_graphql_analysis::OnGraphqlAnalysisHookPayload,
            on_graphql_params::{GraphQLParams, OnGraphQLParamsStartHookPayload, OnGraphQLParamsStartHookResult},
        },
        plugin_trait::{EndHookPayload as _, StartHookPayload as _},
    },
};
use sha2::{Digest, Sha256};
use tokio::{task::spawn_blocking, time::sleep};

use self::{
    document::{Uses, add_uses_of_type, add_uses_of_value, has_names, uses_of},
    ledger::{File, Key, Ledger},
};
use crate::{
    UsageSettings,
    hive_gaps::{
        documents::{Documents, parser_queue},
        errors_below_null::ClientOperation,
        responses::ClientRequest,
        variable_names,
    },
    plugins::client_name::NAMES,
};

const WRITE_INTERVAL: Duration = Duration::from_mins(1);
const EXTENSION: &str = "jsonl";
/// Of a file that is being written.
const PARTIAL: &str = "partial";
/// Of the part of a file's name that is its router's.
const ROUTER_BYTES: usize = 6;

/// Counts what is used, if there is a directory for it.
pub struct Usage {
    counter: Option<Arc<Counter>>,
}

/// What the variables of a request use, in its context.
struct UsesOfVariables(Uses);

struct Counter {
    directory: PathBuf,
    retention: Days,
    /// Tells the files of several routers apart.
    router: String,
    ledger: Mutex<Ledger>,
}

impl Usage {
    pub fn new(settings: &UsageSettings) -> io::Result<Self> {
        let Some(directory) = &settings.usage_directory else { return Ok(Self { counter: None }) };
        fs::create_dir_all(directory)?;
        let counter = Arc::new(Counter {
            directory: directory.clone(),
            retention: Days::new(settings.usage_days.into()),
            router: hex::encode(rand::random::<[u8; ROUTER_BYTES]>()),
            ledger: Mutex::default(),
        });
        parser_queue::spawn(write_regularly(Arc::downgrade(&counter)));
        Ok(Self { counter: Some(counter) })
    }

    /// Notes what the variables use: later hooks do not have them as they were sent.
    pub fn on_graphql_params<'exec>(
        &'exec self,
        payload: OnGraphQLParamsStartHookPayload<'exec>,
        documents: &'exec Documents,
    ) -> OnGraphQLParamsStartHookResult<'exec> {
        if self.counter.is_none() {
            return payload.proceed();
        }
        payload.on_end(|payload| {
            let request = payload.context.get_ref::<Arc<ClientRequest>>().map(|request| Arc::clone(&request));
            if let Some((request, graph)) = request.zip(documents.graph())
                && let Some(operation) = operation(&request.operation)
            {
                let uses = uses_of_variables(operation, &payload.graphql_params, graph.schema());
                payload.context.insert(UsesOfVariables(uses));
            }
            payload.proceed()
        })
    }

    /// Counts an operation that is about to be executed.
    pub fn on_graphql_analysis(&self, payload: &OnGraphqlAnalysisHookPayload<'_>, documents: &Documents) {
        let Some(counter) = &self.counter else { return };
        // Holding one entry of the context while another is taken could wait for itself.
        let request = payload.context.get_ref::<Arc<ClientRequest>>().map(|request| Arc::clone(&request));
        let Some(request) = request else { return };
        let Some(graph) = documents.graph() else { return };
        let Some(operation) = operation(&request.operation) else { return };
        let key = key(&request.operation, operation, &payload.client_request_details.headers);
        let of_variables = payload.context.get_mut::<UsesOfVariables>().map(|mut uses| mem::take(&mut uses.0));
        // Not while others wait for the ledger.
        let now = Utc::now();
        let is_known = counter.ledger().knows(&key, now);
        let mut uses = of_variables.unwrap_or_default();
        if !is_known {
            uses.extend(uses_of(&request.operation.document, operation, graph.schema()));
        }
        let finished = counter.ledger().count(key, now, uses);
        if let Some(file) = finished {
            let counter = Arc::clone(counter);
            parser_queue::spawn(async move { counter.write(file).await });
        }
    }

    /// Writes what was counted since the last time.
    pub async fn on_shutdown(&self) {
        if let Some(counter) = &self.counter {
            counter.write_counted().await;
        }
    }
}

impl Counter {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write_counted(self: &Arc<Self>) {
        let file = self.ledger().take_file();
        if let Some(file) = file {
            Arc::clone(self).write(file).await;
        }
    }

    async fn write(self: Arc<Self>, file: File) {
        let writing = spawn_blocking(move || {
            if let Err(error) = self.replace(&file).and_then(|()| self.delete_old(file.day)) {
                self.ledger().write_again(file.day);
                tracing::error!(error = %error, "the usage of the graph cannot be written");
            }
        });
        writing.await.expect("nothing panics");
    }

    /// Whoever reads meanwhile reads the former file or the new one.
    fn replace(&self, file: &File) -> io::Result<()> {
        let path = self.directory.join(format!("{}.{}.{EXTENSION}", file.day, self.router));
        let partial = path.with_extension(PARTIAL);
        fs::write(&partial, &file.text)?;
        fs::rename(partial, path)
    }

    fn delete_old(&self, today: NaiveDate) -> io::Result<()> {
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            let is_old =
                day_of(&path).zip(today.checked_sub_days(self.retention)).is_some_and(|(day, first)| day < first);
            if is_old {
                // Another router may have done so.
                let _ = fs::remove_file(path);
            }
        }
        Ok(())
    }
}

fn operation(request: &ClientOperation) -> Option<&Operation> {
    request.document.operations.get(request.name.as_deref()).ok().map(AsRef::as_ref)
}

/// The day in a file's name; `None` for files of others.
fn day_of(path: &Path) -> Option<NaiveDate> {
    let mut parts = path.file_name()?.to_str()?.split('.');
    let (day, router, extension) = (parts.next()?, parts.next()?, parts.next()?);
    let is_router = router.len() == 2 * ROUTER_BYTES && router.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_ours = is_router && [EXTENSION, PARTIAL].contains(&extension) && parts.next().is_none();
    is_ours.then(|| day.parse().ok()).flatten()
}

/// For as long as there is a counter.
async fn write_regularly(counter: Weak<Counter>) {
    loop {
        sleep(WRITE_INTERVAL).await;
        let Some(counter) = counter.upgrade() else { return };
        counter.write_counted().await;
    }
}

fn key(request: &ClientOperation, operation: &Operation, headers: &HeaderMap) -> Key {
    let header = |name: &HeaderName| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let [client, version] = NAMES.each_ref().map(|[name, _]| header(name));
    let operation = operation.name.as_ref().map(ToString::to_string).unwrap_or_default();
    let text = request.document.sources.values().map(|source| source.source_text());
    let id = text.fold(Sha256::new(), Digest::chain_update);
    Key { client, version, operation, id: hex::encode(id.finalize()) }.bounded()
}

fn uses_of_variables(operation: &Operation, params: &GraphQLParams, schema: &Schema) -> Uses {
    let mut uses = Uses::new();
    for variable in operation.variables.iter().filter(|variable| has_names(&variable.ty, schema)) {
        match params.variables.get(variable.name.as_str()) {
            Some(value) => add_uses_of_value(value, &variable.ty, schema, &mut uses),
            // Its value has another name by now.
            None if variable.name == variable_names::RESERVED => add_uses_of_type(&variable.ty, schema, &mut uses),
            None => {}
        }
    }
    uses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(directory: &Path) -> Counter {
        Counter {
            directory: directory.to_owned(),
            retention: Days::new(30),
            router: "0123456789ab".into(),
            ledger: Mutex::default(),
        }
    }

    #[test]
    fn files_of_days_that_are_over_are_deleted_and_others_stay() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let others = ["2026-10-01.note.txt", "2026-10-01.other.jsonl", "2026-10-30.ab0123456789.jsonl", "notes.jsonl"];
        for name in others.into_iter().chain(["2026-10-29.ab0123456789.jsonl", "2025-01-01.0123456789ab.partial"]) {
            fs::write(directory.path().join(name), "").expect("it is written");
        }
        let counter = counter(directory.path());
        let today = "2026-11-29".parse().expect("a day");

        counter.replace(&File { day: today, text: "text".into() }).expect("it is written");
        counter.delete_old(today).expect("they are deleted");

        let entries = directory.path().read_dir().expect("it can be read");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        assert_eq!(names, [&others[..3], &["2026-11-29.0123456789ab.jsonl", "notes.jsonl"]].concat());
    }
}
