//! The `svc` binary: one call.

fn main() -> std::process::ExitCode {
    svc::cli::main()
}
