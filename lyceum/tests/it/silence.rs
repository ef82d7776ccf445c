//! Nothing that a person types in confidence comes back in an error or is written to a log.
//! (`cargo xtask test` also reads what all the other tests have seen.)

use serde_json::{Value, json};

use crate::system::{System, Visitor};

const EMAIL: &str = "someone@silence.example";
const PASSWORD: &str = "a password that nobody may see";

const LOGIN: &str = "mutation ($input: LoginInput!) { login(input: $input) { userErrors { code message } } }";
const REGISTER: &str = "mutation ($input: RegisterInput!) { register(input: $input) { userErrors { code message } } }";

fn ask(visitor: &Visitor, document: &str, variables: Value) -> String {
    let answer = visitor.ask(document, variables).to_string();
    assert!(answer.contains("\"message\":"), "there is something to complain of: {answer}");
    answer
}

#[test]
fn an_error_does_not_repeat_what_was_typed() {
    let anonymous = System::shared().anonymous();
    let half = format!("mutation {{ login(input: {{ email: \"{EMAIL}\", password: \"{PASSWORD}\"");
    let documents = [
        // A value of the wrong type, a field too many, one too few; then what is no document at all.
        format!("{half}, password: 5 }}) {{ userErrors {{ code }} }} }}"),
        format!("{half}, age: 5 }}) {{ userErrors {{ code }} }} }}"),
        format!("mutation {{ login(input: {{ password: \"{PASSWORD}\" }}) {{ userErrors {{ code }} }} }}"),
        format!("mutation {{ login(input: \"{PASSWORD}\") {{ userErrors {{ code }} }} }}"),
        format!("mutation {{ login(input: {{ email \"{EMAIL}\" }}) {{ userErrors {{ code }} }} }}"),
        format!("mutation {{ login(input: {{ email: \"{EMAIL}\" \"{PASSWORD}\" }}) {{ userErrors {{ code }} }} }}"),
        half,
    ];
    let inputs = [
        json!({ "email": EMAIL, "password": PASSWORD, "age": 5 }),
        json!({ "email": EMAIL, "password": [PASSWORD, 5] }),
        json!({ "email": [EMAIL, 5], "password": PASSWORD }),
        json!({ "email": EMAIL, "password": { "value": PASSWORD } }),
        json!({ "email": EMAIL, "name": PASSWORD }),
        json!({ "password": PASSWORD }),
        json!(PASSWORD),
        json!([EMAIL, PASSWORD]),
        json!({ "email": EMAIL, "password": PASSWORD, "name": "a\u{0}b" }),
    ];

    let by_document = documents.iter().map(|document| ask(&anonymous, document, json!({})));
    let by_variable = [LOGIN, REGISTER]
        .into_iter()
        .flat_map(|document| inputs.iter().map(move |input| (document, json!({ "input": input }))))
        .map(|(document, variables)| ask(&anonymous, document, variables));
    let loud: Vec<_> =
        by_document.chain(by_variable).filter(|answer| answer.contains(EMAIL) || answer.contains(PASSWORD)).collect();

    assert!(loud.is_empty(), "{loud:#?}");
}
