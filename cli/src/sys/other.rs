//! Systems without the files and limits of Unix.

use std::io;

use tokio::fs::OpenOptions;

/// Does nothing: no file of a folder blocks when it is opened.
pub(crate) fn do_not_block(_options: &mut OpenOptions) {}

/// Whether a path was not resolved because its symbolic links form a loop.
pub(crate) fn is_link_loop(error: &io::Error) -> bool {
    const ERROR_CANT_RESOLVE_FILENAME: i32 = 1921;
    error.raw_os_error() == Some(ERROR_CANT_RESOLVE_FILENAME)
}

/// Does nothing: there is no such limit.
pub(crate) fn raise_file_limit() {}
