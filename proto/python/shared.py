"""A worker's end of a link over shared memory, on Linux: transport-atomics/LAYOUT.md.

As a program it says whether this Python can be a worker, by its exit status, and on standard error why it cannot.

Memory order. Python promises nothing about it. An access to a `memoryview` of 32-bit items is one move in CPython, which
acquires and releases on x86-64 and does neither on AArch64. So every word that both ends use is accessed through GCC's
libatomic, whose functions are the atomic operations of C11 on every architecture, and which has the swap that nothing
in the standard library offers. Calls of a loaded library are also what no compiler reorders anything with, so the bytes
of frames are ordered by the words around them. Only polling reads a word without it: what it finds is loaded again.
"""

import array
import ctypes
import errno
import fcntl
import mmap
import os
import platform
import select
import socket
import sys
import threading

LINK = "COINCIDE_LINK"
MAGIC, VERSION = int.from_bytes(b"coin", sys.byteorder), 1
CONTROL, LINE, PADDING = 4096, 64, 0x80000000
SMALLEST, LARGEST = 16 << 10, 1 << 30
# Offsets of the words.
PARKED_MAIN, PARKED_WORKER, CLOSED_MAIN, CLOSED_WORKER = 128, 256, 384, 512
HEAD_UP, ROOM_WANTED_UP, HEAD_DOWN, ROOM_WANTED_DOWN = 640, 768, 896, 1024

ACQUIRE, RELEASE, ACQ_REL = 2, 3, 4  # of C11's memory_order, as GCC numbers them
FUTEX_WAIT, FUTEX_WAKE = 0, 1
FUTEX = {"x86_64": 202, "aarch64": 98}
F_GET_SEALS, SEALS = 1034, 0x1 | 0x2 | 0x4  # seal, shrink, grow
POLLS = 200


class Unsound(Exception):
    """This Python or this system cannot share memory with another process soundly."""


class Broken(Exception):
    """The memory has contents that no correct end writes."""


class Atomics:
    """Atomic operations on the 32-bit words of a buffer, and futexes."""

    def __init__(self, buffer):
        machine = platform.machine()
        if sys.version_info < (3, 10):
            raise Unsound(f"Python 3.10 or later is needed, not {platform.python_version()}")
        if sys.platform != "linux" or machine not in FUTEX or sys.maxsize < 2**32:
            raise Unsound(f"links between processes need Linux on 64-bit x86 or ARM, not {sys.platform} on {machine}")
        if sys.implementation.name != "cpython":
            raise Unsound(f"{sys.implementation.name} may move or copy memory that is shared: use CPython")
        try:
            # Calls that take nanoseconds need not release the interpreter's lock.
            library = ctypes.PyDLL("libatomic.so.1")
        except OSError as error:
            raise Unsound(f"libatomic.so.1 is missing, without which Python cannot swap words: {error}") from None
        is_lock_free = library["__atomic_is_lock_free"]
        is_lock_free.argtypes, is_lock_free.restype = [ctypes.c_size_t, ctypes.c_void_p], ctypes.c_bool
        self.base = ctypes.addressof(ctypes.c_char.from_buffer(buffer))
        if self.base % 4 or not is_lock_free(4, self.base):
            raise Unsound("atomic operations on 32-bit words are not free of locks here")
        self._load, self._store, self._swap = (
            library[f"__atomic_{name}_4"] for name in ("load", "store", "exchange")
        )
        self._load.argtypes = [ctypes.c_void_p, ctypes.c_int]
        self._store.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int]
        self._swap.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int]
        self._load.restype = self._swap.restype = ctypes.c_uint32
        self._store.restype = None
        # Those that block do release it.
        self._syscall = ctypes.CDLL(None, use_errno=True).syscall
        self._syscall.restype = ctypes.c_long
        self._futex = FUTEX[machine]
        self.hints = memoryview(buffer).cast("I")

    def load(self, at):
        return self._load(self.base + at, ACQUIRE)

    def store(self, at, value):
        self._store(self.base + at, value, RELEASE)

    def swap(self, at, value):
        return self._swap(self.base + at, value, ACQ_REL)

    def wait(self, at, value, timeout=None):
        """Sleeps until the word is woken. Returns at once if its value differs. May return spuriously."""
        limit = None
        if timeout is not None:
            seconds = int(timeout)
            limit = ctypes.byref((ctypes.c_long * 2)(seconds, int((timeout - seconds) * 1e9)))
        word = ctypes.c_void_p(self.base + at)
        done = self._syscall(ctypes.c_long(self._futex), word, FUTEX_WAIT, ctypes.c_uint32(value), limit, None, 0)
        code = ctypes.get_errno()
        if done and code not in (errno.EAGAIN, errno.EINTR, errno.ETIMEDOUT):
            raise OSError(code, f"cannot wait for a futex: {os.strerror(code)}")

    def wake(self, at):
        self._syscall(ctypes.c_long(self._futex), ctypes.c_void_p(self.base + at), FUTEX_WAKE, 1, None, None, 0)


class Consumer:
    """The end of a ring that receives."""

    def __init__(self, atomics, memory, start, capacity, head_at, head=0):
        self.atomics, self.memory, self.start, self.capacity = atomics, memory, start, capacity
        self.head_at, self.head = head_at, head
        self.unreported = 0  # bytes consumed since room was last reported

    def may_have(self):
        """Whether a record may be there. Not a synchronisation: `receive` decides."""
        return self.atomics.hints[(self.start + self.head % self.capacity) // 4]

    def has(self):
        return self.atomics.load(self.start + self.head % self.capacity)

    def receive(self):
        """The next frame, or None."""
        at = self.head % self.capacity
        length = self.atomics.load(self.start + at)
        if not length:
            return None
        padding = 0
        if length > PADDING:
            padding = length - PADDING
            if at == 0 or padding != self.capacity - at:
                raise Broken("padding does not end at the end of the ring, or starts at its start")
            at = 0
            length = self.atomics.load(self.start)
        if not 1 <= length <= self.capacity // 8:
            raise Broken(f"a record has the length word {length:#x}")
        if at + 4 + length > self.capacity:
            raise Broken("a record goes over the end of the ring")
        start = self.start + at + 4
        frame = self.memory[start : start + length].tobytes()
        size = padding + size_of(length)
        self.head = (self.head + size) % 2**32
        self.atomics.store(self.head_at, self.head)
        self.unreported += size
        return frame

    def reports_room(self):
        """Whether room is to be reported now."""
        if self.unreported < self.capacity // 4:
            return False
        self.unreported = 0
        return True


class Producer:
    """The end of a ring that sends."""

    def __init__(self, atomics, memory, start, capacity, head_at, head=0, tail=0):
        self.atomics, self.memory, self.start, self.capacity = atomics, memory, start, capacity
        self.head_at, self.head, self.tail = head_at, head, tail

    @property
    def longest(self):
        return self.capacity // 8

    def has_room(self, length):
        """Whether a frame of this length fits, after looking for it."""
        return self._fits(length) or self.load_head() and self._fits(length)

    def load_head(self):
        head = self.atomics.load(self.head_at)
        if head % LINE or (head - self.head) % 2**32 > (self.tail - self.head) % 2**32:
            raise Broken(f"the head {head} is not between {self.head} and {self.tail}, or no multiple of {LINE}")
        self.head = head
        return True

    def _fits(self, length):
        free = self.capacity - (self.tail - self.head) % 2**32
        return free >= self._padding(length) + size_of(length) + LINE

    def _padding(self, length):
        left = self.capacity - self.tail % self.capacity
        return 0 if size_of(length) <= left else left

    def send(self, head, body=b""):
        """Sends a frame of two pieces. Returns whether there was room."""
        length = len(head) + len(body)
        if not self.has_room(length):
            return False
        padding, size = self._padding(length), size_of(length)
        at = self.tail % self.capacity
        start = (at + padding) % self.capacity
        self.atomics.hints[(self.start + (start + size) % self.capacity) // 4] = 0
        to = self.start + start + 4
        self.memory[to : to + len(head)] = head
        if body:
            self.memory[to + len(head) : to + length] = body
        self.atomics.store(self.start + start, length)
        if padding:
            self.atomics.store(self.start + at, PADDING + padding)
        self.tail = (self.tail + padding + size) % 2**32
        return True


class Link:
    """A worker's end of a link that its parent process has made."""

    def __init__(self, text=None):
        text = os.environ.pop(LINK, "") if text is None else text
        try:
            memory, self.doorbell, life, inode, pid = (int(part) for part in text.split(":"))
        except ValueError:
            raise Unsound(f"{LINK} names no link: start this program by a main of coincide") from None
        try:
            status = os.fstat(memory)
            is_link = status.st_ino == inode and fcntl.fcntl(memory, F_GET_SEALS) & SEALS == SEALS
        except OSError:
            is_link = False
        if not is_link:
            raise Unsound(f"{LINK} was inherited without its link")
        for descriptor in (memory, self.doorbell, life):
            os.set_inheritable(descriptor, False)
        self.memory = memoryview(mmap.mmap(memory, status.st_size))
        os.close(memory)
        up, down = capacities(self.memory[:16], status.st_size)
        self.atomics = Atomics(self.memory.obj)
        self.sending = Producer(self.atomics, self.memory, CONTROL, up, HEAD_UP)
        self.receiving = Consumer(self.atomics, self.memory, CONTROL + up, down, HEAD_DOWN)
        self.life = socket.socket(fileno=life)
        self.left = False
        threading.Thread(target=self._watch, args=(pid,), daemon=True).start()

    def send(self, head, body=b""):
        """Sends a frame. Returns whether there was room."""
        if not self.sending.send(head, body):
            return False
        self._give_news()
        return True

    def receive(self):
        """Returns the next frame, or None."""
        frame = self.receiving.receive()
        if frame is not None and self.receiving.reports_room():
            if self.atomics.swap(ROOM_WANTED_DOWN, 0):
                self._give_news()
        return frame

    def is_gone(self):
        """Whether main is gone, and everything that it has sent was received."""
        return bool(self.atomics.load(CLOSED_MAIN)) and not self.receiving.has()

    def wait(self, room=0, timeout=None):
        """Waits for a frame, for the end of main, or for room for a frame of this length. May return spuriously."""
        for _ in range(POLLS):
            if self.receiving.may_have():
                return
        atomics = self.atomics
        atomics.swap(PARKED_WORKER, 1)
        if room:
            atomics.swap(ROOM_WANTED_UP, 1)
        if not (self.receiving.has() or atomics.load(CLOSED_MAIN) or room and self.sending.has_room(room)):
            atomics.wait(PARKED_WORKER, 1, timeout)
        atomics.swap(PARKED_WORKER, 0)

    def leave(self):
        if self.left:
            return
        self.left = True
        self.atomics.store(CLOSED_WORKER, 1)
        self._give_news()
        try:
            self.life.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # main has shut it down

    def _give_news(self):
        if self.atomics.swap(PARKED_MAIN, 0):
            try:
                os.write(self.doorbell, (1).to_bytes(8, sys.byteorder))
            except BlockingIOError:
                pass  # the counter is full: main is about to wake

    def _watch(self, pid):
        """Runs on a thread of its own until main has left or died."""
        poll = select.poll()
        poll.register(self.life, select.POLLIN | select.POLLRDHUP)
        if os.getppid() == pid:
            try:
                poll.register(os.pidfd_open(pid), select.POLLIN)
            except OSError:
                pass  # main has died, or the system lacks this: the socket reports its end
        poll.poll()
        self.atomics.store(CLOSED_MAIN, 1)
        if self.atomics.swap(PARKED_WORKER, 0):
            self.atomics.wake(PARKED_WORKER)


def size_of(length):
    return (length + 4 + LINE - 1) // LINE * LINE


def capacities(control, length):
    """The capacities of both rings of memory that this end has not made."""
    magic, version, up, down = array.array("I", bytes(control[:16]))
    if magic != MAGIC:
        raise Broken("the memory does not begin with coin")
    if version != VERSION:
        raise Broken(f"the memory has layout version {version}, and this end reads {VERSION}")
    for capacity in (up, down):
        if not SMALLEST <= capacity <= LARGEST or capacity & capacity - 1:
            raise Broken(f"a ring of {capacity} bytes is no power of two from {SMALLEST} to {LARGEST}")
    if length != CONTROL + up + down:
        raise Broken(f"the memory has {length} bytes, and its rings need {CONTROL + up + down}")
    return up, down


if __name__ == "__main__":
    # Whether this Python can be a worker.
    try:
        Atomics(bytearray(LINE))
    except Unsound as unsound:
        sys.exit(str(unsound))
