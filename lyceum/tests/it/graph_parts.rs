//! `--contract`: what is not for the public, or for partners, is not there, whoever asks, by whatever way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};
use subgraph_testing::blocking::Client;

use crate::system::{ADMIN, LoneRouter, System, documents, workspace};

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
        let roots = ROOTS.iter().filter(|(of, _)| self.0.contains_key(*of));
        let mut shortest: BTreeMap<String, String> =
            roots.map(|(of, word)| ((*of).to_owned(), format!("{word} {{ @ }}"))).collect();
        let mut queue: VecDeque<String> = shortest.keys().cloned().collect();
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

/// The fields that are for these viewers, by `docs/permissions.json`.
fn fields_for(is_for: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let text = std::fs::read_to_string(workspace().join("docs/permissions.json")).expect("a file");
    let rows: Value = serde_json::from_str(&text).expect("JSON");
    let rows = rows["fields"].as_object().expect("rows").iter();
    rows.filter(|(_, row)| row["who"].as_str().is_some_and(&is_for)).map(|(field, _)| field.clone()).collect()
}

#[test]
fn what_only_admins_use_is_hidden_by_every_way() {
    let whole = Schema::of(&System::shared().anonymous());
    let system = System::start(&["--temporary", "--contract", "public"]);
    let (admin, anonymous) = (system.sign_in(ADMIN), system.anonymous());
    let public = Schema::of(&anonymous);

    let hidden: BTreeSet<_> = whole.coordinates().difference(&public.coordinates()).cloned().collect();
    assert!(public.coordinates().is_subset(&whole.coordinates()));
    let of_admins = fields_for(|who| who.starts_with("admin, "));
    assert!(of_admins.is_subset(&hidden), "{:?}", of_admins.difference(&hidden));
    let fields = hidden.iter().filter(|each| each.split_once('.').is_some_and(|(of, _)| public.0.contains_key(of)));
    assert_eq!(fields.cloned().collect::<BTreeSet<_>>(), of_admins, "nothing else of what is visible is hidden");

    let tried = every_way_to_a_hidden_field_is_refused(&whole, &public, &of_admins, &[&admin, &anonymous]);
    // A payment is reached in many ways: by itself, in lists, as a node, as the subject of a notification.
    assert!(tried["Payment.redemption"] >= 8 * 8, "{tried:?}");
    let told = [schema_file(&system.addresses.router), system.output()];
    assert!(told[0].contains("type Payment implements Node"), "{}", told[0]);
    let names = [
        "setUserRole",
        "deleteUser",
        "refundPayment",
        "redemption",
        "UserFilter",
        "PaymentRedemption",
        "unverifiedTeachers",
    ];
    no_answer_tells_what_is_hidden(&admin, &told, &hidden, &names, "payment");
    documents_of_admins_are_refused_and_all_others_are_valid(&anonymous, &of_admins);
}

#[test]
fn partners_read_the_catalogue_and_find_nothing_else_by_any_way() {
    let system = System::shared();
    let whole = Schema::of(&system.anonymous());
    let options = ["--contract", "partner", "--cost-budget", "0", "--anonymous-cost-budget", "0"];
    let router = LoneRouter::with(&system.addresses, &options);
    let anonymous = router.visitor();
    let admin = anonymous.with_token(system.sign_in(ADMIN).token().expect("a token"));
    let catalogue = Schema::of(&anonymous);

    let list =
        "{ courses(first: 3) { totalCount pageInfo { hasNextPage } edges { cursor node { id enrollmentCount } } } }";
    let answer = anonymous.data(list, json!({}));
    let course = &answer["courses"]["edges"][2]["node"];
    assert!(course["enrollmentCount"].is_u64(), "{answer}");
    let (read, variables) =
        ("query ($id: ID!) { course(id: $id) { title teacher { name } } }", json!({ "id": course["id"] }));
    let answer = anonymous.data(read, variables.clone());
    assert!(answer["course"]["teacher"]["name"].is_string(), "{answer}");
    assert_eq!(answer, system.anonymous().data(read, variables));

    let visible = catalogue.coordinates();
    assert!(visible.is_subset(&whole.coordinates()));
    let for_everyone = fields_for(|who| who.starts_with("everyone") || who == "as the object");
    let rows = fields_for(|_| true);
    let fields: BTreeSet<_> = visible.intersection(&rows).cloned().collect();
    assert!(fields.is_subset(&for_everyone), "{:?}", fields.difference(&for_everyone));
    assert!(!visible.contains("Mutation") && !visible.contains("Subscription") && !visible.contains("Node"));

    let hidden: BTreeSet<_> = whole.coordinates().difference(&visible).cloned().collect();
    let is_root = |of: &str| ROOTS.iter().any(|(root, _)| *root == of);
    let reachable = hidden
        .iter()
        .filter(|each| each.split_once('.').is_some_and(|(of, _)| is_root(of) || catalogue.is_composite(of)));
    let reachable = reachable.cloned().collect();
    let tried = every_way_to_a_hidden_field_is_refused(&whole, &catalogue, &reachable, &[&admin, &anonymous]);
    // A course is reached by itself, in lists, and in edges.
    assert!(tried["Course.viewerPayment"] >= 3 * 8 && tried["Mutation.login"] == 8, "{tried:?}");
    let told = [schema_file(router.address())];
    assert!(told[0].contains("type Course ") && !told[0].contains(" implements "), "{}", told[0]);
    let names = ["viewerPayment", "purchaseCourse", "notificationAdded", "isSuspended", "redemption", "PaymentStatus"];
    no_answer_tells_what_is_hidden(&admin, &told, &hidden, &names, "course");
    only_documents_of_the_catalogue_are_valid(&admin);
}

/// Documents of clients.
fn only_documents_of_the_catalogue_are_valid(client: &Client) {
    let mut valid = BTreeSet::new();
    for file in documents() {
        let document = std::fs::read_to_string(&file).expect("a document");
        if client.send(&document, json!({})).error() != Some("GRAPHQL_VALIDATION_FAILED") {
            let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
            assert!(!document.contains("mutation ") && !document.contains("subscription "), "{name}");
            valid.insert(name);
        }
    }
    assert!(valid.contains("Catalogue"), "{valid:?}");
    assert!(!valid.contains("MyProfile"), "{valid:?}");
}

/// The number of times that each field was tried.
fn every_way_to_a_hidden_field_is_refused<'a>(
    whole: &Schema,
    part: &Schema,
    hidden: &'a BTreeSet<String>,
    clients: &[&Client],
) -> BTreeMap<&'a str, usize> {
    let ways = part.ways();
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
    tried
}

/// What anybody gets of the schema, and of the router's front page.
fn schema_file(router: &str) -> String {
    let get = |path: &str| {
        let response = reqwest::blocking::get(format!("{router}{path}")).expect("an answer");
        response.text().expect("text")
    };
    get("/schema.graphql") + &get("/")
}

/// Names that nothing visible has, and a field with an id by which an object can be queried.
fn no_answer_tells_what_is_hidden(
    admin: &Client,
    told: &[String],
    hidden: &BTreeSet<String>,
    hidden_names: &[&str],
    by_id: &str,
) {
    let introspected = admin
        .send(
            "{ __schema { types { name description fields(includeDeprecated: true) { name description } } } }",
            json!({}),
        )
        .text;
    let told: Vec<_> = told.iter().cloned().chain([introspected]).collect();
    // Names that something visible has, too, such as `Mutation.payments` and `User.payments`, are not told apart here.
    let visible = told[0].split(|sign: char| !sign.is_alphanumeric()).map(str::to_owned).collect::<BTreeSet<_>>();
    let names: BTreeSet<_> = hidden.iter().map(|each| each.rsplit('.').next().expect("a name")).collect();
    for &unique in hidden_names {
        assert!(names.contains(unique), "{unique}");
        assert!(!visible.contains(unique), "the schema tells of {unique}");
        assert!(told.iter().all(|text| !text.contains(unique)), "{unique}");
        let misspelt = &unique[..unique.len() - 1];
        for document in [
            format!("{{ {misspelt} }}"),
            format!("mutation {{ {misspelt} }}"),
            format!("query ($x: {misspelt}) {{ __typename }}"),
            format!("{{ {by_id}(id: \"{ID}\") {{ {misspelt} }} }}"),
        ] {
            let answer = admin.send(&document, json!({}));
            assert_eq!(answer.error(), Some("GRAPHQL_VALIDATION_FAILED"), "{document}: {answer}");
            assert!(!answer.text.contains(unique), "{document}: {answer}");
        }
    }
    for of in hidden.iter().filter(|each| !each.contains('.')) {
        let answer = admin.send(&format!("{{ __type(name: \"{of}\") {{ name }} }}"), json!({}));
        assert!(answer["data"]["__type"].is_null() && answer.error().is_none(), "{of}: {answer}");
        let fragment = format!("{{ {by_id}(id: \"{ID}\") {{ ... on {of} {{ __typename }} }} }}");
        let answer = admin.send(&fragment, json!({}));
        assert_eq!(answer.error(), Some("GRAPHQL_VALIDATION_FAILED"), "{of}: {answer}");
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
