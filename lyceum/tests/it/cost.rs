//! What operations cost: told, limited, and paid from a budget of one's own.

use reqwest::StatusCode;
use serde_json::{Value, json};
use subgraph_testing::{Reply, blocking::Client};

use crate::{
    operations::{self, operations},
    system::{LoneRouter, STUDENT, System, TEACHER},
};

const PAGE: &str = "{ courses(first: 100) { nodes { id teacher { name } } } }";
/// 183 bytes for a million courses.
const COURSES_OF_COURSES: &str =
    "{courses(first:100){nodes{teacher{courses(first:100){nodes{teacher{courses(first:100){nodes{id title}}}}}}}}}";

fn cost(visitor: &Client, document: &str) -> Value {
    let answer = visitor.with_header("lyceum-cost", "1").send(document, json!({}));
    assert_eq!(answer.status, StatusCode::OK, "{answer}");
    answer["extensions"]["cost"].clone()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

#[test]
fn what_costs_too_much_is_refused_before_it_runs() {
    let system = System::shared();
    let search = |index: usize| {
        format!("a{index}: courses(first: 1, filter: {{ search: \"zq{index}\" }}) {{ totalCount nodes {{ id }} }}")
    };
    let searches = format!("{{ {} }}", (0..30).map(search).collect::<String>());

    for visitor in [system.anonymous(), system.sign_in(TEACHER)] {
        for document in [COURSES_OF_COURSES, &searches] {
            let answer = visitor.with_header("lyceum-trace", "1").send(document, json!({}));
            let error = &answer["errors"][0]["extensions"];

            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer}");
            assert_eq!(error["code"], "COST_ESTIMATED_TOO_EXPENSIVE", "{answer}");
            assert!(number(&error["cost"]["estimated"]) > number(&error["cost"]["limit"]), "{answer}");
            assert_eq!((answer.json.get("data"), answer.json.get("extensions")), (None, None), "nothing was run");
        }
    }
}

#[test]
fn what_clients_send_is_far_below_the_limits() {
    let router = System::shared().anonymous();

    let mut checked = 0;
    for operation in operations() {
        for viewer in &operation.viewers {
            let cost = operations::cost(&operation, viewer, &router);
            let (estimated, limit) = (number(&cost["estimated"]), number(&cost["limit"]));
            assert!(estimated < limit / 3.0, "{} of {viewer}: {cost}", operation.name);
            assert!(number(&cost["actual"]) <= estimated + 0.001, "{} of {viewer}: {cost}", operation.name);
            checked += 1;
        }
    }
    assert!(checked > 12, "{checked}");
}

#[test]
fn who_asks_is_told_and_nobody_else() {
    let system = System::shared();
    let anonymous = system.anonymous();

    let told = cost(&anonymous, PAGE);
    assert!(number(&told["actual"]) > 0.0 && number(&told["actual"]) <= number(&told["estimated"]), "{told}");
    // This system has no budgets.
    assert_eq!(told["remaining"], json!(null));
    assert!(number(&told["limit"]) < number(&cost(&system.sign_in(STUDENT), PAGE)["limit"]));
    assert_eq!(anonymous.send(PAGE, json!({})).json.get("extensions"), None);
    let text = anonymous.with_header("lyceum-cost", "0").send(PAGE, json!({})).text;
    assert!(!text.contains("extensions"), "{text}");
}

/// The answer to a dry run that asks for the cost, too.
fn planned(visitor: &Client, document: &str, variables: Value) -> Reply {
    let visitor = visitor.with_header("hive-expose-query-plan", "dry-run").with_header("lyceum-cost", "1");
    let answer = visitor.send(document, variables);
    assert!(answer.text.matches("\"cost\":").count() < 2, "{answer}");
    answer
}

#[test]
fn a_plan_says_what_the_operation_would_cost() {
    let student = System::shared().sign_in(STUDENT);
    let document = "query ($first: Int) { courses(first: $first) { nodes { id teacher { name } } } }";

    let [short, long] = [1, 100].map(|first| planned(&student, document, json!({ "first": first })));

    let (told, run) = (&long["extensions"]["cost"], cost(&student, PAGE));
    assert_eq!((&told["estimated"], &told["limit"]), (&run["estimated"], &run["limit"]), "{long}");
    assert!(number(&short["extensions"]["cost"]["estimated"]) < number(&told["estimated"]), "{short}");
    assert_eq!((told.get("actual"), long.json.get("data")), (Some(&json!(null)), None), "nothing was run: {long}");
    assert_eq!(long["extensions"]["queryPlan"]["kind"], "QueryPlan", "{long}");
    let unasked = student.with_header("hive-expose-query-plan", "dry-run").send(PAGE, json!({}));
    assert!(!unasked.text.contains("estimated"), "{unasked}");
}

#[test]
fn a_variables_name_changes_no_estimate() {
    let student = System::shared().sign_in(STUDENT);
    let estimated = |name: &str, document: &str, value: &Value| {
        let planned = planned(&student, &document.replace("NAME", name), json!({ (name): value }));
        number(&planned["extensions"]["cost"]["estimated"])
    };

    for (document, more, less) in [
        ("query ($NAME: Int) { courses(first: $NAME) { nodes { id } } }", json!(100), json!(1)),
        ("query ($NAME: String) { courses(filter: { search: $NAME }) { totalCount } }", json!("latin"), json!(null)),
        ("query ($NAME: CourseFilter) { courses(filter: $NAME) { totalCount } }", json!({ "search": "a" }), json!({})),
    ] {
        let usual = estimated("value", document, &more);
        assert!((usual - estimated("representations", document, &more)).abs() < 0.001, "{document}");
        assert!(estimated("representations", document, &less) < usual, "{document}");
    }
}

#[test]
fn words_and_orders_by_value_have_a_price_and_are_affordable() {
    let anonymous = System::shared().anonymous();
    let estimated = |arguments: &str| {
        let told = cost(&anonymous, &format!("{{ courses({arguments}) {{ totalCount nodes {{ title }} }} }}"));
        number(&told["estimated"])
    };

    let [search, words] = ["search", "words"].map(|field| estimated(&format!("filter: {{ {field}: \"zq zx\" }}")));

    assert!(words > search, "{words} {search}");
    assert!(estimated("orderBy: TITLE") > estimated("first: 20"));
}

#[test]
fn who_may_not_see_a_plan_is_not_told_its_cost() {
    let router = LoneRouter::start(System::shared());

    let refused = planned(&router.visitor(), PAGE, json!({}));

    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{refused}");
    assert!(!refused.text.contains("estimated"), "{refused}");
}

#[test]
fn who_has_spent_their_budget_waits_and_nobody_else_does() {
    let system = System::start(&[
        "--temporary",
        "--anonymous-cost-budget",
        "300",
        "--cost-budget",
        "300",
        "--client-address-header",
        "x-test-address",
    ]);
    let send = |address: &str, viewer: &Client| viewer.with_header("x-test-address", address).send(PAGE, json!({}));
    let anonymous = system.anonymous();

    for viewer in [&anonymous, &system.sign_in(STUDENT)] {
        let refused = (0..1_000).map(|_| send("192.0.2.1", viewer)).find(|answer| answer.status != StatusCode::OK);
        let refused = refused.expect("it is spent");
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
        let header = |name: &str| refused.headers[name].to_str().expect("ASCII").to_owned();
        let seconds: u64 = header("retry-after").parse().expect("seconds");
        assert!((1..=61).contains(&seconds), "{seconds}");
        assert_eq!(header("ratelimit-policy"), "\"cost\";q=300;w=60");
        assert!(header("ratelimit").starts_with("\"cost\";r="), "{}", header("ratelimit"));
        assert_eq!(header("x-ratelimit-limit"), "300");
        assert_eq!(refused.error(), Some("RATE_LIMITED"), "{refused}");
        assert_eq!(refused["errors"][0]["extensions"]["retryAfter"], seconds, "{refused}");
    }
    assert_eq!(send("192.0.2.2", &anonymous).status, StatusCode::OK);
    assert_eq!(send("192.0.2.1", &system.sign_in(TEACHER)).status, StatusCode::OK);
}
