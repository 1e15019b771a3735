//! `cargo db` for those who install it: cargo finds `cargo-db` on the `PATH`.
fn main() -> std::process::ExitCode {
    cargo_db::installed_main()
}
