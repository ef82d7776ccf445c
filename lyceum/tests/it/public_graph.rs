//! `--contract public`: what only admins use is not there, whoever asks, by whatever way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};
use subgraph_testing::blocking::Client;

use crate::system::{ADMIN, System, documents, workspace};

const INTROSPECTION: &str = "{ __schema { types { kind name possibleTypes { name } enumValues { name }
    fields { name args { name defaultValue type { ...T } } type { ...T } }
    inputFields { name defaultValue type { ...T } } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
const ID: &str = "00000000-0000-7000-8000-000000000000";
const ROOTS: [(&str, &str); 3] = [("Query", "query"), ("Mutation", "mutation"), ("Subscription", "subscription")];

/// A schema, as introspection tells it.
struct Schema(BTreeMap<String, Value>);

impl Schema {
    fn of(client: &Client) -> Self {
        let answer = client.data(INTROSPECTION, json!({}));
        let types = list(&answer["__schema"]["types"]).iter().filter(|of| !name(of).starts_with("__"));
        Self(types.map(|of| (name(of).to_owned(), of.clone())).collect())
    }

    /// The names of types, and coordinates such as `Type.field`.
    fn coordinates(&self) -> BTreeSet<String> {
        let members = |of: &Value| {
            ["fields", "inputFields", "enumValues"]
                .into_iter()
                .flat_map(|kind| list(&of[kind]).to_vec())
                .collect::<Vec<_>>()
        };
        self.0
            .iter()
            .flat_map(|(of, definition)| {
                let parts = members(definition).into_iter().map(move |member| format!("{of}.{}", name(&member)));
                [of.clone()].into_iter().chain(parts).collect::<Vec<_>>()
            })
            .collect()
    }

    fn fields(&self, of: &str) -> &[Value] {
        self.0.get(of).map_or(&[], |of| list(&of["fields"]))
    }

    /// The shortest way from a root to each composite type, and every other field that leads there from a type on such a way.
    fn ways(&self) -> BTreeMap<String, Vec<String>> {
        let mut ways: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut shortest: BTreeMap<String, String> =
            ROOTS.map(|(of, word)| (of.to_owned(), format!("{word} {{ @ }}"))).into();
        let mut queue: VecDeque<String> = ROOTS.map(|(of, _)| of.to_owned()).into();
        while let Some(of) = queue.pop_front() {
            let here = shortest[&of].clone();
            let members = list(&self.0[&of]["possibleTypes"])
                .iter()
                .map(|member| (name(member).to_owned(), format!("... on {} {{ @ }}", name(member))));
            let fields = self.fields(&of).iter().map(|field| {
                let text = format!("{}{} {{ @ }}", name(field), self.arguments(field));
                (named(&field["type"]).to_owned(), text)
            });
            for (to, step) in fields.chain(members) {
                if !self.is_composite(&to) {
                    continue;
                }
                let way = here.replace('@', &step);
                ways.entry(to.clone()).or_default().push(way.clone());
                if !shortest.contains_key(&to) {
                    shortest.insert(to.clone(), way);
                    queue.push_back(to);
                }
            }
        }
        ways
    }

    fn is_composite(&self, of: &str) -> bool {
        self.0.get(of).is_some_and(|of| ["OBJECT", "INTERFACE", "UNION"].map(Value::from).contains(&of["kind"]))
    }

    /// Values for the required arguments.
    fn arguments(&self, field: &Value) -> String {
        let given = self.required(list(&field["args"]));
        if given.is_empty() { given } else { format!("({given})") }
    }

    fn required(&self, inputs: &[Value]) -> String {
        let required =
            inputs.iter().filter(|each| each["type"]["kind"] == "NON_NULL" && each["defaultValue"].is_null());
        let given = required.map(|each| format!("{}: {}", name(each), self.value(&each["type"])));
        given.collect::<Vec<_>>().join(", ")
    }

    fn value(&self, of: &Value) -> String {
        match of["kind"].as_str() {
            Some("NON_NULL") => self.value(&of["ofType"]),
            Some("LIST") => format!("[{}]", self.value(&of["ofType"])),
            _ => match (name(of), self.0.get(name(of))) {
                ("ID", _) => format!("\"{ID}\""),
                ("Int" | "Float", _) => "1".to_owned(),
                ("Boolean", _) => "true".to_owned(),
                (_, Some(definition)) if definition["kind"] == "ENUM" => name(&definition["enumValues"][0]).to_owned(),
                (_, Some(definition)) if definition["kind"] == "INPUT_OBJECT" => {
                    format!("{{ {} }}", self.required(list(&definition["inputFields"])))
                }
                _ => "\"1\"".to_owned(),
            },
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn name(value: &Value) -> &str {
    value["name"].as_str().expect("a name")
}

fn named(of: &Value) -> &str {
    if of["ofType"].is_null() { name(of) } else { named(&of["ofType"]) }
}

/// The rows of `docs/permissions.json` that only admins have.
fn fields_of_admins() -> BTreeSet<String> {
    let text = std::fs::read_to_string(workspace().join("docs/permissions.json")).expect("a file");
    let rows: Value = serde_json::from_str(&text).expect("JSON");
    let rows = rows["fields"].as_object().expect("rows").iter();
    rows.filter(|(_, row)| row["who"].as_str().is_some_and(|who| who.starts_with("admin, ")))
        .map(|(field, _)| field.clone())
        .collect()
}

#[test]
fn what_only_admins_use_is_hidden_by_every_way() {
    let whole = Schema::of(&System::shared().anonymous());
    let system = System::start(&["--temporary", "--contract", "public"]);
    let (admin, anonymous) = (system.sign_in(ADMIN), system.anonymous());
    let public = Schema::of(&anonymous);

    let hidden: BTreeSet<_> = whole.coordinates().difference(&public.coordinates()).cloned().collect();
    assert!(public.coordinates().is_subset(&whole.coordinates()));
    let of_admins = fields_of_admins();
    assert!(of_admins.is_subset(&hidden), "{:?}", of_admins.difference(&hidden));
    let fields = hidden.iter().filter(|each| each.split_once('.').is_some_and(|(of, _)| public.0.contains_key(of)));
    assert_eq!(fields.cloned().collect::<BTreeSet<_>>(), of_admins, "nothing else of what is visible is hidden");

    every_way_to_a_hidden_field_is_refused(&whole, &public, &of_admins, &[&admin, &anonymous]);
    no_answer_tells_what_is_hidden(&system, &admin, &hidden);
    documents_of_admins_are_refused_and_all_others_are_valid(&anonymous, &of_admins);
}

fn every_way_to_a_hidden_field_is_refused(
    whole: &Schema,
    public: &Schema,
    hidden: &BTreeSet<String>,
    clients: &[&Client],
) {
    let ways = public.ways();
    let mut tried = BTreeMap::<&str, usize>::new();
    for coordinate in hidden {
        let (of, field) = coordinate.split_once('.').expect("a field");
        let definition = whole.fields(of).iter().find(|each| name(each) == field).expect("a field of the whole graph");
        let selection = if whole.is_composite(named(&definition["type"])) { " { __typename }" } else { "" };
        let field = format!("{field}{}{selection}", whole.arguments(definition));
        let root = ROOTS.iter().find(|(root, _)| *root == of).map(|(_, word)| format!("{word} {{ @ }}"));
        for way in root.iter().chain(ways.get(of).into_iter().flatten()) {
            // The way itself is open.
            for client in clients.iter().filter(|_| !way.starts_with("mutation") && !way.starts_with("subscription")) {
                let answer = client.send(&way.replace('@', "__typename"), json!({}));
                assert_ne!(answer.error(), Some("GRAPHQL_VALIDATION_FAILED"), "{way}: {answer}");
            }
            let forms = [
                way.replace('@', &field),
                way.replace('@', &format!("id: {field}")),
                way.replace('@', &format!("... on {of} {{ {field} }}")),
                way.replace('@', "...F") + &format!(" fragment F on {of} {{ {field} }}"),
            ];
            for (document, client) in forms.iter().flat_map(|form| clients.iter().map(move |client| (form, client))) {
                let answer = client.send(document, json!({}));
                assert_eq!(answer.error(), Some("GRAPHQL_VALIDATION_FAILED"), "{document}: {answer}");
                assert!(answer["data"].is_null(), "{document}: {answer}");
                *tried.entry(coordinate).or_default() += 1;
            }
        }
    }
    assert_eq!(tried.len(), hidden.len(), "each has been tried: {tried:?}");
    // A payment is reached in many ways: by itself, in lists, as a node, as the subject of a notification.
    assert!(tried["Payment.redemption"] >= 8 * 8, "{tried:?}");
}

fn no_answer_tells_what_is_hidden(system: &System, admin: &Client, hidden: &BTreeSet<String>) {
    let get = |path: &str| {
        let response = reqwest::blocking::get(format!("{}{path}", system.addresses.router)).expect("an answer");
        response.text().expect("text")
    };
    let schema = get("/schema.graphql");
    assert!(schema.contains("type Payment implements Node"), "{schema}");
    let told = [
        schema,
        admin
            .send(
                "{ __schema { types { name description fields(includeDeprecated: true) { name description } } } }",
                json!({}),
            )
            .text,
        get("/"),
        system.output(),
    ];
    // Names that something visible has, too, such as `Mutation.payments` and `User.payments`, are not told apart here.
    let visible = told[0].split(|sign: char| !sign.is_alphanumeric()).map(str::to_owned).collect::<BTreeSet<_>>();
    let names: BTreeSet<_> = hidden.iter().map(|each| each.rsplit('.').next().expect("a name")).collect();
    for unique in [
        "setUserRole",
        "deleteUser",
        "refundPayment",
        "redemption",
        "UserFilter",
        "PaymentRedemption",
        "unverifiedTeachers",
    ] {
        assert!(names.contains(unique), "{unique}");
        assert!(!visible.contains(unique), "the schema tells of {unique}");
        assert!(told.iter().all(|text| !text.contains(unique)), "{unique}");
        let misspelt = &unique[..unique.len() - 1];
        for document in [
            format!("{{ {misspelt} }}"),
            format!("mutation {{ {misspelt} }}"),
            format!("query ($x: {misspelt}) {{ __typename }}"),
            format!("{{ payment(id: \"{ID}\") {{ {misspelt} }} }}"),
        ] {
            let answer = admin.send(&document, json!({}));
            assert_eq!(answer.error(), Some("GRAPHQL_VALIDATION_FAILED"), "{document}: {answer}");
            assert!(!answer.text.contains(unique), "{document}: {answer}");
        }
    }
    for of in hidden.iter().filter(|each| !each.contains('.')) {
        let answer = admin.send(&format!("{{ __type(name: \"{of}\") {{ name }} }}"), json!({}));
        assert!(answer["data"]["__type"].is_null() && answer.error().is_none(), "{of}: {answer}");
    }
}

/// The documents of clients are valid in the public graph, but for those of admins.
fn documents_of_admins_are_refused_and_all_others_are_valid(anonymous: &Client, hidden: &BTreeSet<String>) {
    let names: BTreeSet<_> = hidden.iter().map(|each| each.rsplit('.').next().expect("a name")).collect();
    let mut refused = 0;
    for file in documents() {
        let document = std::fs::read_to_string(&file).expect("a document");
        // It would be followed.
        if document.contains("subscription ") {
            continue;
        }
        let words: BTreeSet<_> = document.split(|sign: char| !sign.is_alphanumeric()).collect();
        let is_invalid = anonymous.send(&document, json!({})).error() == Some("GRAPHQL_VALIDATION_FAILED");
        refused += usize::from(is_invalid);
        assert!(!is_invalid || words.iter().any(|word| names.contains(word)), "{}", file.display());
    }
    assert!(refused >= 3, "verify a teacher, refund a payment, delete a user");
}

#[test]
fn a_stored_operation_of_an_admin_is_refused_too() {
    let manifest = workspace().join("operations/manifest.json");
    let manifest = manifest.to_str().expect("a path of letters");
    let system = System::start(&["--temporary", "--contract", "public", "--safelist", manifest]);
    let listed: Value = serde_json::from_str(&std::fs::read_to_string(manifest).expect("a file")).expect("JSON");
    let id = |operation: &str| {
        let found = list(&listed["operations"]).iter().find(|each| name(each) == operation);
        found.unwrap_or_else(|| panic!("the manifest has no {operation}"))["id"].clone()
    };
    let send = |operation: &str, variables: Value| {
        system.anonymous().send_request(&json!({ "documentId": id(operation), "variables": variables }))
    };

    let open = send("Catalogue", json!({ "first": 1 }));
    assert!(open["data"]["courses"]["nodes"].is_array(), "{open}");
    for (operation, key) in [("VerifyTeacher", "userId"), ("RefundPayment", "paymentId"), ("DeleteUser", "userId")] {
        let answer = send(operation, json!({ "input": { key: ID } }));
        assert!(answer["data"].is_null(), "{operation}: {answer}");
        // The subgraph would have asked who that is.
        assert_eq!(answer.error(), Some("GRAPHQL_VALIDATION_FAILED"), "{operation}: {answer}");
    }
}
