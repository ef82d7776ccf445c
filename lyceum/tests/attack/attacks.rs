//! What a client may try that wants to take the system from everybody else. None of it needs an account.

use std::{fmt::Write as _, io::Write as _, iter::repeat_n};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use uuid::Uuid;

/// 183 bytes for a million courses.
const COURSES_OF_COURSES: &str =
    "{courses(first:100){nodes{teacher{courses(first:100){nodes{teacher{courses(first:100){nodes{id title}}}}}}}}}";
const PAGE: &str = "{courses(first:100){nodes{id title description teacher{name}}}}";
const LOGIN: &str = "mutation($input:LoginInput!){login(input:$input){userErrors{code}}}";
const REGISTER: &str = "mutation($input:RegisterInput!){register(input:$input){userErrors{code}}}";
const INTROSPECTION: &str = "{__schema{types{name fields{name type{name ofType{name ofType{name}} fields{name}}}}}}";

/// One way to try.
pub struct Attack {
    pub id: &'static str,
    /// What each request or connection is.
    pub what: &'static str,
    pub how: How,
}

pub enum How {
    /// Requests, several at a time, the next as soon as one is answered. Each is made from a number of its own.
    Requests(fn(u64) -> Request),
    /// Operations over one WebSocket after the other, several at a time.
    SocketOperations(fn(u64) -> String),
    /// Connections on which these bytes are sent, and nothing is read.
    Silence { connections: usize, bytes: fn() -> Vec<u8> },
    /// Connections that are upgraded and closed.
    Sockets,
    /// Requests whose body comes byte by byte.
    Drip,
}

/// A POST to `/graphql`.
pub struct Request {
    /// A GET, with the document in the address.
    pub document: Option<String>,
    pub body: Vec<u8>,
    pub is_gzip: bool,
    pub token: Option<String>,
}

impl Request {
    fn new(query: impl Into<String>) -> Self {
        Self::with(query, json!({}))
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write the variables in place")]
    fn with(query: impl Into<String>, variables: Value) -> Self {
        Self::raw(json!({ "query": query.into(), "variables": variables }).to_string())
    }

    fn raw(body: impl Into<Vec<u8>>) -> Self {
        Self { document: None, body: body.into(), is_gzip: false, token: None }
    }

    fn get(document: String) -> Self {
        Self { document: Some(document), ..Self::raw([]) }
    }

    fn gzip(mut self) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&self.body).expect("memory takes it");
        self.body = encoder.finish().expect("memory takes it");
        self.is_gzip = true;
        self
    }
}

/// So many selections of one document, each with an alias of its own.
fn aliases(number: usize, selection: impl Fn(usize) -> String) -> String {
    format!("{{{}}}", join(number, |index| format!("a{index}:{} ", selection(index))))
}

fn join(number: usize, part: impl Fn(usize) -> String) -> String {
    (0..number).fold(String::new(), |joined, index| joined + &part(index))
}

fn search(text: &str) -> String {
    format!("courses(first:1,filter:{{search:\"{text}\"}}){{totalCount nodes{{id}}}}")
}

pub const ALL: &[Attack] = &[
    Attack {
        id: "C1",
        what: "distinct documents of 900 kB, gzip to 1 kB",
        how: How::Requests(|n| Request::new(format!("{{{}}}", search(&format!("x{n}{}", "y".repeat(900_000))))).gzip()),
    },
    Attack {
        id: "C1 small",
        what: "distinct documents of 30 kB, each just within the limit",
        how: How::Requests(|n| {
            Request::new(format!("{{{}}}#{n}{}", "courses(first:1){nodes{id}}", "y".repeat(30_000)))
        }),
    },
    Attack {
        id: "C1 aliases",
        what: "distinct documents of 28 aliases, none planned before",
        how: How::Requests(|n| {
            Request::new(aliases(28, |index| {
                format!("course(id:\"{}\"){{id title}}", Uuid::from_u64_pair(n, index as u64))
            }))
        }),
    },
    Attack {
        id: "C2",
        what: "courses of teachers of courses, a million of them",
        how: How::Requests(|_| Request::new(COURSES_OF_COURSES)),
    },
    Attack {
        id: "C2 socket",
        what: "the same over WebSockets",
        how: How::SocketOperations(|_| COURSES_OF_COURSES.to_owned()),
    },
    Attack {
        id: "C2 allowed",
        what: "courses of teachers, as many as are allowed",
        how: How::Requests(|n| {
            Request::new(format!(
                "query Q{n}{{courses(first:100){{nodes{{teacher{{courses(first:20){{nodes{{id title}}}}}}}}}}}}"
            ))
        }),
    },
    Attack {
        id: "C3",
        what: "answers that nobody reads",
        how: How::Silence { connections: 200, bytes: || post(PAGE).repeat(20) },
    },
    Attack {
        id: "C4",
        what: "30 searches with totals in one document",
        how: How::Requests(|n| Request::new(aliases(30, |index| search(&format!("zq{n}x{index}"))))),
    },
    Attack {
        id: "C4 allowed",
        what: "a search with its total, each another text",
        how: How::Requests(|n| Request::new(format!("{{{}}}", search(&format!("zq{n}"))))),
    },
    Attack {
        id: "C5",
        what: "a search text of 10,000 characters, 29 times",
        how: How::Requests(|n| {
            let selections = aliases(29, |_| "courses(first:1,filter:{search:$t}){nodes{id}}".to_owned());
            let text = format!("{n}{}", "ab".repeat(5_000));
            Request::with(format!("query($t:String!){selections}"), json!({ "t": text })).gzip()
        }),
    },
    Attack {
        id: "C5 allowed",
        what: "a search text of 200 characters",
        how: How::Requests(|n| Request::new(format!("{{{}}}", search(&format!("{n:07}{}", "ab%_".repeat(48)))))),
    },
    Attack {
        id: "C6",
        what: "pages of 100 descriptions",
        how: How::Requests(|n| Request::new(format!("query Q{n}{PAGE}"))),
    },
    Attack {
        id: "C7",
        what: "1,500 connections that say nothing",
        how: How::Silence { connections: 1_500, bytes: Vec::new },
    },
    Attack {
        id: "C8",
        what: "half a head",
        how: How::Silence { connections: 400, bytes: || b"POST /graphql HTTP/1.1\r\nHost: localho".to_vec() },
    },
    Attack { id: "C8 body", what: "a body that comes byte by byte", how: How::Drip },
    Attack {
        id: "C9",
        what: "documents that are not valid",
        how: How::Requests(|n| Request::new(format!("query Q{n}{{__typename{{a}}}}"))),
    },
    Attack {
        id: "names",
        what: "a stranger's page under distinct operation names",
        how: How::Requests(|n| Request::new(format!("query Q{n}{{courses(first:1){{nodes{{id}}}}}}"))),
    },
    Attack {
        id: "fragments",
        what: "fragments that double 25 times",
        how: How::Requests(|n| {
            let mut document = format!("query Q{n}{{...F0}}");
            for depth in 0..25 {
                _ = write!(document, " fragment F{depth} on Query{{...F{next} ...F{next}}}", next = depth + 1);
            }
            Request::new(document + " fragment F25 on Query{__typename}")
        }),
    },
    Attack {
        id: "fields",
        what: "3,000 equal fields, to be merged",
        how: How::Requests(|n| Request::new(format!("query Q{n}{{{}}}", "courses{nodes{id}}".repeat(1_500)))),
    },
    Attack {
        id: "directives",
        what: "8,000 directives on one field",
        how: How::Requests(|n| Request::new(format!("query Q{n}{{__typename{}}}", "@a".repeat(8_000)))),
    },
    Attack {
        id: "conditions",
        what: "documents of 600 fields that 5 variables can leave out, in all combinations",
        how: How::Requests(|n| {
            let variables: Value =
                (0..5).map(|bit| (format!("v{bit}"), Value::Bool(bit == 0 || n >> bit & 1 == 1))).collect();
            let fields = |bit: usize| {
                let name = ["id", "title", "level", "price", "isFree"][bit];
                join(120, |index| format!("n{}a{bit}x{index}:{name} ", n >> 5))
            };
            let parts = join(5, |bit| format!("...@include(if:$v{bit}){{{}}}", fields(bit)));
            let heads = join(5, |bit| format!("$v{bit}:Boolean! "));
            Request::with(format!("query({heads}){{courses(first:1){{nodes{{{parts} id}}}}}}"), variables)
        }),
    },
    Attack {
        id: "addresses",
        what: "distinct documents of 1,000 fields, in the address of a GET",
        how: How::Requests(|n| {
            let fields = join(1_000, |index| format!("n{n}x{index}:id "));
            Request::get(format!("{{courses(first:1){{nodes{{{fields}}}}}}}"))
        }),
    },
    Attack {
        id: "nested JSON",
        what: "a variable of 100,000 nested lists",
        how: How::Requests(|_| {
            let nested: String = repeat_n('[', 100_000).chain(repeat_n(']', 100_000)).collect();
            Request::raw(format!("{{\"query\":\"{{__typename}}\",\"variables\":{{\"v\":{nested}}}}}"))
        }),
    },
    Attack {
        id: "variables",
        what: "variables of 900 kB, gzip to 1 kB",
        how: How::Requests(|n| {
            Request::with("{__typename}", json!({ "v": format!("{n}{}", "v".repeat(900_000)) })).gzip()
        }),
    },
    Attack {
        id: "cursors",
        what: "cursors that nobody has issued",
        how: How::Requests(|n| {
            Request::with(
                "query($c:String){courses(after:$c){nodes{id}}}",
                json!({ "c": format!("{n:x}{}", "QUJD".repeat(200)) }),
            )
        }),
    },
    Attack {
        id: "introspection",
        what: "introspection in cycles",
        how: How::Requests(|n| Request::new(format!("query Q{n}{INTROSPECTION}"))),
    },
    Attack {
        id: "totals",
        what: "totals of the catalogue by filters",
        how: How::Requests(|n| Request::new(format!("query Q{n}{{courses(filter:{{level:BEGINNER}}){{totalCount}}}}"))),
    },
    Attack {
        id: "child totals",
        what: "how many students each of 100 courses has",
        how: How::Requests(|n| Request::new(format!("query Q{n}{{courses(first:100){{nodes{{enrollmentCount}}}}}}"))),
    },
    Attack {
        id: "passwords",
        what: "signing in with wrong passwords",
        how: How::Requests(|n| {
            let email = format!("student{}@lyceum.example", n % 40);
            Request::with(LOGIN, json!({ "input": { "email": email, "password": format!("wrong {n}") } }))
        }),
    },
    Attack {
        id: "accounts",
        what: "registering",
        how: How::Requests(|n| {
            let email = format!("attacker{n}@lyceum.example");
            let input = json!({ "email": email, "name": "A", "password": "never seen before", "role": "STUDENT" });
            Request::with(REGISTER, json!({ "input": input }))
        }),
    },
    Attack {
        id: "tokens",
        what: "tokens that nobody has issued",
        how: How::Requests(|n| {
            let token = format!("eyJhbGciOiJFZERTQSIsImtpZCI6IjEifQ.eyJzdWIiOiJ{n:032}ifQ.{}", "A".repeat(86));
            Request { token: Some(token), ..Request::new("{courses(first:1){nodes{id}}}") }
        }),
    },
    Attack {
        id: "no JSON",
        what: "bodies of 900 kB that are no JSON",
        how: How::Requests(|_| Request::raw("x".repeat(900_000))),
    },
    Attack { id: "sockets", what: "WebSockets that are opened and closed", how: How::Sockets },
    Attack {
        id: "socket documents",
        what: "documents that are not valid, over WebSockets",
        how: How::SocketOperations(|n| format!("query Q{n}{{__typename{{a}}}}")),
    },
    Attack {
        id: "garbage",
        what: "bytes that are no HTTP",
        how: How::Silence { connections: 400, bytes: || b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n".repeat(50) },
    },
    Attack {
        id: "pipeline",
        what: "500 requests on a connection before any answer is read",
        how: How::Silence { connections: 50, bytes: || post("{courses(first:1){nodes{id}}}").repeat(500) },
    },
];

/// A request as bytes.
fn post(query: &str) -> Vec<u8> {
    let body = json!({ "query": query }).to_string();
    format!(
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
