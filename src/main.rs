//! The `reply-router` binary: everything of substance is in the library.

fn main() -> std::process::ExitCode {
    reply_router::cli::main()
}
