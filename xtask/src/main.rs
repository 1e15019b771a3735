//! The repository's tasks: `cargo db`.
fn main() -> std::process::ExitCode {
    cargo_db::main()
}
