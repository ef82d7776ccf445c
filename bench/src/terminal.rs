//! Results on standard output, for people and scripts.

#[expect(clippy::print_stdout, reason = "it is what was asked for")]
pub fn line(text: impl std::fmt::Display) {
    println!("{text}");
}
