//! From logs to a bundle: the command line.

use mimalloc::MiMalloc;

/// Training makes and frees many buffers of megabytes; the system's allocator gives each back to the kernel.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() {}
