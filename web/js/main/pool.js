// Pools of workers with the same exports. A call goes to an idle worker; without one it is queued.
import { controllerOf } from './controller.js';
import { CoincideError, entry, isCoincide, located, ours, run, site, siteInShort } from '../errors.js';
import { iterable } from '../objects/streams.js';
import { promised } from '../link/pending.js';
import { UNSENDABLE, limitsOf, proxyOf } from '../proxy.js';
import { roomFor } from '../link/stack.js';
import { inWords } from '../link/values.js';

/** Creates the function `pool` of an entry from the entry's function `coincide`. */
export const poolOf = coincide => {
  let wrap;
  const wrapped = worker => {
    try {
      wrap ??= coincide().wrap;
      return wrap(worker);
    } catch (error) {
      // Replaces the frames of `wrap`, which the program has not called.
      throw ours(error);
    }
  };
  return entry((size, create, { queue = QUEUE, retry = false } = {}) => {
    if (!(Number.isInteger(size) && size > 0)) throw ours(new RangeError(`\`pool\` takes a number of workers, at least 1, not ${inWords(size)}`));
    if (typeof create !== 'function') throw ours(new TypeError(`\`pool\` takes a function that creates a worker, such as \`() => new Worker(url)\`, not ${inWords(create)}`));
    if (typeof queue !== 'number' || !(queue >= 0)) throw ours(new RangeError(`\`queue\` has to be a number of calls, at least 0, not ${inWords(queue)}`));
    return new Pool(size, () => wrapped(run(create, undefined, [])), queue, retry);
  });
};

class Pool {
  /** Calls exports of the workers, and registers functions for all of them. */
  proxy;
  #size;
  #create;
  /** Maximum number of queued calls. */
  #longest;
  #retry;
  /** Workers not known to be closed. */
  #members = new Set();
  /** Queued calls, oldest first. */
  #queue = new Set();
  /** Functions of main, by name. */
  #functions = new Map();
  /** Number of consecutive workers that ended before they were ready. */
  #failures = 0;
  /** The controller of the newest worker, which prepares arguments. */
  #last;
  #ready;
  /** Whether the function that creates workers is running. Calls that it makes create no further workers. */
  #isCreating = false;
  #isClosed = false;
  #ending;

  within = entry(({ retry = this.#retry, ...limits } = {}) => this.#proxy(limitsOf(limits), retry));

  /** Calls an export of all workers without an answer. */
  notify = (name, ...args) => {
    const here = site();
    try {
      name = `${name}`;
      if (this.#isClosed) throw this.#closedFor(name);
      roomFor(name);
      // Once for all workers, because a buffer can be transferred only once.
      const held = this.#last.hold(name, args);
      const live = this.#live();
      if (held[1] && live.length > 1) throw ours(new DOMException(`\`${name}\` was not called: an object that is moved can be sent to one worker only, and the pool has ${live.length}`, 'DataCloneError'));
      for (const { controller } of live) controller.notify(name, held, here, true);
    } catch (error) {
      throw located(error, here);
    }
  };

  terminate = entry(() => {
    if (this.#ending) return this.#ending;
    this.#isClosed = true;
    for (const job of this.#queue) job.pending.settle(this.#closedFor(job.name), true);
    this.#queue.clear();
    const members = this.#live();
    this.#members.clear();
    return (this.#ending = Promise.all(members.map(async ({ worker }) => void (await worker.terminate()))).then(() => {}));
  });

  constructor(size, create, longest, retry) {
    this.#size = size;
    this.#create = create;
    this.#longest = longest;
    this.#retry = retry;
    this.proxy = this.#proxy(limitsOf(), retry);
    try {
      while (this.#members.size < size) this.#start();
    } catch (error) {
      void this.terminate();
      throw error;
    }
    this.#ready = Promise.all(Array.from(this.#members, ({ worker }) => worker.ready)).then(([names]) => names);
    this.#ready.catch(() => {});
    Object.defineProperty(this, UNSENDABLE, { value: 'a pool of workers' });
    if (Symbol.dispose) Object.defineProperty(this, Symbol.dispose, { value: () => void this.terminate() });
  }

  get ready() {
    return this.#ready;
  }

  get size() {
    return this.#live().length;
  }

  get idle() {
    return this.#live().filter(member => member.isFree).length;
  }

  get queued() {
    return this.#queue.size;
  }

  /** Creates a worker. Throws if that fails at once. */
  #start() {
    const worker = this.#create();
    const controller = (this.#last = controllerOf(worker));
    for (const member of this.#members)
      if (member.worker === worker) throw ours(new TypeError('the function that creates workers of a pool has returned a worker of the pool again: create a new one in each call'));
    const member = { worker, controller, isReady: false, isFree: false };
    this.#members.add(member);
    for (const [name, fn] of this.#functions) controller.proxy[name] = fn;
    worker.ready.then(
      () => {
        this.#failures = 0;
        member.isReady = true;
        this.#frees(member);
      },
      error => {
        this.#members.delete(member);
        this.#failsToStart(error);
      },
    );
    // The program may have terminated the pool while it created the worker.
    if (this.#isClosed) void worker.terminate();
  }

  /** Counts a worker that ended before it was ready, or could not be created. */
  #failsToStart(error) {
    if (this.#isClosed) return;
    this.#failures++;
    if (this.#failures < MOST_FAILURES) return this.#pump();
    if (this.#live().length > 0) return;
    for (const job of this.#queue) job.pending.settle(notCalled('Closed', job.name, `the last ${this.#failures} workers of the pool have failed to start: ${inWords(error)}`, { cause: error }), true);
    this.#queue.clear();
  }

  #live() {
    for (const member of this.#members) if (member.controller.isClosed) this.#members.delete(member);
    return [...this.#members];
  }

  /** Sends queued calls to idle workers, and replaces workers that have ended. */
  #pump() {
    for (const job of this.#queue) {
      const member = this.#free();
      if (!member) break;
      this.#queue.delete(job);
      this.#send(job, member);
    }
    if (this.#isCreating || this.#queue.size === 0) return;
    const live = this.#live();
    const starting = live.filter(member => !member.isReady).length;
    for (let wanted = Math.min(this.#queue.size - starting, this.#size - live.length); wanted > 0; wanted--) {
      try {
        this.#isCreating = true;
        this.#start();
        this.#isCreating = false;
      } catch (error) {
        this.#isCreating = false;
        return this.#failsToStart(error);
      }
    }
  }

  /** The first idle worker; undefined without one. */
  #free() {
    for (const member of this.#members) if (member.isFree && !member.controller.isClosed) return member;
  }

  #frees(member) {
    member.isFree = true;
    this.#pump();
  }

  #call(name, args, limits, retry, here) {
    const { timeout, signal } = limits;
    signal?.throwIfAborted();
    if (this.#isClosed) return Promise.reject(located(this.#closedFor(name), here));
    const isLimited = timeout < Infinity || signal !== undefined;
    const member = this.#free();
    if (member && !retry) return this.#uses(member, isLimited, () => member.controller.call(name, args, limits, here));
    if (!member && this.#queue.size >= this.#longest)
      return Promise.reject(located(notCalled('NotSent', name, `${this.#longest} calls wait for a worker of the pool already; await earlier calls, or pass a larger \`queue\``), here));
    // Copied, because the program may change its arguments while the call is queued.
    const job = { name, args: this.#last.hold(name, args), limits, retry, isLimited, here, start: performance.now(), attempts: 0, pending: undefined };
    const begin = pending => {
      job.pending = pending;
      this.#queue.add(job);
      this.#pump();
      return 0;
    };
    return promised({ cancel: () => this.#queue.delete(job) }, begin, name, { timeout, signal, grace: 0 }).catch(error => {
      throw located(error, here, signal);
    });
  }

  /** Sends a call that was queued or may be retried. */
  #send(job, member) {
    const { name, args, limits, isLimited, here, start, pending } = job;
    const timeout = Math.max(0, limits.timeout - (performance.now() - start));
    try {
      this.#uses(member, isLimited, () => member.controller.call(name, args, { ...limits, timeout }, here, true)).then(
        value => pending.settle(value, false),
        error => {
          const isLost = member.controller.isClosed && isCoincide(error) && LOST.has(error.code);
          if (!job.retry || args[1] || !isLost || this.#isClosed || pending.isSettled || ++job.attempts >= MOST_ATTEMPTS) return pending.settle(error, true);
          this.#queue.add(job);
          this.#pump();
        },
      );
    } catch (error) {
      pending.settle(error, true);
    }
  }

  /** Makes a call on a worker, which is not idle until it answers. */
  #uses(member, isLimited, call) {
    member.isFree = false;
    let result;
    try {
      result = call();
    } catch (error) {
      this.#frees(member);
      throw error;
    }
    const free = () => this.#frees(member);
    result.then(free, isLimited ? () => this.#probe(member, free) : free);
    return result;
  }

  /** Calls back when a worker answers again. After a timeout or an abort it may still compute. */
  #probe(member, free) {
    try {
      member.controller.call(PROBE, [[]], undefined, undefined, true).then(free, free);
    } catch {
      free();
    }
  }

  #closedFor(name) {
    return notCalled('Closed', name, 'main has terminated the pool');
  }

  #proxy(limits, retry) {
    return proxyOf(
      name =>
        (...args) => {
          let here;
          try {
            roomFor(name);
            here = siteInShort();
            return iterable(this.#call(name, args, limits, retry, here));
          } catch (error) {
            throw located(error, here ?? site(), limits.signal);
          }
        },
      {
        set: (name, fn) => {
          this.#functions.set(name, fn);
          for (const { controller } of this.#live()) controller.proxy[name] = fn;
        },
        delete: name => {
          this.#functions.delete(name);
          for (const { controller } of this.#live()) delete controller.proxy[name];
        },
      },
    );
  }
}

const notCalled = (code, name, why, options) => new CoincideError(code, `\`${name}\` was not called: ${why}`, name, options);

/** Default of `queue`. */
const QUEUE = 1024;

/** Number of consecutive failed starts after which queued calls reject. */
const MOST_FAILURES = 3;

/** Maximum number of attempts under `retry`. */
const MOST_ATTEMPTS = 3;

/** The codes of calls whose worker has ended. */
const LOST = new Set(['Closed', 'Failed']);

/** A name that no worker exports, so that its event loop refuses the call at once. */
const PROBE = 'coincide:probe';
