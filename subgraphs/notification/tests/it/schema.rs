use subgraph_kit::service::sdl;

#[test]
fn the_exported_schema_is_the_committed_one() {
    let exported = sdl(&notification::schema());
    let committed = include_str!("../../schema.graphql");

    assert_eq!(exported.trim_end(), committed.trim_end(), "run `cargo xtask generate` and commit what it writes");
}
