// Streams. The iterable stays at its end, where a `Source` reads its rows. The other end requests several rows at once and passes them to the program one by one.
import { isCoincide, located, ours, run, site, siteInShort } from '../errors.js';
import { roomFor } from '../link/stack.js';
import { classOf } from '../values/classes.js';
import { STREAM, shared } from './marks.js';
import { fault } from './use.js';

/** Names of functions of both ends: `NEXT` takes `[id, most]` and returns `[isDone, rows]`, `RETURN` takes `[id]` and ends an iteration. */
export const NEXT = 'coincide:next', RETURN = 'coincide:return';

/** Whether a value is a generator object, which is a stream without a mark. */
export const isGenerator = value => typeof value === 'object' && value !== null && GENERATORS.has(classOf(value));

const GENERATORS = new Set(['Generator', 'AsyncGenerator']);

/** An iterable of this end while the other end reads its rows. */
export class Source {
  /** The iterable that the program has sent. */
  value;
  /** Whether the iterable is an iterator, which has a single iteration even if it is sent several times. */
  isOnce;
  /** Applied to each row. */
  #transform;
  #iterator;
  #step;
  #isAsync;
  /** Rows that were read and not sent yet. */
  #rows = [];
  /** Maximum number of rows read ahead. */
  #most = 1;
  /** Whether there are no further rows. */
  #isOver = false;
  /** `{ error }`, which is thrown after the rows before it. */
  #failure;
  /** Whether a request is being answered. Later requests wait. */
  #isReading = false;
  #waiting = [];
  #isFilling = false;
  /** Whether a synchronous iterator is running, and whether to end the iteration afterwards. */
  #isStepping = false;
  #endsNext = false;
  #wake = () => {};

  /** Whether an object is a source. Runs no code of the program, even for a `Proxy`. */
  static is(object) {
    return sources.has(object);
  }

  constructor(value, transform) {
    this.value = value;
    this.isOnce = typeof value.next === 'function';
    this.#transform = transform;
    sources.add(this);
  }

  /** Returns `[isDone, rows]`, or a promise of it. */
  next(most) {
    if (this.#isReading) return new Promise(resolve => this.#waiting.push(resolve)).then(() => this.next(most));
    this.#isReading = true;
    let isLater = false;
    try {
      this.#begin();
      isLater = this.#isAsync && !this.#isOver;
      if (isLater) return this.#later(most);
      this.#read(most);
      return this.#taken(most);
    } finally {
      if (!isLater) this.#ends();
    }
  }

  #begin() {
    if (this.#iterator || this.#isOver) return;
    // If creating the iterator throws, later requests return no rows.
    this.#isOver = true;
    const { value } = this;
    const later = value[Symbol.asyncIterator];
    this.#isAsync = typeof later === 'function';
    const iterator = run(this.#isAsync ? later : value[Symbol.iterator], value, []);
    this.#step = iterator?.next;
    if (typeof this.#step !== 'function') throw fault(TypeError, 'the iterator of a stream has no method `next`');
    this.#iterator = iterator;
    this.#isOver = false;
  }

  /** Reads rows of a synchronous iterator, for `BUDGET` milliseconds. */
  #read(most) {
    const end = performance.now() + BUDGET;
    try {
      while (this.#rows.length < most && !this.#isOver) {
        this.#keep(this.#stepped());
        if (performance.now() >= end) break;
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  #stepped() {
    this.#isStepping = true;
    try {
      return run(this.#step, this.#iterator, []);
    } finally {
      this.#isStepping = false;
      if (this.#endsNext) quietly(() => this.#finish());
    }
  }

  async #later(most) {
    try {
      this.#most = most;
      void this.#fill();
      while (this.#rows.length === 0 && !this.#isOver) await new Promise(resolve => (this.#wake = resolve));
      // Rows that are available already are sent with the first one.
      for (let ticks = 0, known = 0; this.#rows.length < most && !this.#isOver && ticks < TICKS; ticks++) {
        await undefined;
        if (this.#rows.length === known) continue;
        known = this.#rows.length;
        ticks = 0;
      }
      return this.#taken(most);
    } finally {
      void this.#fill();
      this.#ends();
    }
  }

  /** Reads rows of an asynchronous iterator ahead. */
  async #fill() {
    if (this.#isFilling) return;
    this.#isFilling = true;
    try {
      while (this.#rows.length < this.#most && !this.#isOver) {
        this.#keep(await run(this.#step, this.#iterator, []));
        this.#wake();
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#isFilling = false;
      this.#wake();
    }
  }

  /** Adds a row of an iterator. */
  #keep(step) {
    // The iteration has ended during `next`.
    if (this.#isOver) return;
    if (typeof step !== 'object' || step === null) throw new TypeError('the result of an iterator is not an object');
    if (step.done) {
      this.#isOver = true;
      return;
    }
    const { value } = step;
    try {
      this.#rows.push(this.#transform ? this.#transform(value) : value);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Ends the iteration because the iterator has thrown. Its `return` is not called. */
  #failed(error) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = { error };
  }

  /** Ends the iteration with an error that is thrown after the rows before it. */
  fail(error) {
    if (this.#isOver && this.#rows.length === 0 && this.#failure) return;
    const isOver = this.#isOver;
    this.#isOver = true;
    this.#failure = { error };
    if (!isOver) quietly(() => this.#finish());
  }

  #taken(most) {
    const rows = this.#rows.splice(0, most);
    if (rows.length === 0 && this.#failure) {
      const { error } = this.#failure;
      this.#failure = undefined;
      throw error;
    }
    const result = [this.#isOver && this.#rows.length === 0 && !this.#failure, rows];
    batches.set(result, this);
    return result;
  }

  #ends() {
    this.#isReading = false;
    this.#waiting.shift()?.();
  }

  /** Ends the iteration, which runs the `finally` blocks of a generator. Returns a promise if that is asynchronous. */
  end() {
    if (this.#isOver) return undefined;
    this.#isOver = true;
    this.#rows = [];
    this.#wake();
    // `return` of a generator that has not begun runs no code, and makes later iterations empty.
    if (!this.#iterator && this.isOnce) this.#iterator = this.value;
    return this.#finish();
  }

  #finish() {
    const { return: finish } = this.#iterator ?? {};
    if (typeof finish !== 'function') return undefined;
    // A running generator cannot be ended.
    this.#endsNext = this.#isStepping;
    return this.#isStepping ? undefined : run(finish, this.#iterator, []);
  }

  /** Ends the iteration because the stream was released or the link is closed. An error is reported as an unhandled rejection. */
  drop() {
    void (async () => this.end())();
  }

  /** Replaces a result with a row that cannot be sent: by the rows before it, after which the error is thrown. Throws the error if there are none. */
  mend(rows, refusal) {
    const [, at] = refusal.steps;
    this.#rows = [];
    this.#failure = undefined;
    this.fail(new DOMException(`a row of a stream cannot be sent: ${refusal.messageAt('row', 2)}`, 'DataCloneError'));
    if (at > 0) return [false, rows.slice(0, at)];
    const { error } = this.#failure;
    this.#failure = undefined;
    throw error;
  }
}

export const isSource = Source.is;

/** All sources. */
const sources = new WeakSet();

/** Ends an iteration that has failed already. */
const quietly = async finish => {
  try {
    await finish();
  } catch {
    // Only the first error is reported.
  }
};

/** By result of `next`: its source. */
const batches = new WeakMap();

/** Replaces a result of `coincide:next` that cannot be sent, or throws the error. */
export const mend = (result, refusal) => {
  const source = batches.get(result);
  if (!source || typeof refusal.steps[1] !== 'number') throw fault(TypeError, refusal.message);
  return source.mend(result[1], refusal);
};

/** The rows of a stream of the other end. `Blocking` and `Awaiting` pass them to the program. */
class Rows {
  #remote;
  #caller;
  #transform;
  /** Received rows, in reverse order. */
  rows = [];
  isOver = false;

  constructor(remote, caller, transform) {
    this.#remote = remote;
    this.#caller = caller;
    this.#transform = transform;
  }

  get signal() {
    return this.#caller.signal;
  }

  /** Requests rows. Returns the result of `coincide:next`, or a promise of it. */
  request(here) {
    return this.#caller.call(NEXT, [], SHOWN, () => [this.#remote.target, this.#caller.rows], here);
  }

  arrive(result) {
    if (!Array.isArray(result) || !Array.isArray(result[1])) throw ours(new TypeError('the other end has answered a request for rows with another value'));
    // The program may have ended the iteration during the request.
    if (this.isOver) return;
    this.rows = result[1].reverse();
    if (!result[0]) return;
    this.isOver = true;
    this.#remote.dispose();
  }

  /** The next row for the program. */
  take() {
    if (this.rows.length === 0) return { done: true, value: undefined };
    const value = this.rows.pop();
    try {
      return { done: false, value: this.#transform ? this.#transform(value) : value };
    } catch (error) {
      this.drop();
      throw error;
    }
  }

  /** Releases the stream, which ends the iteration at the other end. */
  drop() {
    this.isOver = true;
    this.rows = [];
    this.#remote.dispose();
  }

  /** Requests the end of the iteration. Returns a promise if calls return promises. A no-op after the first time, and on a closed link. */
  finish(here) {
    if (this.isOver || this.signal?.aborted) return this.drop();
    this.isOver = true;
    this.rows = [];
    return this.#caller.call(RETURN, [], SHOWN, () => [this.#remote.target], here);
  }
}

const SHOWN = 'a stream';

const isClosed = error => isCoincide(error) && error.code === 'Closed';

/** The state of each stream of a program. Own properties would be visible. */
const states = new WeakMap();

/** A stream in a worker that blocks. */
class Blocking {
  constructor(rows) {
    states.set(this, { rows, isReading: false });
  }

  next() {
    const state = states.get(this);
    const { rows } = state;
    try {
      // As with a running generator. Main has called a function of this worker during the request.
      if (state.isReading) throw ours(new TypeError('the next row of this stream is being awaited already'));
      while (rows.rows.length === 0 && !rows.isOver) {
        roomFor(SHOWN);
        state.isReading = true;
        try {
          rows.arrive(rows.request());
        } catch (error) {
          rows.drop();
          throw error;
        } finally {
          state.isReading = false;
        }
      }
      return rows.take();
    } catch (error) {
      throw located(error, site(), rows.signal);
    }
  }

  return(value) {
    const state = states.get(this);
    const { rows } = state;
    try {
      roomFor(SHOWN);
      // During a request, the iteration may depend on the function that has called `return`.
      if (!state.isReading) rows.finish();
    } catch (error) {
      if (!isClosed(error)) throw located(error, site(), rows.signal);
    } finally {
      rows.drop();
    }
    return { done: true, value };
  }

  throw(error) {
    this.return();
    throw error;
  }

  [Symbol.iterator]() {
    return this;
  }
}

/** A stream where calls return promises. */
class Awaiting {
  constructor(rows) {
    // `last` is the promise of the last request. Each request waits for the one before.
    states.set(this, { rows, last: Promise.resolve(), pending: 0 });
  }

  next() {
    const { rows, pending } = states.get(this);
    if (pending === 0 && rows.rows.length > 0) return new Promise(resolve => resolve(rows.take()));
    const here = siteInShort();
    return after(this, async rows => {
      try {
        while (rows.rows.length === 0 && !rows.isOver) {
          roomFor(SHOWN);
          try {
            rows.arrive(await rows.request(here));
          } catch (error) {
            rows.drop();
            throw error;
          }
        }
        return rows.take();
      } catch (error) {
        throw located(error, here, rows.signal);
      }
    });
  }

  return(value) {
    const here = siteInShort();
    return after(this, async rows => {
      try {
        await rows.finish(here);
      } catch (error) {
        if (!isClosed(error)) throw located(error, here, rows.signal);
      } finally {
        rows.drop();
      }
      return { done: true, value: await value };
    });
  }

  async throw(error) {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator]() {
    return this;
  }
}

/** Runs an action of an awaiting stream after the earlier ones. */
const after = (stream, action) => {
  const state = states.get(stream);
  state.pending++;
  const result = state.last.then(() => action(state.rows));
  const ends = () => void state.pending--;
  state.last = result.then(ends, ends);
  return result;
};

/** The local iterator of a stream of the other end. */
export const streamOf = (remote, caller, transform) => {
  const rows = new Rows(remote, caller, transform);
  const stream = caller.blocks ? new Blocking(rows) : new Awaiting(rows);
  const method = (key, value) => key && Object.defineProperty(stream, key, { value, configurable: true, writable: true });
  method(Symbol.dispose, () => rows.drop());
  if (!caller.blocks) method(Symbol.asyncDispose, async () => void (await stream.return()));
  return stream;
};

/** The result of a call with limits. If it is a stream, the limits apply to its requests. */
export const withLimits = (limits, value) => {
  const remote = typeof value === 'object' && value !== null ? shared.remotes.get(value) : undefined;
  return remote?.kind === STREAM ? remote.within(limits, value) : value;
};

/** The promise of a call, which can be iterated if it resolves with a stream or an iterable. */
export const iterable = promise => Object.setPrototypeOf(promise, promises);

const promises = Object.create(Promise.prototype, {
  [Symbol.asyncIterator]: {
    configurable: true,
    writable: true,
    value() {
      const iterator = this.then(iteratorOf);
      // The program may end the iteration before the first row, without handling a rejection.
      iterator.catch(() => {});
      let opened;
      return {
        next: () => (opened ? opened.next() : iterator.then(found => (opened = found).next())),
        async return(value) {
          const found = await iterator.catch(() => undefined);
          return found?.return ? found.return(value) : { done: true, value };
        },
        [Symbol.asyncIterator]() {
          return this;
        },
      };
    },
  },
});

const iteratorOf = value => {
  const method = value?.[Symbol.asyncIterator] ?? value?.[Symbol.iterator];
  if (typeof method !== 'function') throw new TypeError('the result of the call cannot be iterated: the function has to return a generator, `stream(iterable)`, or an array');
  return method.call(value);
};

/** Maximum number of rows of one request. */
export const MOST_ROWS = 4096;

/** Milliseconds for which rows of a synchronous iterator are read before they are sent. */
const BUDGET = 2;

/** Microtasks without another row after which the rows of an asynchronous iterator are sent. */
const TICKS = 16;
