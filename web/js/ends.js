// The ends of links with values: what wasm takes and gives are bytes.
import { Served } from './served.js';
import { scratch } from './scratch.js';
import { Values, done, inWords, lengthOf, resultOf, unsent } from './values.js';

/** What main has of a worker. */
export class Link {
  #end;
  #values;
  /** Values that may be references. */
  #reflected;

  /** @param end a `WorkerLink` of wasm */
  constructor(end, strict) {
    this.#end = end;
    this.#values = new Values(strict);
    this.#reflected = this.#values;
  }

  get buffer() {
    return this.#end.buffer;
  }

  deliver(message) {
    this.#end.deliver(message);
  }

  register(name, fn) {
    this.#end.register(name, new Served(this.#values, name, fn));
  }

  unregister(name) {
    this.#end.unregister(name);
  }

  /** Starts a call, which settles `pending`. Returns the number for `cancel`. Throws when the arguments cannot be sent. */
  call(name, args, timeout, pending) {
    return started(pending, this.#values, args, () => this.#end.call(name, scratch.at, scratch.length, timeout, pending));
  }

  cancel(number) {
    this.#end.cancel(number);
  }

  /** The id of the call that was made last, or 0. A call that waits for the bytes of blobs isn't made yet. */
  latestCall() {
    return this.#end.latestCall();
  }

  /** Whether the worker has not answered the call with this id. */
  isUnanswered(call) {
    return this.#end.isUnanswered(call);
  }

  notify(name, args) {
    this.#values.encodeArgumentsNow(args, name);
    done(this.#end.notify(name, scratch.at, scratch.length), name);
  }

  /** Settles `pending` with the names of the exports when the worker is ready. */
  ready(pending) {
    pending.values = this.#values;
    return this.#end.ready(pending);
  }

  interrupt() {
    this.#end.interrupt();
  }

  terminate() {
    this.#end.terminate();
  }

  fail(why) {
    this.#end.fail(why);
  }

  /** Whether the worker has taken up its link. */
  greeted() {
    return this.#end.greeted();
  }

  /**
   * Lets the worker operate on objects of main, which `references` keeps. `serve` and `later` are called for each operation, the latter for those
   * without an answer, and `released` with the references that the worker has given back.
   */
  reflect(references, serve, later, released) {
    this.#reflected = new Values(true, references);
    this.#end.reflect(new Served(this.#reflected, 'window', serve), new Served(this.#reflected, 'window', later), released);
  }

  /** Calls a function that the worker has sent a reference to: the arguments are the reference, `this` and a list. */
  invoke(args, pending) {
    return started(pending, this.#reflected, args, () => this.#end.invoke(scratch.at, scratch.length, pending));
  }

  release(ids) {
    this.#end.release(ids);
  }
}

/** A worker's own side. */
export class End {
  #end;
  #values;
  #reflected;

  /** @param end a `WorkerEnd` of wasm */
  constructor(end, strict) {
    this.#end = end;
    this.#values = new Values(strict);
    this.#reflected = this.#values;
  }

  deliver(message) {
    this.#end.deliver(message);
  }

  ring() {
    this.#end.ring();
  }

  /** A number for a name, for `call`. */
  name(name) {
    return this.#end.name(name);
  }

  export(name, fn) {
    this.#end.export(name, new Served(this.#values, name, fn));
  }

  unexport(name) {
    return this.#end.unexport(name);
  }

  /** Calls a function of main and blocks until it has answered. `name` is the one with this number. */
  call(number, name, args, timeout) {
    this.#values.encodeArgumentsNow(args, name);
    return this.#result(this.#values, this.#end.call(number, scratch.at, scratch.length, timeout), name);
  }

  /** Starts a call, which settles `pending`. Returns the number for `cancel`. Throws when the arguments cannot be sent. */
  callLater(name, args, timeout, pending) {
    return started(pending, this.#values, args, () => this.#end.callLater(name, scratch.at, scratch.length, timeout, pending));
  }

  cancel(number) {
    this.#end.cancel(number);
  }

  notify(name, args) {
    this.#values.encodeArgumentsNow(args, name);
    done(this.#end.notify(name, scratch.at, scratch.length), name);
  }

  ready() {
    this.#end.ready();
  }

  /** Throws if main wants the worker to stop. */
  check() {
    done(this.#end.check(), 'check');
  }

  /** Blocks, while calls of main run. Throws if main wants the worker to stop. */
  sleep(milliseconds) {
    done(this.#end.sleep(milliseconds), 'sleep');
  }

  /** The id of main's call that the running function serves, or 0. */
  currentCall() {
    return this.#end.currentCall();
  }

  flush() {
    this.#end.flush();
  }

  setMemory(bytes) {
    this.#end.setMemory(bytes);
  }

  /**
   * Makes this worker's functions known to main by references, which `references` keeps. `invoke` is called with a function, `this` and a list of
   * arguments, and `released` with the references that main has given back.
   */
  reflect(references, invoke, released) {
    this.#reflected = new Values(true, references);
    this.#end.reflect(new Served(this.#reflected, 'a callback', invoke), released);
  }

  /** Has main carry out an operation on its objects, and blocks until it has. */
  operate(operation) {
    this.#reflected.encodeArgumentsNow(operation, 'window');
    return this.#result(this.#reflected, this.#end.operate(scratch.at, scratch.length), 'window');
  }

  /** Has main carry out an operation without waiting for it. */
  operateLater(operation) {
    this.#reflected.encodeArgumentsNow(operation, 'window');
    done(this.#end.operateLater(scratch.at, scratch.length), 'window');
  }

  release(ids) {
    this.#end.release(ids);
  }

  #result(values, address, name) {
    try {
      return resultOf(values, address, name);
    } finally {
      // Another call would give the buffer back, too.
      if (lengthOf(address) > LARGE) this.#end.recycle();
    }
  }
}

const started = (pending, values, args, call) => {
  pending.values = values;
  try {
    values.encodeArguments(args);
  } catch (refusal) {
    if (!refusal.awaitsBlobs) throw unsent(pending.name, refusal);
    void startedLater(pending, values, args, call);
    return 0;
  }
  return call();
};

/** Starts a call when the bytes of the blobs in its arguments have been read. */
const startedLater = async (pending, values, args, call) => {
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
    pending.number = call();
  } catch (error) {
    pending.settle(error, true);
  }
};

/** A longer result is not kept until the next call. In bytes. */
const LARGE = 1 << 16;
