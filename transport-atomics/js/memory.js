// Access of wasm to shared memory: atomic words, copied bytes, and sleeping. Only numbers cross the
// boundary. `src/web.rs` documents the functions.

/** Buffers of the program in flight, put here by the host, by the numbers that identify them in wasm. Buffers to send are not changed. */
export const buffers = [];

const memories = [];
const free = [];

/** Attaches a `SharedArrayBuffer`. `wasm` is the memory of this instance, `ring` is called when the endpoint is to be woken. */
export function attach(buffer, wasm, ring) {
  const memory = {
    words: new Int32Array(buffer),
    bytes: new Uint8Array(buffer),
    wasm,
    own: new Uint8Array(wasm.buffer),
    ring,
    listening: false,
    doorbell: null,
  };
  const handle = free.pop() ?? memories.length;
  memories[handle] = memory;
  return handle;
}

export function detach(handle) {
  memories[handle] = null;
  free.push(handle);
}

/** Also wakes the endpoint's peer by `port`, since it cannot listen to words. */
export function wakeByPort(handle, port) {
  memories[handle].doorbell = port;
}

export function size(handle) {
  return memories[handle].bytes.length;
}

export function load(handle, at) {
  return Atomics.load(memories[handle].words, at >>> 2);
}

export function store(handle, at, value) {
  Atomics.store(memories[handle].words, at >>> 2, value);
}

export function swap(handle, at, value) {
  return Atomics.exchange(memories[handle].words, at >>> 2, value);
}

export function copyIn(handle, at, from, length) {
  const memory = memories[handle];
  copy(memory.bytes, at, own(memory), from, length, at);
}

export function copyOut(handle, at, to, length) {
  const memory = memories[handle];
  copy(own(memory), to, memory.bytes, at, length, at);
}

/** A record in one step: the word at `next` is cleared, head and body follow the length word, which is stored last. */
export function publish(handle, record, next, head, headLength, body, bodyLength) {
  const memory = memories[handle];
  const from = own(memory);
  Atomics.store(memory.words, next >>> 2, 0);
  copy(memory.bytes, record + 4, from, head, headLength, record + 4);
  copy(memory.bytes, record + 4 + headLength, from, body, bodyLength, record + 4 + headLength);
  Atomics.store(memory.words, record >>> 2, headLength + bodyLength);
}

/** The same for a record that ends with bytes of a buffer of the program. */
export function publishHosted(handle, record, next, head, headLength, body, bodyLength, number, from, length) {
  const memory = memories[handle];
  const rest = record + 4 + headLength + bodyLength;
  Atomics.store(memory.words, next >>> 2, 0);
  copy(memory.bytes, record + 4, own(memory), head, headLength, record + 4);
  copy(memory.bytes, record + 4 + headLength, own(memory), body, bodyLength, record + 4 + headLength);
  copy(memory.bytes, rest, buffers[number], from, length, rest);
  Atomics.store(memory.words, record >>> 2, headLength + bodyLength + length);
}

export function copyOutHosted(handle, at, number, to, length) {
  copy(buffers[number], to, memories[handle].bytes, at, length, at);
}

/** Blocks while the word is `expected`; a negative `timeout` in milliseconds waits indefinitely. */
export function wait(handle, at, expected, timeout) {
  Atomics.wait(memories[handle].words, at >>> 2, expected, timeout < 0 ? Infinity : timeout);
}

export function notify(handle, at) {
  const memory = memories[handle];
  Atomics.notify(memory.words, at >>> 2);
  try {
    memory.doorbell?.postMessage(0);
  } catch {
    // A replacement of the program has thrown. The exception must not pass through wasm.
  }
}

/** Rings the endpoint when the word is notified. Returns whether the word still is `expected`. */
export function listen(handle, at, expected) {
  const memory = memories[handle];
  const index = at >>> 2;
  // An earlier listener serves as well. If it has been notified, it is about to ring.
  if (memory.listening || !Atomics.waitAsync) return Atomics.load(memory.words, index) === expected;
  const { async, value } = Atomics.waitAsync(memory.words, index, expected);
  if (!async) return false;
  memory.listening = true;
  ringAfter(memory, value);
  return true;
}

/** `await` calls no `then` that a program has replaced, and throws nothing: wasm is below. */
async function ringAfter(memory, notified) {
  await notified;
  memory.listening = false;
  memory.ring();
}

/** The bytes of wasm: a new view when the memory has grown. */
function own(memory) {
  if (memory.own.length === 0) memory.own = new Uint8Array(memory.wasm.buffer);
  return memory.own;
}

/** Copies bytes to or from shared memory. `at` is the offset in shared memory. */
function copy(target, to, source, from, length, at) {
  if (length <= FEW) for (let i = 0; i < length; i++) target[to + i] = source[from + i];
  else if (length > MANY && (target.byteOffset + to - source.byteOffset - from) & 7) copyInSteps(target, to, source, from, length, at & 7);
  else target.set(source.subarray(from, from + length), to);
}

/**
 * The same for places at different offsets in a word. Engines copy shared memory by words only if the offsets are the same, and byte by byte otherwise,
 * which takes eight times as long. The bytes therefore pass through memory that is not shared, at the `offset` that they have in shared memory.
 */
function copyInSteps(target, to, source, from, length, offset) {
  for (let end = from + length; from < end; from += STEP, to += STEP) {
    const part = Math.min(STEP, end - from);
    step.set(source.subarray(from, from + part), offset);
    target.set(step.subarray(offset, offset + part), to);
  }
}

/** Lengths in bytes up to which a loop is faster than a view, and a view faster than steps. */
const FEW = 96, MANY = 512;

/** Length in bytes of a step, which fits into the cache. */
const STEP = 1 << 14;
const step = new Uint8Array(STEP + 8);
