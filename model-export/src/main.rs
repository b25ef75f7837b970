//! From logs to a bundle: the command line.

mod command;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// Training makes and frees many buffers of megabytes; the system's allocator gives each back to the kernel.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match command::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error[{}]: {error}", error.code().as_str());
            ExitCode::FAILURE
        }
    }
}
