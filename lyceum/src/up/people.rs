//! The sample accounts of a seeded system, one per role.

use anyhow::Result;
use db::DbPool;
use router::SampleSignIn;

use crate::seed;

/// The sample admin; nobody can sign up as one, so `up` adds it to seeded data.
const ADMIN: &str = "admin@lyceum.example";

const PEOPLE: [(&str, &str); 4] = [
    ("Student", seed::SAMPLE_STUDENT),
    ("Teacher", seed::SAMPLE_TEACHER),
    ("Unverified teacher", seed::UNVERIFIED_TEACHER),
    ("Admin", ADMIN),
];

/// Adds the sample admin to a newly seeded system.
pub async fn add_admin(identity: &DbPool) -> Result<()> {
    identity::admin::create(identity, ADMIN, "Ada Admin", seed::PASSWORD).await?;
    Ok(())
}

/// The sample accounts that exist. None in a system that was not seeded, where anybody may have registered such an
/// address, but only after the time of the sample data.
pub async fn find(identity: &DbPool) -> Result<Vec<SampleSignIn>> {
    let addresses: Vec<String> = PEOPLE.iter().map(|&(_, email)| email.to_owned()).collect();
    let there = identity::admin::existing(identity, &addresses).await?;
    if there.get(seed::SAMPLE_STUDENT).is_none_or(|since| since.timestamp_millis() >= seed::END) {
        return Ok(Vec::new());
    }
    Ok(PEOPLE
        .into_iter()
        .filter(|(_, email)| there.contains_key(*email))
        .map(|(label, email)| SampleSignIn {
            label: label.to_owned(),
            email: email.to_owned(),
            password: seed::PASSWORD.to_owned(),
        })
        .collect())
}
