// The ends of links: the host of an engine in wasm. An end has the tables of functions, pending calls and running functions, and performs the engine's actions.
//
// No frame of wasm is below code of the program: wasm returns the next action, and is called again with its result. An exception of the program therefore ends only
// its own call, and the program may call coincide anywhere.
import { answer, cancel, deliver, initSync, lose, notify, register, release, resume, start, unregister } from '../coincide.js';
import { CLOSED as LINK_CLOSED, THREW as THROWN, failureOf, isCoincide, run } from '../errors.js';
import { hasFailed } from './guard.js';
import { ABORT, CLOSED, READY, RELEASED, RUN, SETTLE, UNREAD, UNSENT, addEnd, requestTurn, turn } from './loop.js';
import { FORGOTTEN, SIGNALLED } from '../objects/signals.js';
import { NEXT, RETURN, mend } from '../objects/streams.js';
import { Posted } from '../posted/objects.js';
import { Objects } from '../objects/table.js';
import { USE } from '../objects/use.js';
import { ADDRESS, BLOCKS, CALL, FUNCTION, LENGTH, SERIAL, STATUS, WAKE, memory, scratch } from './scratch.js';
import { attach, wakeByPort } from '../memory.js';
import { MISSING, Values, inWords, isThenable, ownCodec, unsent } from './values.js';

/** The parts that both ends have in common. */
export class End {
  /** The calls of started functions that have not ended: ids by serial number. */
  running = new Map();
  id;
  values;
  /** `Values` with references to objects of main. */
  reflected;
  /** Serial number of the call whose function is on the stack; undefined without one. */
  serving;
  /** Called with the serial number of each call that the other end has cancelled; undefined if unused. */
  aborted;
  /** Registered functions by index. */
  functions = [];
  /** The posted objects of the link; undefined if it has none. */
  posted;
  /** Pending promises by the ids of their calls. */
  pending = new Map();
  /** Counter of the ids that this end assigns. */
  counter = { last: 0 };
  /** The handles of ordinary calls. */
  objects = new Objects(this.counter, ids => this.release(ids), (name, args) => this.notify(name, args));
  /** Why the link is closed; undefined while it is open. */
  closed;

  /** @param id id in wasm; 0 if wasm shows why it could not be created */
  constructor(id, strict) {
    if (id === 0) throw new Error(memory.shownText());
    this.id = id;
    this.values = this.reflected = new Values(strict, this.objects);
    this.insert(USE, { name: 'a callback', fn: (...operation) => this.objects.use(...operation), values: this.values });
    const { signals } = this.objects;
    this.insert(SIGNALLED, { name: 'a callback', fn: (...abort) => signals.aborted(...abort), values: this.values }, true);
    this.insert(FORGOTTEN, { name: 'a callback', fn: ids => signals.forget(ids), values: this.values });
    this.insert(NEXT, { name: 'a stream', fn: (...request) => this.objects.next(...request), values: this.values, mend });
    this.insert(RETURN, { name: 'a stream', fn: id => this.objects.return(id), values: this.values });
    addEnd(this);
    // The end does not listen before its first turn.
    requestTurn();
  }

  /** Creates `reflected`. `references` converts references for the codec. `released` receives the ids that the other end has released. */
  refers(references, released) {
    const { objects } = this;
    objects.unreferenced = released;
    return (this.reflected = new Values(true, { ...references, skip: (...payload) => objects.skip(...payload) }, ownCodec()));
  }

  /** Receives a packet of a message. */
  deliver(packet) {
    const bytes = bytesOf(packet);
    if (!bytes || hasFailed()) return;
    try {
      try {
        scratch.put(bytes);
      } catch (error) {
        if (hasFailed()) throw error;
        return lose(this.id, bytes.length);
      }
      deliver(this.id, scratch.at, scratch.length);
    } catch {
      // wasm has failed, which has rejected all pending promises.
    } finally {
      turn();
    }
  }

  /** Enables posted objects. `post` posts a message and moves a list of objects. `Lasting` is a class of `posted/lasting.js`. */
  posts(post, Lasting) {
    this.posted = new Posted(this, post, Lasting);
  }

  /** Posts the objects of the arguments in scratch memory, and moves those of `moved`. Returns their numbers; undefined without any. */
  post(values, name, args, moved) {
    const { parcel } = scratch;
    if (parcel === null && moved === undefined) return undefined;
    const { posted } = this;
    try {
      if (this.closed !== undefined) throw failureOf(LINK_CLOSED, this.closed, name);
      if (!posted) throw new Error('args: nothing can be moved to this worker, which is a program in Rust');
      return posted.post(parcel, moved);
    } catch (error) {
      values.unsend();
      if (isCoincide(error)) throw error;
      throw unsent(name, posted ? posted.refusal(error, parcel, moved ?? [], args, 'args', false) : error);
    }
  }

  /** Drops the posted objects of a payload that is not sent. */
  unpost(objects) {
    if (objects) this.posted.drop(objects);
  }

  /** Registers `fn` under a name. If `value` is exposed, the other end can use its members. */
  register(name, fn, value = fn) {
    this.insert(name, { name, fn, values: this.values, isOffered: true });
    if (this.closed === undefined) this.objects.name(name, value);
  }

  /** Registers a function with its values. `isAlert`: its notifications also run in `check`, while a function of the worker computes. */
  insert(name, served, isAlert = false) {
    if (this.closed !== undefined) return;
    this.functions[register(this.id, alone(name), isAlert)] = served;
  }

  unregister(name) {
    const index = unregister(this.id, alone(name)) - 1;
    if (index >= 0) this.functions[index] = undefined;
    if (this.closed === undefined) this.objects.name(name, undefined);
  }

  /** Starts a call that settles `pending`. Returns its id, or 0 if it waits for the bytes of blobs. Throws if the arguments cannot be sent. */
  start(name, args, timeout, pending, values = this.values, moved = undefined) {
    pending.values = values;
    const posting = this.postingOf(values, moved);
    try {
      values.encodeArguments(args, undefined, posting);
    } catch (refusal) {
      if (!refusal.awaitsBlobs) throw unsent(pending.name, refusal);
      void this.#startLater(name, args, timeout, pending, posting, moved);
      return 0;
    }
    return this.#started(name, args, timeout, pending, moved);
  }

  /** The `posting` of arguments. Arguments of operations on `window` have none. */
  postingOf(values, moved) {
    return values === this.values ? this.posted?.arguments(moved) : undefined;
  }

  /** Starts a call after reading the blobs in its arguments. */
  async #startLater(name, args, timeout, pending, posting, moved) {
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
        values.encodeArguments(args, blobs, posting);
      } catch (refusal) {
        throw unsent(pending.name, refusal);
      }
      pending.begin(this.#started(name, args, timeout, pending, moved));
    } catch (error) {
      pending.settle(error, true);
    }
  }

  #started(name, args, timeout, pending, moved) {
    if (this.closed !== undefined) return this.#refuse(pending);
    const objects = this.post(pending.values, pending.name, args, moved);
    const id = start(this.id, scratch.numberOf(name), scratch.give(), scratch.length, timeout);
    if (id === 0) {
      const { words } = memory;
      pending.values.unsend();
      pending.settle(failureOf(words[STATUS], memory.shownText(), pending.name), true);
      this.unpost(objects);
      return 0;
    }
    this.pending.set(id, pending);
    this.wake();
    return id;
  }

  #refuse(pending) {
    pending.values.unsend();
    pending.settle(failureOf(LINK_CLOSED, this.closed, pending.name), true);
    return 0;
  }

  /** Cancels a call whose result is no longer awaited. */
  cancel(id) {
    if (!this.pending.has(id)) return this.posted?.settled(id);
    cancel(this.id, id);
    this.pending.delete(id);
    this.posted?.settled(id);
    // The next turn depends on the remaining deadlines.
    requestTurn();
  }

  /** Calls a function of the other end without an answer. `shown` is its name in errors. */
  notify(name, args, values = this.values, shown = name, moved = undefined) {
    values.encodeArgumentsNow(args, shown, this.postingOf(values, moved));
    if (this.closed !== undefined) {
      values.unsend();
      throw failureOf(LINK_CLOSED, this.closed, shown);
    }
    const objects = this.post(values, shown, args, moved);
    if (!notify(this.id, scratch.numberOf(name), scratch.give(), scratch.length)) {
      values.unsend();
      this.unpost(objects);
      throw failureOf(memory.words[STATUS], memory.shownText(), shown);
    }
    this.wake();
  }

  /** Releases references of the other end. A no-op on a closed link. */
  release(ids) {
    if (this.closed !== undefined || hasFailed()) return;
    scratch.put(new Uint8Array(ids.buffer));
    release(this.id, scratch.at, scratch.length);
    this.wake();
  }

  /** Requests a turn if the end needs one: for a deadline, or because there was no room. */
  wake() {
    if (memory.words[WAKE] !== 0) requestTurn();
  }

  /** Dispatches the calls again that waited for posted objects. */
  resume() {
    resume(this.id);
    turn();
  }

  /** Performs an action of the engine. Returns whether it has settled a promise. */
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
        this.objects.released(idsIn(memory.words[ADDRESS], memory.words[LENGTH]));
        return false;
      case UNREAD:
      case UNSENT:
        this.values.skip(this.posted, kind === UNSENT);
        return false;
      case CLOSED:
        this.close(memory.shownText());
        return true;
      default:
        return false;
    }
  }

  #settle() {
    const { words } = memory;
    const id = words[CALL];
    const pending = this.pending.get(id);
    // The call may have been abandoned.
    if (!pending) {
      if (words[STATUS] <= THROWN) this.values.skip(this.posted);
      return false;
    }
    this.pending.delete(id);
    if (pending.ended()) this.posted?.settled(id);
    else this.posted.holdResult(id, pending, pending.values.copy());
    return true;
  }

  #abort() {
    const { words } = memory;
    const id = words[CALL], serial = words[SERIAL];
    if (this.running.delete(serial)) answer(this.id, id, serial, CANCELLED, 0, 0, false);
    this.aborted?.(serial);
  }

  close(why) {
    this.closed = why;
    this.posted?.close(why);
    this.running.clear();
    // Functions may hold the worker.
    this.functions = [];
    this.objects.close();
  }

  /** Runs a function. Does not throw. */
  #run() {
    const { words } = memory;
    const id = words[CALL], serial = words[SERIAL];
    const served = this.functions[words[FUNCTION]];
    const blocks = words[BLOCKS] !== 0;
    let status;
    try {
      // A link that is being terminated runs no functions.
      status = served === undefined ? CANCELLED : this.#serve(served, id, serial, blocks);
    } catch {
      status = NO_ROOM;
    }
    if (status === LATER && this.closed === undefined) this.running.set(serial, id);
    // The stack has as much room here as when wasm returned.
    answer(this.id, id, serial, status, scratch.give(), scratch.length, false);
  }

  /** Calls a function with the arguments that wasm shows, and a `this` of null. A promise is awaited. Returns the status; its data is in scratch memory. */
  #serve(served, id, serial, blocks) {
    const { fn, name, values } = served;
    let args;
    try {
      args = values.decode(this.posted);
    } catch (error) {
      if (error === MISSING) {
        if (this.posted.hold()) return NOT_NOW;
        values.skip(this.posted);
      }
      if (error?.isOutOfMemory) return refused(OUT_OF_MEMORY, `its arguments cannot be read: ${inWords(error)}`);
      return refused(BAD_ARGUMENTS, inWords(error));
    }
    if (!Array.isArray(args)) return refused(BAD_ARGUMENTS, 'the arguments are not an array');
    const outer = this.serving;
    let value;
    let isLater;
    try {
      if (typeof fn !== 'function') throw new TypeError(`${name} is not a function`);
      this.serving = serial;
      value = run(fn, null, args);
      isLater = isThenable(value);
    } catch (error) {
      return threw(values, error);
    } finally {
      this.serving = outer;
    }
    // The result of a notification is dropped.
    const posting = id === 0 || values !== this.values ? undefined : blocks ? this.posted?.blockedResults : this.posted?.results;
    const status = isLater ? undefined : this.#returned(served, value, undefined, id, posting);
    if (status !== undefined) return status;
    settled(value, (value, hasRejected) => void this.#answerLater(served, value, hasRejected, id, serial, posting));
    return LATER;
  }

  /** Encodes a result, and posts its objects. Returns undefined if the bytes of blobs are needed first. */
  #returned(served, value, blobs, call, posting) {
    const { values, name, mend } = served;
    try {
      values.encodeResult(value, name, blobs, posting);
      this.#postResult(values, value, call);
      return RETURNED;
    } catch (refusal) {
      if (refusal.awaitsBlobs) return undefined;
      if (refusal.isOutOfMemory) return refused(OUT_OF_MEMORY, refusal.message);
      return mend ? this.#mended({ values, name }, () => mend(value, refusal), blobs, call, posting) : refused(BAD_RESULT, refusal.message);
    }
  }

  /** Encodes the replacement of a result that cannot be sent. */
  #mended(served, mend, blobs, call, posting) {
    let value;
    try {
      value = mend();
    } catch (error) {
      return threw(served.values, error);
    }
    return this.#returned(served, value, blobs, call, posting);
  }

  #postResult(values, value, call) {
    const { parcel } = scratch;
    if (parcel === null) return;
    try {
      this.posted.post(parcel, parcel.moved, call);
    } catch (error) {
      values.unsend();
      throw this.posted.refusal(error, parcel, parcel.moved, value, 'result', values.isLenient);
    }
  }

  /** Answers with the outcome of a promise, or with a value whose blobs must be read. */
  async #answerLater(served, value, hasRejected, id, serial, posting) {
    const { values } = served;
    // Encoding and answering must be synchronous, because other values use the same memory.
    const send = encode => {
      if (!this.running.has(serial)) return;
      const status = encode();
      // A getter of the program may have ended the link.
      if (status === undefined) return;
      if (!this.running.delete(serial)) values.unsend();
      else answer(this.id, id, serial, status, scratch.give(), scratch.length, true);
      return status;
    };
    try {
      // The promise may have settled at once, but wasm records the function as started only after `#serve` has returned.
      await undefined;
      if (hasRejected) return void send(() => threw(values, value));
      if (!this.running.has(serial) || send(() => this.#returned(served, value, undefined, id, posting)) !== undefined) return;
      let blobs;
      try {
        blobs = await values.blobsIn(value, true);
      } catch (error) {
        return void send(() => refused(BAD_RESULT, `a blob in it cannot be read: ${inWords(error)}`));
      }
      send(() => this.#returned(served, value, blobs, id, posting) ?? refused(BAD_RESULT, 'each read of it returns another blob'));
    } catch {
      // wasm has failed, which has ended the call.
    } finally {
      if (!hasFailed() && memory.words[WAKE] !== 0) requestTurn();
    }
  }
}

/** The bytes of a packet, which may come from another realm; undefined for other values. */
const bytesOf = packet => {
  if (ArrayBuffer.isView(packet)) return new Uint8Array(packet.buffer, packet.byteOffset, packet.byteLength);
  return packet instanceof ArrayBuffer ? new Uint8Array(packet) : undefined;
};

/** The handle of shared memory, which takes a turn when the other end rings. */
export const attached = (buffer, doorbell) => {
  const handle = attach(buffer, initSync().memory, turn);
  if (doorbell) wakeByPort(handle, doorbell);
  return handle;
};

/** Writes the name of a relay to scratch memory. */
export const writeRelay = relay => scratch.write(relay ? `${relay.token}\n${relay.url}` : '');

/** The number of a name, with no other content in scratch memory. */
const alone = name => {
  scratch.write('');
  return scratch.numberOf(name);
};

const threw = (values, error) => {
  values.encodeThrown(error);
  return THREW;
};

const refused = (status, why) => {
  scratch.write(why);
  return status;
};

/** Calls `done` with the outcome of a promise or thenable. It has the name of `run`, so that `errors.js` removes its frames. */
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

/** Name of main's notification that a name is exposed, or no longer. */
export const EXPOSES = 'coincide:exposes';

// Names of functions for references: main's for operations with and without an answer, and the worker's for calls of its functions.
export const REFLECT = 'coincide:reflect', REFLECT_LATER = 'coincide:reflect-later', INVOKE = 'coincide:invoke';

// Status numbers of answers. `calls.rs` has the same list.
const RETURNED = 0, THREW = 1, BAD_ARGUMENTS = 2, BAD_RESULT = 3, LATER = 4, OUT_OF_MEMORY = 5, CANCELLED = 6, NO_ROOM = 7, NOT_NOW = 8;
