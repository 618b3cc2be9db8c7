//! Linux: futexes, epoll and eventfd, memfd, pidfd.

use crate::doorbell::{Doorbell, WakerSlot};
use crate::layout::Rings;
use crate::region::Region;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, epoll, eventfd, poll};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, ftruncate, memfd_create};
use rustix::io::{Errno, FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, getpid, getppid, pidfd_open, waitid};
use rustix::thread::futex;
use std::io;
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub(crate) use crate::region::Region as SharedMemory;

/// Sleeping on a word of shared memory.
pub(crate) struct Parking {
    flags: futex::Flags,
}

impl Parking {
    /// For words that only threads of this process share.
    pub(crate) fn threads() -> Self {
        Self { flags: futex::Flags::PRIVATE }
    }

    /// For words of a mapping that another process has too.
    fn processes() -> Self {
        Self { flags: futex::Flags::empty() }
    }

    pub(crate) fn wait(&self, word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
        // The caller polls again in each case: another value, a signal, or a timeout.
        let _ = futex::wait(word, self.flags, expected, timespec(timeout).as_ref());
    }

    pub(crate) fn notify(&self, word: &AtomicU32) {
        // It fails only for words that do not exist.
        let _ = futex::wake(word, self.flags, 1);
    }
}

/// The signal of a [`Doorbell`]: an epoll instance over eventfds, all of them edge-triggered.
///
/// Because they are edge-triggered, no counter is read. This saves a system call. It also prevents a process on the other end of an eventfd
/// from blocking this one by emptying the counter or by making the descriptor blocking.
pub(crate) struct Signal {
    /// Written by rings of this process.
    own: OwnedFd,
    /// Readable while a ring is pending.
    set: OwnedFd,
    waker: Arc<WakerSlot>,
    outside: Mutex<Outside>,
}

/// The part of a signal that concerns other processes.
struct Outside {
    /// The eventfds by which other processes ring.
    remotes: Vec<RemoteDoorbell>,
    relay: Option<Relay>,
}

impl Signal {
    pub(crate) fn new(waker: Arc<WakerSlot>) -> io::Result<Self> {
        let own = new_eventfd()?;
        let set = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        add_edge(&set, &own, RING)?;
        Ok(Self { own, set, waker, outside: Mutex::new(Outside { remotes: Vec::new(), relay: None }) })
    }

    pub(crate) fn ring(&self) {
        ring(&self.own);
    }

    pub(crate) fn is_rung(&self) -> bool {
        let mut set = [PollFd::new(&self.set, PollFlags::IN)];
        // An error counts as a ring: a spurious wake-up is harmless.
        poll(&mut set, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).map_or(true, |ready| ready > 0)
    }

    pub(crate) fn wait(&self, timeout: Option<Duration>) -> bool {
        collect(&self.set, timeout, |_| ()).unwrap_or(0) > 0
    }

    /// Lets another process ring this signal.
    fn adopt(&self, remote: &RemoteDoorbell) -> io::Result<()> {
        add_edge(&self.set, &remote.0, RING)?;
        let mut outside = self.outside();
        outside.remotes.push(remote.clone());
        let listening = outside.relay.as_ref().map_or(Ok(()), |relay| relay.listen_to(remote));
        drop(outside);
        listening.inspect_err(|_| self.forget(remote))
    }

    /// Reverts what [`prepare`] did to this signal. The other process may keep its descriptor open, so closing ours is not enough.
    pub(crate) fn forget(&self, remote: &RemoteDoorbell) {
        let mut outside = self.outside();
        outside.remotes.retain(|other| !Arc::ptr_eq(&other.0, &remote.0));
        let _ = epoll::delete(&self.set, &remote.0);
        if let Some(relay) = &outside.relay {
            let _ = epoll::delete(&relay.set, &remote.0);
        }
    }

    /// Makes rings of other processes reach the waker.
    pub(crate) fn relay_to_waker(&self) -> io::Result<()> {
        let mut outside = self.outside();
        if outside.relay.is_some() || outside.remotes.is_empty() {
            return Ok(());
        }
        let relay = Relay::start(Arc::clone(&self.waker))?;
        for remote in &outside.remotes {
            relay.listen_to(remote)?;
        }
        outside.relay = Some(relay);
        Ok(())
    }

    fn outside(&self) -> std::sync::MutexGuard<'_, Outside> {
        self.outside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsFd for Doorbell {
    /// A descriptor that is readable from a ring until the next [`wait`](Doorbell::wait).
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.signal().set.as_fd()
    }
}

/// A thread that wakes a waker for each ring of another process, without clearing the ring for other waiters.
struct Relay {
    set: Arc<OwnedFd>,
    stop: Arc<OwnedFd>,
}

impl Relay {
    fn start(waker: Arc<WakerSlot>) -> io::Result<Self> {
        let set = Arc::new(epoll::create(epoll::CreateFlags::CLOEXEC)?);
        let stop = Arc::new(new_eventfd()?);
        add_edge(&set, &stop, STOP)?;
        let relay = Self { set: Arc::clone(&set), stop: Arc::clone(&stop) };
        std::thread::Builder::new().name("coincide-rings".into()).spawn(move || {
            // `stop` lives as long as this thread, so it stays in the set.
            let _stop = stop;
            let mut stopped = false;
            while !stopped {
                let mut rung = false;
                let outcome = collect(&set, None, |what| match what {
                    STOP => stopped = true,
                    _ => rung = true,
                });
                match outcome {
                    Ok(_) | Err(Errno::INTR) => {}
                    // The set itself is broken, which only a stray close can cause.
                    Err(_) => stopped = true,
                }
                if rung {
                    waker.wake();
                }
            }
        })?;
        Ok(relay)
    }

    fn listen_to(&self, remote: &RemoteDoorbell) -> io::Result<()> {
        add_edge(&self.set, &remote.0, RING)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // The thread isn't waited for: it may be the one that runs this.
        ring(&self.stop);
    }
}

/// The doorbell of main in the process at the other end of the link.
#[derive(Clone)]
pub(crate) struct RemoteDoorbell(Arc<OwnedFd>);

impl RemoteDoorbell {
    pub(crate) fn ring(&self) {
        ring(&self.0);
    }
}

/// A link that no other process has taken yet.
pub(crate) struct Prepared {
    pub(crate) region: Region,
    pub(crate) remote: RemoteDoorbell,
    pub(crate) life: Life,
    pub(crate) handover: Handover,
}

/// Makes a mapping, an eventfd and a pair of sockets for a link to a process that will ring `doorbell`.
pub(crate) fn prepare(config: &Rings, doorbell: &Doorbell) -> io::Result<Prepared> {
    let len = config.region_len();
    let memory = new_memfd()?;
    ftruncate(&memory, len as u64)?;
    // Without the first seal a peer could shrink the memory, and the next access to the mapping would be fatal.
    fcntl_add_seals(&memory, SEALS)?;
    let region = map(&memory, len)?;
    config.describe(&region);
    let inode = fstat(&memory)?.st_ino;

    let (ours, theirs) = UnixStream::pair()?;
    let remote = RemoteDoorbell(Arc::new(new_eventfd()?));
    let handover = Handover {
        memory: off_stdio(memory)?,
        doorbell: off_stdio(remote.0.try_clone()?)?,
        life: off_stdio(OwnedFd::from(theirs))?,
        inode,
    };
    doorbell.signal().adopt(&remote)?;
    Ok(Prepared { region, remote, life: Life(Arc::new(ours)), handover })
}

/// What a child inherits.
pub(crate) struct Handover {
    memory: OwnedFd,
    doorbell: OwnedFd,
    life: OwnedFd,
    /// Inode number of the memory. A process that inherits only the variable of an ancestor detects this by another inode.
    inode: u64,
}

impl Handover {
    /// Starts a child that has the other end.
    pub(crate) fn spawn(self, command: &mut Command) -> io::Result<Child> {
        let fds = [self.memory.as_raw_fd(), self.doorbell.as_raw_fd(), self.life.as_raw_fd()];
        let [memory, doorbell, life] = fds;
        command.env(VARIABLE, format!("{memory}:{doorbell}:{life}:{}:{}", self.inode, getpid().as_raw_nonzero()));
        // The command keeps the closure for its next spawn, when these descriptors are closed or reused.
        let current = Arc::new(AtomicBool::new(true));
        let still_current = Arc::clone(&current);
        // SAFETY: between fork and exec the closure makes system calls only: it neither allocates nor locks, and errors made from a code
        // don't allocate either. While `current` is true, `self` keeps the descriptors open.
        unsafe {
            command.pre_exec(move || {
                if still_current.load(Ordering::Relaxed) {
                    for fd in fds {
                        fcntl_setfd(BorrowedFd::borrow_raw(fd), FdFlags::empty())?;
                    }
                }
                Ok(())
            });
        }
        let child = command.spawn();
        current.store(false, Ordering::Relaxed);
        command.env_remove(VARIABLE);
        child
    }
}

/// A link that the parent process created.
pub(crate) struct Inherited {
    pub(crate) region: Region,
    /// Bytes of the region.
    pub(crate) len: usize,
    pub(crate) remote: RemoteDoorbell,
    pub(crate) life: Life,
    /// The process that created the link. `None` if it is not the parent of this one, because a wrapper started this one.
    pub(crate) maker: Option<Process>,
}

/// Takes the link that the environment names, once. Returns `None` if it does not name a link for this process.
pub(crate) fn inherit() -> io::Result<Option<Inherited>> {
    let Some(value) = std::env::var_os(VARIABLE) else { return Ok(None) };
    let Some((fds, inode, maker)) = value.to_str().and_then(parse) else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{VARIABLE} is {value:?}")));
    };
    // SAFETY: the descriptor is only queried, which is harmless for any descriptor and fails if it is not open.
    let memory = unsafe { BorrowedFd::borrow_raw(fds[0]) };
    let ours = fstat(memory).is_ok_and(|stat| stat.st_ino == inode)
        && fcntl_get_seals(memory).is_ok_and(|seals| seals.contains(SEALS));
    if !ours || TAKEN.swap(true, Ordering::Relaxed) {
        return Ok(None);
    }
    let [memory, doorbell, life] = fds.map(|fd| {
        // SAFETY: the parent has left these descriptors open in this process for this purpose, as the inode of the first proves. Thus
        // nothing else in it owns them. `TAKEN` ensures that they are taken once.
        unsafe { OwnedFd::from_raw_fd(fd) }
    });
    for fd in [&memory, &doorbell, &life] {
        fcntl_setfd(fd, FdFlags::CLOEXEC)?;
    }
    let len = usize::try_from(fstat(&memory)?.st_size).unwrap_or(0);
    if len < crate::layout::CONTROL_LEN {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the shared memory is too small for a link"));
    }
    Ok(Some(Inherited {
        region: map(&memory, len)?,
        len,
        remote: RemoteDoorbell(Arc::new(doorbell)),
        life: Life(Arc::new(UnixStream::from(life))),
        maker: Process::parent(maker),
    }))
}

/// A connection on which nothing is sent. It ends when either side leaves, or when no process holds the other side. A process that was forked
/// from the peer may hold it longer than the peer lives.
#[derive(Clone)]
pub(crate) struct Life(Arc<UnixStream>);

impl Life {
    /// Blocks until `peer` has died, either side has called [`end`](Self::end), or no process holds the other side.
    pub(crate) fn wait_for_end(&self, peer: Option<&Process>) {
        let pidfd = peer.and_then(|peer| peer.pidfd.as_ref());
        let unwatched = peer.filter(|peer| peer.pidfd.is_none());
        let timeout = timespec(unwatched.map(|_| POLL_EVERY));
        loop {
            // A peer that sends something violates the layout, and is treated as if it had left.
            let mut life = PollFd::new(&*self.0, PollFlags::IN);
            let outcome = match pidfd {
                None => poll(std::slice::from_mut(&mut life), timeout.as_ref()),
                Some(pidfd) => poll(&mut [life, PollFd::new(pidfd, PollFlags::IN)], None),
            };
            match outcome {
                Err(Errno::INTR) => {}
                Ok(0) if !unwatched.is_some_and(Process::is_dead) => {}
                _ => return,
            }
        }
    }

    pub(crate) fn end(&self) {
        // It fails when the other side was first.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// A child or the parent of this process, whose death ends a link.
pub(crate) struct Process {
    pid: Pid,
    is_child: bool,
    /// Readable once the process is dead. `None`: the system has no such descriptors (Linux before 5.3, a filter of system calls, too many
    /// open files), and [`is_dead`](Self::is_dead) is polled instead.
    pidfd: Option<OwnedFd>,
}

impl Process {
    /// Watches a child that has not been waited for.
    pub(crate) fn child(child: &Child) -> Self {
        let pid = Pid::from_child(child);
        Self { pid, is_child: true, pidfd: pidfd_open(pid, PidfdFlags::empty()).ok() }
    }

    /// Watches the parent of this process. Returns `None` if the parent is another process.
    fn parent(pid: Pid) -> Option<Self> {
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok();
        // Checked last: while the parent lives, its number belongs to no other process.
        (getppid() == Some(pid)).then_some(Self { pid, is_child: false, pidfd })
    }

    /// Whether the process has died. A child may have been waited for since.
    fn is_dead(&self) -> bool {
        if self.is_child {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            !matches!(waitid(WaitId::Pid(self.pid), options), Ok(None))
        } else {
            getppid() != Some(self.pid)
        }
    }
}

/// Maps the first `len` bytes of a sealed memfd.
fn map(memory: &OwnedFd, len: usize) -> io::Result<Region> {
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: no address is asked for, so no other mapping is touched.
    let base = unsafe { mmap(ptr::null_mut(), len, protection, MapFlags::SHARED, memory, 0) }?;
    let mapping = Mapping { base, len };
    let base = NonNull::new(base.cast()).ok_or(Errno::NOMEM)?;
    // SAFETY: the mapping is valid for reads and writes until the `Mapping` is dropped, since the file is sealed against shrinking. It starts at
    // a page, and no other part of this process has its address.
    Ok(unsafe { Region::new(base, len, Parking::processes(), mapping) })
}

struct Mapping {
    base: *mut core::ffi::c_void,
    len: usize,
}

// SAFETY: a mapping belongs to no thread, and a `Mapping` is only ever dropped.
unsafe impl Send for Mapping {}

// SAFETY: a shared `Mapping` offers no operation.
unsafe impl Sync for Mapping {}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `base` and `len` are those of one `mmap`, and the region is no longer used when the mapping is dropped.
        let unmapped = unsafe { munmap(self.base, self.len) };
        debug_assert!(unmapped.is_ok());
    }
}

fn new_memfd() -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match memfd_create("coincide-link", flags | MemfdFlags::NOEXEC_SEAL) {
        // Kernels before 6.3 reject the flag.
        Err(Errno::INVAL) => Ok(memfd_create("coincide-link", flags)?),
        outcome => Ok(outcome?),
    }
}

/// Moves a descriptor to a number above those of standard input, output and error, which the child replaces.
fn off_stdio(fd: OwnedFd) -> io::Result<OwnedFd> {
    if fd.as_raw_fd() > 2 { Ok(fd) } else { Ok(fcntl_dupfd_cloexec(fd, 3)?) }
}

fn parse(value: &str) -> Option<([RawFd; 3], u64, Pid)> {
    let mut fields = value.split(':');
    let mut fd = || fields.next()?.parse().ok().filter(|fd| *fd > 2);
    let fds = [fd()?, fd()?, fd()?];
    let inode = fields.next()?.parse().ok()?;
    let pid = fields.next()?.parse().ok().filter(|pid| *pid > 0)?;
    fields.next().is_none().then_some((fds, inode, Pid::from_raw(pid)?))
}

fn new_eventfd() -> io::Result<OwnedFd> {
    Ok(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)
}

fn ring(eventfd: &OwnedFd) {
    // It fails only when the counter is full, in which case the doorbell has been rung.
    let _ = rustix::io::write(eventfd, &1u64.to_ne_bytes());
}

fn add_edge(set: &OwnedFd, eventfd: &OwnedFd, what: u64) -> io::Result<()> {
    epoll::add(set, eventfd, epoll::EventData::new_u64(what), epoll::EventFlags::IN | epoll::EventFlags::ET)?;
    Ok(())
}

fn collect(set: &OwnedFd, timeout: Option<Duration>, mut each: impl FnMut(u64)) -> Result<usize, Errno> {
    let mut events = [const { MaybeUninit::uninit() }; 16];
    let (events, _) = epoll::wait(set, &mut events, timespec(timeout).as_ref())?;
    for event in events.iter() {
        each(event.data.u64());
    }
    Ok(events.len())
}

/// Converts a timeout. A timeout that does not fit waits indefinitely.
fn timespec(timeout: Option<Duration>) -> Option<Timespec> {
    Timespec::try_from(timeout?).ok()
}

const RING: u64 = 0;
const STOP: u64 = 1;

/// Interval at which a process is polled whose death no descriptor reports.
const POLL_EVERY: Duration = Duration::from_millis(20);

/// Names the descriptors that a child inherits: memory, doorbell, life; then the inode number of the memory, and the process that created it.
const VARIABLE: &str = "COINCIDE_LINK";

/// Seals of the memory: its size and its seals are fixed.
const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

/// Whether the inherited link has an owner.
static TAKEN: AtomicBool = AtomicBool::new(false);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;

    #[test]
    fn size_of_the_memory_is_sealed() {
        let doorbell = Doorbell::new().unwrap();
        let prepared = prepare(&Rings::default(), &doorbell).unwrap();
        let memory = &prepared.handover.memory;
        for len in [0, 4096, 1 << 30] {
            assert_eq!(ftruncate(memory, len), Err(Errno::PERM));
        }
        assert_eq!(fcntl_add_seals(memory, SealFlags::WRITE), Err(Errno::PERM));
        doorbell.signal().forget(&prepared.remote);
    }

    #[test]
    fn two_mappings_are_one_memory() {
        let doorbell = Doorbell::new().unwrap();
        let config = Rings::default();
        let prepared = prepare(&config, &doorbell).unwrap();
        let other = map(&prepared.handover.memory, config.region_len()).unwrap();
        assert_eq!(Rings::read(&other, config.region_len()).unwrap(), config);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                other.store(4096, 7);
                other.notify(4096);
            });
            while prepared.region.load(4096) == 0 {
                prepared.region.wait(4096, 0, None);
            }
        });
        doorbell.signal().forget(&prepared.remote);
    }

    #[test]
    fn link_variable_holds_three_descriptors_an_inode_and_a_process() {
        assert_eq!(parse("3:4:5:6:7"), Some(([3, 4, 5], 6, Pid::from_raw(7).unwrap())));
        let nonsense = [
            "",
            ":",
            "3:4:5",
            "3:4:5:6",
            "3:4:5:6:7:8",
            "2:4:5:6:7",
            "-1:4:5:6:7",
            "3:4:5:-6:7",
            "3:4:5:x:7",
            "a:4:5:6:7",
            "3:4:5:6:0",
            "3:4:5:6:-7",
        ];
        for nonsense in nonsense {
            assert_eq!(parse(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn death_of_child_is_noticed_with_and_without_pidfd() {
        for with_pidfd in [true, false] {
            let (ours, held_by_others) = UnixStream::pair().unwrap();
            let life = Life(Arc::new(ours));
            let mut child = Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
            let mut process = Process::child(&child);
            process.pidfd = process.pidfd.filter(|_| with_pidfd);
            assert!(!process.is_dead());
            let watcher = std::thread::spawn(move || {
                life.wait_for_end(Some(&process));
                assert!(process.is_dead());
            });
            child.kill().unwrap();
            watcher.join().unwrap();
            child.wait().unwrap();
            drop(held_by_others);
        }
    }

    #[test]
    fn only_the_parent_that_was_announced_is_watched() {
        let parent = getppid().unwrap();
        assert!(!Process::parent(parent).unwrap().is_dead());
        assert!(Process::parent(getpid()).is_none());
    }
}
