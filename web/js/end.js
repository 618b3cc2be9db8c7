// The ends of links: what an engine of wasm needs of its host. Tables of functions, of pending calls and of functions that run, the code that performs
// actions, and values on their way.
//
// No frame of wasm is below code of the program: wasm returns what is to be done, and is called again with the result. So what a program throws belongs
// to its own call, and a program may call coincide wherever it runs.
import {
  abort, answer, bufferLength, call, cancel, check, currentCall, deliver, dropEnd, flush, interrupt, isOpen, isUnanswered, lose, mainByMessages,
  mainShared, notify, poll, ready, recycle, register, release, sleep, start, unregister, wait, wakeUp, workerByMessages, workerShared, initSync,
} from './coincide.js';
import { CLOSED as LINK_CLOSED, failed, failureOf, run, stopOf } from './errors.js';
import { hasFailed } from './guard.js';
import { ABORT, CLOSED, ENDED, NONE, READY, RELEASED, RUN, SETTLE, STOPPED, addEnd, removeEnd, requestTurn, turn } from './loop.js';
import { closePort, connect, openPort } from './ports.js';
import { ADDRESS, CALL, FUNCTION, LENGTH, OWN, SERIAL, STATUS, WAKE, memory, scratch } from './scratch.js';
import { attach, wakeByPort } from './shared.js';
import { Values, inWords, isThenable, unsent } from './values.js';

/** What both ends have in common. */
class End {
  /** Functions that were started and have not ended, by the numbers of their runs. */
  running = new Set();
  id;
  values;
  /** Values that may be references. */
  reflected;
  /** By index. */
  functions = [];
  /** Pending promises by the ids of their calls. */
  pending = new Map();
  /** Receives the references that the other end no longer holds. */
  released = () => {};
  /** Why the link is closed, in words. */
  closed;

  /** @param id of wasm; 0 if wasm shows why there is no end */
  constructor(id, strict) {
    if (id === 0) throw new Error(memory.shownText());
    this.id = id;
    this.values = this.reflected = new Values(strict);
    addEnd(this);
    // It does not listen before its first turn.
    requestTurn();
  }

  /** Takes in a packet that has arrived in a message. */
  deliver(packet) {
    const bytes = packet instanceof ArrayBuffer ? new Uint8Array(packet) : packet;
    if (!(bytes instanceof Uint8Array) || hasFailed()) return;
    try {
      try {
        scratch.put(bytes);
      } catch (error) {
        if (hasFailed()) throw error;
        return lose(this.id, bytes.length);
      }
      deliver(this.id, scratch.at, scratch.length);
    } catch {
      // wasm has failed, which was reported to all that wait.
    } finally {
      turn();
    }
  }

  /** Registers what the other end calls by `name`. */
  register(name, fn) {
    this.insert(name, { name, fn, values: this.values });
  }

  insert(name, served) {
    this.functions[register(this.id, alone(name))] = served;
  }

  unregister(name) {
    const index = unregister(this.id, alone(name)) - 1;
    if (index >= 0) this.functions[index] = undefined;
  }

  /** Starts a call, which settles `pending`. Returns its id, or 0 if it waits for the bytes of blobs. Throws when the arguments cannot be sent. */
  start(name, args, timeout, pending, values = this.values) {
    pending.values = values;
    try {
      values.encodeArguments(args);
    } catch (refusal) {
      if (!refusal.awaitsBlobs) throw unsent(pending.name, refusal);
      void this.#startLater(name, args, timeout, pending);
      return 0;
    }
    return this.#started(name, timeout, pending);
  }

  /** Starts a call when the bytes of the blobs in its arguments have been read. */
  async #startLater(name, args, timeout, pending) {
    const { values } = pending;
    try {
      let blobs;
      try {
        blobs = await values.blobsIn(args, false);
      } catch (error) {
        throw unsent(pending.name, new Error(`a blob in it cannot be read: ${inWords(error)}`));
      }
      if (pending.isSettled) return;
      try {
        values.encodeArguments(args, blobs);
      } catch (refusal) {
        throw unsent(pending.name, refusal);
      }
      pending.begin(this.#started(name, timeout, pending));
    } catch (error) {
      pending.settle(error, true);
    }
  }

  #started(name, timeout, pending) {
    if (this.closed !== undefined) return this.#refuse(pending);
    const id = start(this.id, scratch.numberOf(name), scratch.at, scratch.length, timeout);
    if (id === 0) {
      const { words } = memory;
      pending.settle(failureOf(words[STATUS], memory.shownText(), pending.name), true);
      return 0;
    }
    this.pending.set(id, pending);
    this.wake();
    return id;
  }

  #refuse(pending) {
    pending.settle(failureOf(LINK_CLOSED, this.closed, pending.name), true);
    return 0;
  }

  /** Cancels a call that is no longer waited for. */
  cancel(id) {
    if (!this.pending.delete(id)) return;
    cancel(this.id, id);
    this.wake();
  }

  /** Calls a function of the other end without an answer; errors call it `shown`. */
  notify(name, args, values = this.values, shown = name) {
    values.encodeArgumentsNow(args, shown);
    if (this.closed !== undefined) throw failureOf(LINK_CLOSED, this.closed, shown);
    if (!notify(this.id, scratch.numberOf(name), scratch.at, scratch.length)) throw failureOf(memory.words[STATUS], memory.shownText(), shown);
    this.wake();
  }

  /** Gives references of the other end back. A closed link has none. */
  release(ids) {
    if (this.closed !== undefined || hasFailed()) return;
    scratch.put(new Uint8Array(ids.buffer));
    release(this.id, scratch.at, scratch.length);
    this.wake();
  }

  /** Takes a turn soon if the end needs one, for a deadline or because there was no room. */
  wake() {
    if (memory.words[WAKE] !== 0) requestTurn();
  }

  /** Performs an action of the engine. Returns whether that has settled a promise. */
  perform(kind) {
    switch (kind) {
      case RUN:
        this.#run();
        return false;
      case SETTLE:
        return this.#settle();
      case ABORT:
        this.#abort();
        return false;
      case READY:
        this.isReady(namesIn(memory.words[ADDRESS], memory.words[LENGTH]));
        return true;
      case RELEASED:
        this.released(idsIn(memory.words[ADDRESS], memory.words[LENGTH]));
        return false;
      case CLOSED:
        this.close(memory.shownText());
        return true;
      default:
        return false;
    }
  }

  #settle() {
    const id = memory.words[CALL];
    const pending = this.pending.get(id);
    // JavaScript may have stopped waiting for it.
    if (!pending) return false;
    this.pending.delete(id);
    pending.ended();
    return true;
  }

  #abort() {
    const { words } = memory;
    const [id, serial] = [words[CALL], words[SERIAL]];
    if (this.running.delete(serial)) answer(this.id, id, serial, CANCELLED, 0, 0);
  }

  close(why) {
    this.closed = why;
    this.running.clear();
    // They may hold the worker itself.
    this.functions = [];
  }

  /** Runs a function. Nothing that it throws leaves this method. */
  #run() {
    const { words } = memory;
    const [id, serial] = [words[CALL], words[SERIAL]];
    const served = this.functions[words[FUNCTION]];
    let status;
    try {
      // A link that is being terminated runs nothing any more.
      status = served === undefined ? CANCELLED : this.#serve(served, id, serial);
    } catch {
      status = NO_ROOM;
    }
    if (status === LATER) this.running.add(serial);
    // Here as much of the stack is left as there was when wasm returned.
    answer(this.id, id, serial, status, scratch.at, scratch.length);
  }

  /** Calls a function with the arguments that wasm shows: its `this` is null, and a promise is awaited. Returns the status; what belongs to it is in scratch memory. */
  #serve({ fn, name, values }, id, serial) {
    let args;
    try {
      args = values.decode();
    } catch (error) {
      if (error?.isOutOfMemory) return refused(OUT_OF_MEMORY, `its arguments cannot be read: ${inWords(error)}`);
      return refused(BAD_ARGUMENTS, inWords(error));
    }
    if (!Array.isArray(args)) return refused(BAD_ARGUMENTS, 'the arguments are not an array');
    let value;
    let isLater;
    try {
      if (typeof fn !== 'function') throw new TypeError(`${name} is not a function`);
      value = run(fn, null, args);
      isLater = isThenable(value);
    } catch (error) {
      return threw(values, error);
    }
    const status = isLater ? undefined : returned(values, name, value);
    if (status !== undefined) return status;
    settled(value, (value, hasRejected) => void this.#answerLater(values, name, value, hasRejected, id, serial));
    return LATER;
  }

  /** Answers with what a promise has settled with, or with a value whose blobs have to be read. */
  async #answerLater(values, name, value, hasRejected, id, serial) {
    // No pause between encoding and answering: other values use the same memory.
    const send = encode => {
      if (!this.running.has(serial)) return;
      const status = encode();
      // Code of the program that is encoded may have ended the link.
      if (status !== undefined && this.running.delete(serial)) answer(this.id, id, serial, status, scratch.at, scratch.length);
      return status;
    };
    try {
      // It may have settled at once, and the function has not been started for wasm before `#serve` has returned.
      await undefined;
      if (hasRejected) return void send(() => threw(values, value));
      if (!this.running.has(serial) || send(() => returned(values, name, value)) !== undefined) return;
      let blobs;
      try {
        blobs = await values.blobsIn(value, true);
      } catch (error) {
        return void send(() => refused(BAD_RESULT, `a blob in it cannot be read: ${inWords(error)}`));
      }
      send(() => returned(values, name, value, blobs) ?? refused(BAD_RESULT, 'it has another blob each time that it is read'));
    } catch {
      // coincide has failed, which ends the call.
    } finally {
      if (!hasFailed() && memory.words[WAKE] !== 0) requestTurn();
    }
  }
}

/** What main has of a worker. */
export class Link extends End {
  /** The shared memory, for the worker. */
  buffer;
  #port;
  #readiness;

  /** A link in shared memory. `bell` wakes the worker where that can't listen to shared memory. */
  static shared(ring, bell, strict) {
    const buffer = new SharedArrayBuffer(bufferLength(ring));
    const link = new Link(mainShared(attached(buffer, bell), ring), strict);
    link.buffer = buffer;
    return link;
  }

  /** A link in messages. `post` sends them, `relay` lets the worker block. */
  static byMessages(post, relay, strict) {
    const port = openPort(post, relay);
    writeRelay(relay);
    const link = new Link(mainByMessages(port, scratch.at, scratch.length), strict);
    link.#port = port;
    connect(port, link.id, true);
    return link;
  }

  call(name, args, timeout, pending) {
    return this.start(name, args, timeout, pending);
  }

  /** Whether the worker has not answered the call with this id. */
  isUnanswered(id) {
    return isUnanswered(this.id, id);
  }

  /** Settles `pending` with the names of the exports when the worker is ready. */
  ready(pending) {
    this.#readiness = pending;
    return 0;
  }

  isReady(names) {
    this.#readiness?.settle(names, false);
  }

  /** Asks the worker to abandon what it is doing. */
  interrupt() {
    interrupt(this.id);
    this.wake();
  }

  /** Ends the link: every pending call ends with an error on both sides. */
  terminate() {
    // What has arrived and did not run yet must not run inside of the function that terminates.
    this.functions = [];
    this.#abort(false, '');
  }

  /** Ends the link because the worker has failed: every pending call ends with an error that says why. */
  fail(why) {
    this.#abort(true, why);
  }

  #abort(hasFailed, why) {
    if (this.closed !== undefined) return;
    scratch.write(why);
    abort(this.id, hasFailed, scratch.at, scratch.length);
    for (let kind = poll(this.id); kind !== NONE; kind = poll(this.id)) this.perform(kind);
    // After many events that are no actions, more come with the next poll.
    if (this.closed === undefined) requestTurn();
  }

  close(why) {
    super.close(why);
    this.#readiness?.settle(failed('Closed', why, 'ready'), true);
    removeEnd(this);
    dropEnd(this.id);
    if (this.#port !== undefined) closePort(this.#port);
  }

  /** Whether the worker has taken up its link. */
  greeted() {
    return isOpen(this.id);
  }

  /**
   * Lets the worker operate on objects of main, which `references` keeps. `serve` and `later` are called for each operation, the latter for those
   * without an answer, and `released` with the references that the worker has given back.
   */
  reflect(references, serve, later, released) {
    const values = (this.reflected = new Values(true, references));
    this.insert(REFLECT, { name: 'window', fn: serve, values });
    this.insert(REFLECT_LATER, { name: 'window', fn: later, values });
    this.released = released;
  }

  /** Calls a function that the worker has sent a reference to: the arguments are the reference, `this` and a list. */
  invoke(args, pending) {
    return this.start(INVOKE, args, Infinity, pending, this.reflected);
  }
}

/** A worker's own side. */
export class WorkerEnd extends End {
  /** Takes up the link in `buffer`. `bell` wakes main where that can't listen to shared memory. `deadlock` is the deadlock timeout in milliseconds. */
  static shared(buffer, bell, deadlock = NaN, strict) {
    return new WorkerEnd(workerShared(attached(buffer, bell), deadlock), strict);
  }

  /** Takes up a link in messages. */
  static byMessages(post, relay, deadlock = NaN, strict) {
    const port = openPort(post, relay);
    writeRelay(relay);
    const id = workerByMessages(port, scratch.at, scratch.length, relay?.hold ?? 0, deadlock);
    connect(port, id, false);
    return new WorkerEnd(id, strict);
  }

  /** Calls a function of main and blocks until it has answered. */
  call(name, args, timeout) {
    return this.#call(this.values, name, name, args, timeout);
  }

  /** Calls a function of main without blocking. */
  callLater(name, args, timeout, pending) {
    return this.start(name, args, timeout, pending);
  }

  notify(...args) {
    super.notify(...args);
    // Waiting for room takes back that the end listens.
    requestTurn();
  }

  /** Tells main that the worker is ready, and what it exports. */
  ready() {
    if (!ready(this.id)) throw new Error(memory.shownText());
    requestTurn();
  }

  isReady() {}

  /** Throws if main wants the worker to stop. */
  check() {
    for (let kind = check(this.id); kind !== NONE; kind = check(this.id)) {
      if (kind === STOPPED) throw stopOf(memory.words[STATUS], memory.shownText(), 'check');
      this.perform(kind);
    }
  }

  /** Blocks, while calls of main run. Throws if main wants the worker to stop. */
  sleep(milliseconds) {
    const end = performance.now() + milliseconds;
    let isAsleep = true;
    try {
      let kind = sleep(this.id, milliseconds, true);
      while (kind !== NONE && kind !== STOPPED) {
        this.perform(kind);
        kind = sleep(this.id, Math.max(0, end - performance.now()), false);
      }
      isAsleep = false;
      if (kind === STOPPED) throw stopOf(memory.words[STATUS], memory.shownText(), 'sleep');
    } finally {
      if (isAsleep && !hasFailed()) wakeUp(this.id);
      requestTurn();
    }
  }

  /** The id of main's call that the running function serves, or 0. */
  currentCall() {
    return currentCall(this.id);
  }

  /** Posts what was sent and is still here: this worker doesn't return to its event loop for a while. */
  flush() {
    flush(this.id);
  }

  /**
   * Makes this worker's functions known to main by references, which `references` keeps. `invoke` is called with a function, `this` and a list of
   * arguments, and `released` with the references that main has given back.
   */
  reflect(references, invoke, released) {
    this.reflected = new Values(true, references);
    this.insert(INVOKE, { name: 'a callback', fn: invoke, values: this.reflected });
    this.released = released;
  }

  /** Has main carry out an operation on its objects, and blocks until it has. */
  operate(operation) {
    return this.#call(this.reflected, REFLECT, 'window', operation, Infinity);
  }

  /** Has main carry out an operation without waiting for it. */
  operateLater(operation) {
    this.notify(REFLECT_LATER, operation, this.reflected, 'window');
  }

  /** Calls the function `name`, which errors call `shown`. */
  #call(values, name, shown, args, timeout) {
    values.encodeArgumentsNow(args, shown);
    let kind = call(this.id, scratch.numberOf(name), scratch.at, scratch.length, timeout);
    if (kind !== ENDED) {
      const own = memory.words[OWN];
      do {
        this.perform(kind);
        kind = wait(this.id, own);
      } while (kind !== ENDED);
    }
    const isLarge = memory.words[LENGTH] > LARGE;
    // Waiting takes back that the end listens.
    requestTurn();
    try {
      return values.outcome(shown);
    } finally {
      // Another call would free it, too.
      if (isLarge && !hasFailed()) recycle();
    }
  }
}

/** The handle of shared memory, which takes a turn when the other end rings. */
const attached = (buffer, bell) => {
  const handle = attach(buffer, initSync().memory, turn);
  if (bell) wakeByPort(handle, bell);
  return handle;
};

/** Puts the name of a relay into scratch memory. */
const writeRelay = relay => scratch.write(relay ? `${relay.token}\n${relay.url}` : '');

/** The number of a name, with nothing else in scratch memory. */
const alone = name => {
  scratch.write('');
  return scratch.numberOf(name);
};

/** Encodes a result. Returns undefined if the bytes of blobs are needed for that. */
const returned = (values, name, value, blobs) => {
  try {
    values.encodeResult(value, name, blobs);
    return RETURNED;
  } catch (refusal) {
    return refusal.awaitsBlobs ? undefined : refused(refusal.isOutOfMemory ? OUT_OF_MEMORY : BAD_RESULT, refusal.message);
  }
};

const threw = (values, error) => {
  values.encodeThrown(error);
  return THREW;
};

const refused = (status, why) => {
  scratch.write(why);
  return status;
};

/** Calls `done` later with what a promise, or an object of its shape, settles with. Its name is that of `run`: see `errors.js`. */
const { 'coincide:run': settled } = {
  async 'coincide:run'(value, done) {
    let hasRejected = false;
    try {
      value = await value;
    } catch (error) {
      value = error;
      hasRejected = true;
    }
    done(value, hasRejected);
  },
};

const namesIn = (at, length) => {
  const { data } = memory;
  const names = [];
  for (const end = at + length; at < end; ) {
    const size = data.getUint32(at, true);
    names.push(memory.text(at + 4, size));
    at += 4 + size;
  }
  return names;
};

const idsIn = (at, length) => new Float64Array(memory.bytes.slice(at, at + length).buffer);

// Names of the functions that serve references: main's for operations, with and without an answer, and the worker's that calls its functions.
const REFLECT = 'coincide:reflect', REFLECT_LATER = 'coincide:reflect-later', INVOKE = 'coincide:invoke';

// How functions answer: `calls.rs` has the same list.
const RETURNED = 0, THREW = 1, BAD_ARGUMENTS = 2, BAD_RESULT = 3, LATER = 4, OUT_OF_MEMORY = 5, CANCELLED = 6, NO_ROOM = 7;

/** A longer result is not kept until the next call. In bytes. */
const LARGE = 1 << 16;
