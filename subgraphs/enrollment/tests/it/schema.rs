use subgraph_kit::service::sdl;

#[test]
fn the_exported_schema_is_the_committed_one() {
    let exported = sdl(&enrollment::schema());

    assert_eq!(exported, include_str!("../../schema.graphql"), "run `cargo xtask generate` and commit what it writes");
}
