//! Memory that two threads or two processes share, for the lower bounds.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;

use anyhow::Context;
use rustix::fs::MemfdFlags;
use rustix::mm::{MapFlags, ProtFlags};

/// A mapping of anonymous shared memory, all zero at first.
pub(crate) struct Shared {
    start: NonNull<u8>,
    len: usize,
    file: OwnedFd,
}

// SAFETY: a mapping belongs to no thread; words in it are atomic, and callers of `read` and `write` ensure exclusive access.
unsafe impl Send for Shared {}
// SAFETY: shared access is by atomic words and by `read` and `write`, whose callers rule out races.
unsafe impl Sync for Shared {}

impl Shared {
    pub(crate) fn new(len: usize) -> anyhow::Result<Self> {
        let file = rustix::fs::memfd_create("coincide-bench", MemfdFlags::CLOEXEC)?;
        rustix::fs::ftruncate(&file, len as u64)?;
        Self::map(file, len)
    }

    /// The memory of another process that has called it by this name.
    pub(crate) fn open(name: &str) -> anyhow::Result<Self> {
        let file = File::options().read(true).write(true).open(name).context("cannot open the shared memory")?;
        let len = usize::try_from(file.metadata()?.len())?;
        Self::map(file.into(), len)
    }

    /// A name for [`open`](Self::open), good as long as this process lives.
    pub(crate) fn name(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd())
    }

    fn map(file: OwnedFd, len: usize) -> anyhow::Result<Self> {
        // SAFETY: the kernel chooses a free range.
        let start = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                len,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED | MapFlags::POPULATE,
                file.as_fd(),
                0,
            )?
        };
        let start = NonNull::new(start.cast()).context("mapped at address zero")?;
        Ok(Self { start, len, file })
    }

    /// The word at an offset in bytes.
    pub(crate) fn word(&self, at: usize) -> &AtomicU32 {
        assert!(at.is_multiple_of(4) && at + 4 <= self.len);
        // SAFETY: inside the mapping, aligned, and words are only accessed by this method.
        unsafe { AtomicU32::from_ptr(self.start.as_ptr().add(at).cast()) }
    }

    /// Copies bytes to an offset.
    ///
    /// # Safety
    /// No other thread or process accesses these bytes during the call, and no word lies among them.
    pub(crate) unsafe fn write(&self, at: usize, bytes: &[u8]) {
        assert!(at <= self.len && bytes.len() <= self.len - at);
        // SAFETY: inside the mapping; the caller vouches for the rest.
        unsafe { self.start.as_ptr().add(at).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) }
    }

    /// Copies bytes from an offset.
    ///
    /// # Safety
    /// No thread or process writes these bytes during the call, and no word lies among them.
    pub(crate) unsafe fn read(&self, at: usize, bytes: &mut [u8]) {
        assert!(at <= self.len && bytes.len() <= self.len - at);
        // SAFETY: inside the mapping; the caller vouches for the rest.
        unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(self.start.as_ptr().add(at), bytes.len()) }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: the range of this mapping, which is not used afterwards. It can't fail for a range that is mapped.
        let _ = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.len) };
    }
}
