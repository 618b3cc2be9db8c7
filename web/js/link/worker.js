// The worker's end of a link.
import { call, cancel, check, ready, recycle, sleep, wait, wakeUp, workerByMessages, workerShared } from '../coincide.js';
import { End, EXPOSES, INVOKE, REFLECT, REFLECT_LATER, attached, writeRelay } from './end.js';
import { CANCELLED, failed, stopOf } from '../errors.js';
import { hasFailed } from './guard.js';
import { ENDED, NONE, STOPPED, requestTurn } from './loop.js';
import { connect, openPort } from './ports.js';
import { HOSTED, LENGTH, OWN, STATUS, memory, scratch } from './scratch.js';
import { MISSING } from './values.js';

/** The worker's end of its link. */
export class WorkerEnd extends End {
  #settleReady;

  constructor(id, strict) {
    super(id, strict);
    const { names } = this.objects;
    this.insert(EXPOSES, { name: CALLBACK, fn: (name, isExposed) => void (isExposed ? names.add(name) : names.delete(name)), values: this.values });
    this.objects.ready = new Promise(resolve => (this.#settleReady = resolve));
  }

  /** Attaches to the link in `buffer`. `doorbell` wakes main where that can't listen to shared memory. `deadlock` is the deadlock timeout in milliseconds. */
  static shared(buffer, doorbell, deadlock = NaN, strict) {
    return new WorkerEnd(workerShared(attached(buffer, doorbell), deadlock), strict);
  }

  /** Attaches to a link in messages. Without a relay, `outOfBand` is the worker's side of out-of-band signals. */
  static byMessages(post, relay, outOfBand, deadlock = NaN, strict) {
    const port = openPort(post, relay, outOfBand);
    writeRelay(relay);
    const id = workerByMessages(port, scratch.at, scratch.length, relay?.hold ?? 0, deadlock);
    connect(port, id, false);
    return new WorkerEnd(id, strict);
  }

  /** Calls a function of main and blocks until it has answered. Throws the reason of `signal` if that aborts. */
  call(name, args, timeout, shown = name, signal = undefined, moved = undefined) {
    return this.#call(this.values, name, shown, args, timeout, signal, moved);
  }

  /** Calls a function of main without blocking. */
  callLater(name, args, timeout, pending, moved) {
    return this.start(name, args, timeout, pending, this.values, moved);
  }

  notify(...args) {
    super.notify(...args);
    // Waiting for room has disarmed the end, which listens again after a turn.
    requestTurn();
  }

  /** Reports to main that the worker is ready, with the names of its exports. */
  ready() {
    if (!ready(this.id)) throw failed('NotSent', `the names of the exports cannot be sent: ${memory.shownText()}`, 'ready');
    this.objects.ready = undefined;
    this.#settleReady();
    requestTurn();
  }

  isReady() {}

  /** Whether the worker has exports, or calls or objects are pending. Callbacks do not count, because main may hold them indefinitely. */
  isBusy() {
    if (this.closed !== undefined || hasFailed()) return false;
    return this.pending.size > 0 || this.running.size > 0 || this.posted.size > 0 || this.functions.some(served => served?.isOffered);
  }

  /** Throws if the running function is to stop. */
  check() {
    try {
      for (let kind = check(this.id); kind !== NONE; kind = check(this.id)) {
        if (kind === STOPPED) throw stopOf(memory.words[STATUS], memory.shownText(), 'check');
        this.perform(kind);
      }
    } finally {
      // The check has disarmed the end and may have received calls. It listens again after a turn.
      requestTurn();
    }
  }

  /** Blocks while calls of main run. Throws if the function is to stop, and the reason of `signal` if that aborts. */
  sleep(milliseconds, signal) {
    const end = performance.now() + milliseconds;
    let isAsleep = true;
    // Number of actions after the end of the sleep. Further calls must not delay it indefinitely.
    let late = 0;
    try {
      let kind = sleep(this.id, milliseconds, true);
      while (kind !== NONE && kind !== STOPPED) {
        this.perform(kind);
        signal?.throwIfAborted();
        const left = end - performance.now();
        if (left <= 0 && ++late > MOST_LATE) return;
        kind = sleep(this.id, Math.max(0, left), false);
      }
      isAsleep = false;
      if (kind === STOPPED) throw stopOf(memory.words[STATUS], memory.shownText(), 'sleep');
    } finally {
      if (isAsleep && !hasFailed()) wakeUp(this.id);
      requestTurn();
    }
  }

  /**
   * Lets main call functions of this worker. `references` converts references for the codec. `invoke` is called with a function, `this` and a list of arguments,
   * and `released` with ids that main has released.
   */
  reflect(references, invoke, released) {
    this.insert(INVOKE, { name: CALLBACK, fn: invoke, values: this.refers(references, released) });
  }

  /** Performs an operation on objects of main, and blocks until main has answered. */
  operate(operation) {
    return this.#call(this.reflected, REFLECT, 'window', operation, Infinity);
  }

  /** Performs an operation on objects of main, without an answer. */
  operateLater(operation) {
    this.notify(REFLECT_LATER, operation, this.reflected, 'window');
  }

  /** Calls the function `name`. `shown` is its name in errors. */
  #call(values, name, shown, args, timeout, signal, moved) {
    values.encodeArgumentsNow(args, shown, this.postingOf(values, moved));
    const objects = this.post(values, shown, args, moved);
    let kind = call(this.id, scratch.numberOf(name), scratch.give(), scratch.length, timeout);
    const own = memory.words[OWN];
    // 0: the call was not made.
    if (own === 0) {
      values.unsend();
      this.unpost(objects);
    }
    while (kind !== ENDED) {
      this.perform(kind);
      if (signal?.aborted) cancel(this.id, own);
      kind = wait(this.id, own);
    }
    if (signal?.aborted && memory.words[STATUS] === CANCELLED) {
      requestTurn();
      throw signal.reason;
    }
    const isLarge = memory.words[LENGTH] > LARGE || memory.words[HOSTED] > 0;
    // Waiting has disarmed the end, which listens again after a turn.
    requestTurn();
    try {
      return values.outcome(shown, this.posted);
    } catch (error) {
      if (error === MISSING) values.skip(this.posted);
      throw error === MISSING ? failed('Result', `the result of \`${shown}\` cannot be read here: ${MISSING.message}`, shown) : error;
    } finally {
      // The next call would free it otherwise.
      if (isLarge && !hasFailed()) recycle();
    }
  }
}

/** Name of a sent function in errors. */
const CALLBACK = 'a callback';

/** Maximum number of actions that a sleep performs after its end. */
const MOST_LATE = 64;

/** Bytes above which a result is freed at once. */
const LARGE = 1 << 16;
