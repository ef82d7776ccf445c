//! What a person or a script reads: results, on standard output.

#[expect(clippy::print_stdout, reason = "it is what was asked for")]
pub fn line(text: impl std::fmt::Display) {
    println!("{text}");
}
