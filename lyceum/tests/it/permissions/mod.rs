//! Who may see what: `docs/permissions.json`, held against the running system. Every field and every
//! operation is asked for by every viewer, through the router and straight at each subgraph; through the router also
//! under the name of every other field of its type, of the key, and of what another subgraph requires.

mod fixtures;
mod graph;
mod table;
mod walk;

use std::{collections::BTreeSet, thread};

use subgraph_testing::blocking::Client;

use self::{
    fixtures::People,
    graph::Graph,
    table::{FILE, Outcome, Table},
    walk::{Observation, Walk},
};
use crate::system::System;

const ROUTER: &str = "router";

/// Somebody who answers, and the schema that they have.
struct Server {
    name: String,
    visitor: Client,
    graph: Graph,
}

#[test]
fn every_viewer_gets_what_the_table_says_by_every_access_path() {
    let table = Table::read();
    let system = System::start(&["--temporary", "--empty", "--cost-limit", "0", "--anonymous-cost-limit", "0"]);
    let servers = servers(&system, &table);
    assert_none("the schema and the table differ", &rows_that_differ(&table, &servers));

    let people = People::move_in(&system);
    let mut observations = walk(&table, &servers, &people, "Query");
    observations.extend(walk(&table, &servers, &people, "Mutation"));
    observations.extend(follow(&table, &servers, &people));

    report(&table, &observations);
    assert_none("somebody gets something else than the table says", &deviations(&table, &observations));
    assert_none("nobody has tried", &untried(&table, &servers[0].graph, &people, &observations));
}

fn servers(system: &System, table: &Table) -> Vec<Server> {
    let keyed: BTreeSet<_> = table.types.keys().cloned().collect();
    let server = |name: &str, visitor: Client| Server {
        name: name.to_owned(),
        graph: Graph::of(&visitor, keyed.clone()),
        visitor,
    };
    let mut servers: Vec<_> =
        system.addresses.subgraphs.keys().map(|name| server(name, system.subgraph(name))).collect();
    let mut router = server(ROUTER, system.anonymous());
    router.graph.hidden = servers.iter().flat_map(|server| server.graph.hidden.iter().cloned()).collect();
    servers.insert(0, router);
    servers
}

/// What a server has and the table lacks, and the other way round.
fn rows_that_differ(table: &Table, servers: &[Server]) -> Vec<String> {
    let served: BTreeSet<_> = servers.iter().flat_map(|server| server.graph.coordinates()).collect();
    let unknown = served.iter().filter(|field| !table.knows(field));
    let gone = table.fields.keys().filter(|field| !served.contains(*field));
    let entities = servers.iter().flat_map(|server| server.graph.entities.iter().map(move |entity| (server, entity)));
    let closed = entities.filter(|(server, entity)| table.of_entity(entity, &server.name, "", "").is_none());
    unknown
        .map(|field| format!("who may see {field}? Add a row to {FILE}"))
        .chain(gone.map(|field| format!("{field} is gone: take its row out of {FILE}")))
        .chain(closed.map(|(server, entity)| {
            format!("who may ask {} for a {entity} by its key? Add a rule to types.{entity}.entities", server.name)
        }))
        .collect()
}

/// All viewers at once, each at all servers.
fn walk(table: &Table, servers: &[Server], people: &People, operation: &str) -> Vec<Observation> {
    let try_all = |viewer| {
        let mut observations = Vec::new();
        for Server { name, visitor, graph } in servers {
            let visitor = people.at(visitor, viewer);
            let turns_names = name == ROUTER;
            let mut walk = Walk { table, graph, people, server: name, turns_names, viewer, visitor, observations };
            walk.explore(operation);
            observations = walk.observations;
        }
        observations
    };
    thread::scope(|scope| {
        let walks: Vec<_> = people.names().map(|viewer| scope.spawn(move || try_all(viewer))).collect();
        walks.into_iter().flat_map(|walk| walk.join().expect("a walk ends")).collect()
    })
}

/// All viewers follow what arrives for them, at each server that lets them.
fn follow(table: &Table, servers: &[Server], people: &People) -> Vec<Observation> {
    let mut observations = Vec::new();
    for viewer in people.names() {
        let (before, told) = people.told(viewer);
        for Server { name, visitor, graph } in servers.iter().filter(|server| server.graph.can_be_followed()) {
            let visitor = people.at(visitor, viewer);
            let turns_names = name == ROUTER;
            let mut walk =
                Walk { table, graph, people, server: name, turns_names, viewer, visitor, observations: Vec::new() };
            walk.follow(before, told);
            observations.extend(walk.observations);
        }
    }
    observations
}

fn deviations(table: &Table, observations: &[Observation]) -> Vec<String> {
    let deviates = |observation: &&Observation| observation.got != Ok(observation.expected(table));
    let describe = |observation: &Observation| {
        let Observation { viewer, server, way, field, response_key, got, .. } = observation;
        let got = got.as_ref().map_or_else(Clone::clone, |outcome| format!("{outcome:?}"));
        format!(
            "{field} as {response_key} for {viewer} at {server}, by {way}: {got}, not {:?}",
            observation.expected(table)
        )
    };
    observations.iter().filter(deviates).map(describe).collect()
}

/// Rows that a viewer has not been seen to try through the router under each name that it could confuse, or that let
/// nobody in there.
fn untried(table: &Table, graph: &Graph, people: &People, observations: &[Observation]) -> Vec<String> {
    let routed = || observations.iter().filter(|seen| seen.server == ROUTER);
    let tried: BTreeSet<_> =
        routed().map(|seen| (seen.field.as_str(), seen.response_key.as_str(), seen.viewer)).collect();
    let allowed = routed().filter(|seen| seen.got == Ok(Outcome::Allowed));
    let allowed: BTreeSet<_> = allowed.map(|seen| (seen.field.as_str(), seen.response_key.as_str())).collect();

    let mut untried = Vec::new();
    for field in table.fields.keys().filter(|field| is_tried_itself(table, field)) {
        for key in graph.names(field.split('.').next().unwrap_or_default()) {
            let not_by = people.names().filter(|viewer| !tried.contains(&(field, key, viewer)));
            untried.extend(not_by.map(|viewer| format!("{field} as {key} for {viewer}")));
            if !allowed.contains(&(field.as_str(), key)) {
                untried.push(format!("{field} as {key} with success"));
            }
        }
    }
    untried
}

/// Pages and payloads are asked for in full with the field that they come from.
fn is_tried_itself(table: &Table, field: &str) -> bool {
    let of = field.split('.').next().unwrap_or(field);
    ["Query", "Mutation", "Subscription"].contains(&of) || table.types.contains_key(of)
}

fn report(table: &Table, observations: &[Observation]) {
    let (routed, straight): (Vec<_>, Vec<_>) = observations.iter().partition(|seen| seen.server == ROUTER);
    let ways: BTreeSet<_> = observations.iter().map(|seen| (&seen.server, &seen.way)).collect();
    eprintln!(
        "permissions: {} rows x {} viewers x {} ways: {} outcomes through the router, {} straight at the subgraphs",
        table.fields.len(),
        table.viewers.len(),
        ways.len(),
        routed.len(),
        straight.len(),
    );
}

fn assert_none(what: &str, list: &[String]) {
    assert!(list.is_empty(), "{what}, {} times:\n  {}", list.len(), list.join("\n  "));
}
