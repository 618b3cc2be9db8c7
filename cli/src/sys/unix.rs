//! Unix.

use std::io;

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::fs::OpenOptions;

/// Opens files without blocking, such as a FIFO without a writer.
pub(crate) fn do_not_block(options: &mut OpenOptions) {
    options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
}

/// Whether a path was not resolved because its symbolic links form a loop.
pub(crate) fn is_link_loop(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::LOOP)
}

/// Raises the soft limit of open files to [`FILES`] as far as the hard limit allows.
pub(crate) fn raise_file_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(FILES, |maximum| maximum.min(FILES));
    if current.is_some_and(|current| current < wanted) {
        // With the old limit, fewer connections are accepted at a time.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
    }
}

/// Two for each connection, and 512 or more for everything else. macOS allows 256 by default.
const FILES: u64 = 1024;
