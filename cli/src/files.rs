//! The file system as it is served: folders and regular files only.

use std::fs::Metadata;
use std::future::Future;
use std::io::{self, ErrorKind, SeekFrom};
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::fs::{self, OpenOptions};
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tower_http::services::fs::{Backend, File};

use crate::sys;

/// Hides everything that is neither a folder nor a regular file. Opening or reading a FIFO or a device may block a thread indefinitely, or
/// have side effects.
#[derive(Clone, Debug)]
pub(crate) struct Files;

impl Backend for Files {
    type File = Regular;
    type Metadata = Metadata;
    type OpenFuture = Eventually<'static, Regular>;
    type MetadataFuture = Eventually<'static, Metadata>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        Box::pin(async move {
            // Some devices react to being opened, so their kind is read first.
            regular(&fs::metadata(&path).await.map_err(absence)?)?;
            let mut options = OpenOptions::new();
            sys::do_not_block(options.read(true));
            let file = options.open(&path).await.map_err(absence)?;
            // The path may lead to another file by now.
            regular(&file.metadata().await?)?;
            Ok(Regular(file))
        })
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        Box::pin(async move {
            let metadata = fs::metadata(&path).await.map_err(absence)?;
            if !metadata.is_dir() {
                regular(&metadata)?;
            }
            Ok(metadata)
        })
    }
}

/// An open regular file.
pub(crate) struct Regular(fs::File);

impl File for Regular {
    type Metadata = Metadata;
    type MetadataFuture<'a> = Eventually<'a, Metadata>;

    fn metadata(&self) -> Self::MetadataFuture<'_> {
        Box::pin(self.0.metadata())
    }
}

impl AsyncRead for Regular {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl AsyncSeek for Regular {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        Pin::new(&mut self.0).start_seek(position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.0).poll_complete(context)
    }
}

type Eventually<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

fn regular(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() { Ok(()) } else { Err(ErrorKind::NotFound.into()) }
}

/// Maps errors which mean that a path leads to no readable file to `NotFound`.
pub(crate) fn absence(error: io::Error) -> io::Error {
    let absent = match error.kind() {
        ErrorKind::NotFound
        | ErrorKind::NotADirectory
        | ErrorKind::PermissionDenied
        | ErrorKind::InvalidFilename
        | ErrorKind::InvalidInput => true,
        _ => sys::is_link_loop(&error),
    };
    if absent { ErrorKind::NotFound.into() } else { error }
}
