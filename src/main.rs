//! The `svc` binary: one call.

/// The system's allocator asks the kernel for memory page by page in each thread, which costs more than reading
/// `services.toml` does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    svc::cli::main()
}
