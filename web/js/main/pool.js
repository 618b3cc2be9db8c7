// Pools: several workers with the same exports. Each call goes to a worker that has no call in flight, or waits for one.
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
      // It has the frames of `wrap`, whose caller is not the program.
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
  /** The functions of the workers, and of main for all of them. */
  proxy;
  #size;
  #create;
  /** Maximum number of waiting calls. */
  #longest;
  #retry;
  /** Workers not known to be closed. */
  #members = new Set();
  /** Calls that wait for a worker, oldest first. */
  #queue = new Set();
  /** Functions of main, by name. */
  #functions = new Map();
  /** Number of consecutive workers that ended before they were ready. */
  #failures = 0;
  /** The controller of the worker that was created last: prepares arguments. */
  #last;
  #ready;
  /** Whether the function that creates workers runs. Calls that it makes create no further ones. */
  #isCreating = false;
  #isClosed = false;
  #ending;

  within = entry(({ retry = this.#retry, ...limits } = {}) => this.#proxy(limitsOf(limits), retry));

  /** Calls an export of all workers without waiting for answers. */
  notify = (name, ...args) => {
    const here = site();
    try {
      name = `${name}`;
      if (this.#isClosed) throw this.#closedFor(name);
      roomFor(name);
      // Once for all workers: a buffer can be transferred only once.
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
    // The program has terminated the pool while it created the worker.
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

  /** Sends waiting calls to idle workers, and replaces workers that have ended. */
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

  /** The first worker without a call. */
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
    // The program may change its arguments while the call waits.
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

  /** Sends a call that has waited, or that may be retried. */
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

  /** Reserves a worker for a call. */
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

  /** Calls back when a worker answers again. It may still compute the result of a call that is no longer awaited. */
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

/** Maximum number of consecutive failed starts while calls wait. */
const MOST_FAILURES = 3;

/** Maximum number of attempts under `retry`. */
const MOST_ATTEMPTS = 3;

/** The codes of calls whose worker has ended. */
const LOST = new Set(['Closed', 'Failed']);

/** A name that no worker exports: its event loop refuses the call at once. */
const PROBE = 'coincide:probe';
