// Main's side of one worker, behind the members that `new Worker` and `wrap` add.
//
// The worker announces itself when it has evaluated `coincide/worker`. Main posts no message of coincide before. Such messages therefore do not reach a worker that
// has not imported coincide, or listeners of its program.
import { outOfBandOf } from '../out-of-band/main.js';
import { Link } from '../link/main.js';
import { copied } from './early.js';
import { CoincideError, clause, hide, isCoincide, located, site } from '../errors.js';
import { onFailure } from '../link/guard.js';
import { turn } from '../link/loop.js';
import { isExposure } from '../objects/marks.js';
import { MainLasting } from '../posted/lasting.js';
import { limited, namedOf } from '../objects/remote.js';
import { withLimits } from '../objects/streams.js';
import { promised, rejectAll } from '../link/pending.js';
import { BOOT, BROKEN, FAILED, HELLO, OBJECTS, OUT_OF_BAND, PACKET, PANIC, RING, detach, kindOf, limitsOf, measured, packetsOf, prepare, proxyOf, wakesWorkers } from '../proxy.js';
import { roomFor } from '../link/stack.js';
import { MESSAGES, SERVICE, SHARED, SUSPENDING, reasonsFor, whyNotInRust } from '../tier.js';
import { revived, thrownInWords } from '../thrown.js';
import { transformed } from '../transform.js';
import { inWords } from '../link/values.js';
import { PEER_TIMEOUT, afterAwake, warn } from '../platform/wait.js';

/** The controllers of this copy of coincide. */
const controllers = new WeakMap();

/** The controller of a worker; undefined if the worker has none. */
export const controllerOf = worker => controllers.get(worker);

/** Removes the failure watchers of workers that were garbage-collected. */
const forgotten = new FinalizationRegistry(unwatch => unwatch());

export class Controller {
  /** The options of the worker's link. */
  requested;
  proxy;
  /** How the worker reaches main. */
  tier;
  /** `ffi` of the entries with `window`. */
  ffi;
  #worker;
  #main;
  #options;
  /** The `site` of `new Worker` or `wrap`, for the stack of the error of `ready`. */
  #here;
  /** The address of the worker's script; undefined if it is unknown. */
  #url;
  /** Returns the caller for limits: see `objects/caller.js`. */
  #within;
  /** Calls the worker's original `terminate`. */
  #end;
  /** The result of its first call. In Node.js, each further call would add a listener. */
  #ending;
  #name;
  /** Why there is no better tier. */
  #reasons;
  /** Holds messages of the program; undefined on platforms that keep them for the worker. */
  #outbox;
  /** Posts to the worker; undefined until it has announced itself. */
  #post;
  /** Whether the worker is a program in Rust, which receives no messages except the link. */
  #isPlain = false;
  /** Called with the address of the worker's script when the worker announces itself. */
  #resolveAnnounced;
  #announced = new Promise(resolve => (this.#resolveAnnounced = resolve));
  /** Cancels the warning about a worker that has not announced itself. */
  #stopTimer;
  /** Called with whether requests of the worker reach the relay. */
  #probed = null;
  /** `{ relay }` when all parts of the link that do not depend on the worker are ready. */
  #prepared = null;
  #link = null;
  /** Names of the worker's exports when it became ready. */
  #exports = [];
  /** The names under which main has exposed values. */
  #exposed = new Set();
  /** Actions that wait for the link. */
  #waiting = [];
  #closed = null;
  #isStopped = false;
  #settle;
  #ready = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
  #isReady = false;
  /** The promise of the getter `ready`. Unlike for `#ready`, an unhandled rejection is reported. */
  #asked;
  /** Whether a promise of the program rejects because the worker has failed. */
  #isReported = false;
  /** The worker's references to main's objects. */
  #reflected;
  #unwatch = () => {};

  /**
   * @param worker the worker of the platform
   * @param main the state of all workers of this main: see `core.js`
   * @param given `options` of `coincide()`; `requested`, those and the options of this worker; `here`, a `site`; the `url` if it is known; `end`, which calls the
   *   worker's original `terminate`; `holds`, whether messages of the program are held until the worker has announced itself
   */
  constructor(worker, main, { options, requested, tier, here, url, holds, end }) {
    const { platform, reflection, names } = main;
    this.requested = requested;
    this.tier = tier;
    this.#worker = worker;
    this.#main = main;
    this.#options = options;
    this.#here = here;
    this.#url = url === undefined ? undefined : String(url);
    this.#end = end;
    this.#name = requested.name;
    this.#reasons = reasonsFor(platform, requested, tier);
    if (holds) this.#outbox = platform.outboxOf(worker);
    this.#ready.catch(() => {});
    this.#within = callerOf(options, this.#call.bind(this), this.#rejected.bind(this));
    this.proxy = this.#proxy();
    if (reflection?.ffi) this.ffi = reflection.ffi(() => this.#reflected);
    platform.attend(worker, {
      receives: data => this.#receives(data),
      isUp: () => this.#link?.isOpen() ?? false,
      hasAnnounced: () => this.#post !== undefined,
      url: () => this.#url,
      throws: thrown => this.#ends(uncaught(thrown), { cause: thrown }),
      ends: why => this.#ends(why),
      wasReported: () => this.#isReported,
    });
    controllers.set(worker, this);
    if (this.#name) names.add(this.#name, this);
    this.#stopTimer = afterAwake(PEER_TIMEOUT, weakly(this, Controller.#warnUnannounced));
    this.#unwatch = onFailure(weakly(this, Controller.#failed));
    forgotten.register(worker, this.#unwatch);
    this.#prepare();
  }

  /** Prepares all parts of the link that do not depend on the worker. */
  #prepare() {
    const { start, relays } = this.#main;
    const { requested } = this;
    const withRelay = relay =>
      start.whenRunning(
        () => this.#meet({ relay }),
        error => this.#refuse(error),
      );
    if (this.tier !== SERVICE) return withRelay();
    relays.of({ announced: this.#announced, reaches: probe => this.#reaches(probe) }, requested).then(withRelay, error => {
      if (requested.tier === SERVICE) return this.#refuse(error);
      this.tier = MESSAGES;
      this.#reasons.push(error.message);
      withRelay();
    });
  }

  /** Resolves with whether requests of the worker reach the relay. */
  #reaches(probe) {
    return new Promise(resolve => {
      this.#probed = resolve;
      this.#post({ [BOOT]: { probe } });
    });
  }

  /** Resolves with the names of the worker's exports when the worker is ready. Rejects if it fails to start. */
  get ready() {
    this.#asked ??= this.#ready.then(names => names);
    return this.#asked;
  }

  /** Whether this main has created the controller. */
  isOf(main) {
    return this.#main === main;
  }

  /** Whether calls are sent at once. */
  get isLinked() {
    return this.#link !== null;
  }

  /** The proxy, or a received value, with limits. */
  within(limits, ...received) {
    return received.length > 0 ? limited(limits, received[0]) : this.#proxy(limits);
  }

  /** Number of handles: see `Handles` of `objects.d.ts`. */
  handles() {
    return this.#link?.objects.sizes ?? { given: 0, received: 0 };
  }

  interrupt() {
    this.#do(link => link?.interrupt());
  }

  get isClosed() {
    return this.#closed !== null;
  }

  /** A copy of the arguments of a call that is made later with `isPrepared`, and the objects to move with it. The program may change the originals. */
  hold(name, args) {
    const [sent, buffers, moved] = prepare(args, this.#options);
    const held = copied(name, sent, moved);
    detach(buffers);
    return held;
  }

  /** Calls an export. `here` is a `site`. */
  call(name, args, limits, here, isPrepared) {
    return this.#within(limits).call(name, args, name, undefined, here, isPrepared);
  }

  /** Calls an export without waiting for an answer. `here` is a `site` if there is no link yet. */
  notify(name, args, here, isPrepared) {
    try {
      if (this.#closed) throw this.#closedFor(name);
      roomFor(name);
      const [sent, buffers, moved] = isPrepared ? [args[0], undefined, args[1]] : prepare(args, this.#options);
      if (this.#link) this.#link.notify(name, sent, undefined, undefined, moved);
      else this.#notifyLater(name, copied(name, sent, moved), here);
      detach(buffers);
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** Posts a message of the program. Only called where there is an outbox. */
  postMessage(...message) {
    this.#outbox.post(...message);
  }

  terminate() {
    // A rejection of `ready` is expected here and not reported.
    this.#asked?.catch(() => {});
    this.#close(new CoincideError('Closed', 'main has terminated the worker', ''));
    this.#link?.terminate();
    return (this.#ending ??= this.#end());
  }

  /** Handles a message of the worker. Returns false for a message of the program. */
  #receives(data) {
    const kind = data === RING ? RING : kindOf(data, KINDS);
    if (kind === undefined) {
      this.#outbox?.answered();
      return false;
    }
    if (kind === RING) turn();
    else if (kind === PACKET) this.#link?.deliver(data[PACKET]);
    else if (kind === OBJECTS) this.#link?.posted?.receive(data[OBJECTS]);
    else if (kind === HELLO) this.#takeAnnouncement(data[HELLO]);
    else if (kind === BOOT) this.#probed?.(data[BOOT]);
    else if (kind === BROKEN) this.#breaks(data[BROKEN]);
    else if (kind === PANIC) this.#ends(`the worker panicked: ${inWords(data[PANIC])}`);
    else this.#reports(data[FAILED]);
    return true;
  }

  /** Handles an announcement of the worker, which is repeated until main answers. */
  #takeAnnouncement(hello) {
    // A worker may post any value.
    if (this.#post || hello === null) return;
    this.#post = this.#main.platform.channelTo(this.#worker, hello);
    if (!this.#post) return;
    this.#stopTimer();
    this.#isPlain = Boolean(hello.plain);
    if (typeof hello.url === 'string') this.#url = hello.url;
    this.#resolveAnnounced(this.#url);
    if (this.#closed) this.#refuse(this.#closed);
    else if (this.#prepared) this.#start();
    else this.#answer({ wait: true });
  }

  /** Records that all parts of the link that do not depend on the worker are ready. */
  #meet(prepared) {
    this.#prepared = prepared;
    if (this.#post) this.#start();
  }

  /** Reports that there will be no link. The worker continues without one. */
  #refuse(error) {
    this.#outbox?.open();
    this.#close(error);
    const { code, message } = error;
    if (this.#post) this.#answer({ why: { code, message } });
  }

  #answer(answer) {
    if (!this.#isPlain) this.#post({ [BOOT]: answer });
  }

  #start() {
    if (this.#closed) return;
    if (this.#isPlain && this.tier !== SHARED) {
      this.#fails(new CoincideError('NoTier', whyNotInRust(this.tier, this.#reasons), ''));
      return this.#stop();
    }
    const { platform, reflection, start } = this.#main;
    const { promises, deadlockTimeout, strict } = this.#options;
    const { requested } = this;
    const { relay } = this.#prepared;
    const post = this.#post;
    const outOfBand = this.tier === MESSAGES || this.tier === SUSPENDING ? outOfBandOf(platform, about => post({ [OUT_OF_BAND]: about })) : undefined;
    try {
      this.#link = this.tier === SHARED ? shared(post, this.#options) : Link.byMessages(packetsOf(post), relay, outOfBand, strict);
      // A worker in Rust receives no posted objects.
      if (!this.#isPlain) this.#link.posts(post, MainLasting);
      this.#link.left = weakly(this, Controller.#left);
      Object.assign(this.#link.objects, this.#callersOfLink());
      this.#reflected = reflection?.reflect?.(this.#link, requested);
      const window = reflection?.requested(requested);
      post({ [BOOT]: { tier: this.tier, module: start.module, buffer: this.#link.buffer, relay, promises, deadlockTimeout, reasons: this.#reasons, window, outOfBand: outOfBand?.start, exposed: [...this.#exposed] } });
    } catch (error) {
      const why = `the link could not be created: ${clause(error?.message)}`;
      this.#fails(error instanceof CoincideError ? error : new CoincideError('NotStarted', why, '', { cause: error }));
      return this.#stop();
    }
    this.#outbox?.open();
    const { resolve, reject } = this.#settle;
    const isReady = names => {
      this.#isReady = true;
      this.#exports = names;
      resolve(names);
    };
    promised(this.#link, pending => this.#link.ready(pending), 'ready').then(isReady, error => {
      reject(located(this.#explained(error), this.#here));
      this.#forget();
    });
    for (const action of this.#waiting) action(this.#link);
    this.#waiting = null;
  }

  /** Calls `action` with the link when it exists, or with null if the worker has ended before. */
  #do(action) {
    if (this.#link || this.#closed) action(this.#link);
    else this.#waiting.push(action);
  }

  /** Handles a report of the worker: of `fail`, or of an uncaught error before it was ready. */
  #reports(report) {
    const { said, thrown, isEnding } = report ?? {};
    const cause = causeOf(thrown);
    const why = said === undefined ? uncaught(cause?.cause) : `the worker has failed: ${inWords(said)}`;
    if (said === undefined && !isEnding) this.#ends(why, cause);
    else this.#fails(new CoincideError('Closed', why, '', cause));
  }

  /** Ends the link and the worker. `cause` has the thrown value, if it is known. */
  #ends(why, cause) {
    this.#fails(new CoincideError('Closed', why, '', cause));
    this.#stop();
  }

  #fails(error) {
    this.#close(error);
    this.#link?.fail(error.message);
  }

  /** Handles a failure of wasm in the worker. */
  #breaks(why) {
    const error = new CoincideError('Failed', `the worker has failed: ${inWords(why)}`, '');
    if (this.#link) rejectAll(error, this.#link);
    this.#fails(error);
    this.#stop();
  }

  /** Terminates the worker because of a failure. Idempotent, because a worker may report several. */
  #stop() {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#main.platform.terminate(this.#worker);
  }

  /** Handles a failure of wasm on main. The worker would wait indefinitely, so it is terminated. */
  static #failed(controller, error) {
    controller.#link = null;
    controller.#close(error);
    controller.#stop();
  }

  /** Handles the end of the link. */
  static #left(controller, why) {
    controller.#close(new CoincideError('Closed', why, ''));
  }

  static #warnUnannounced(controller) {
    warn(controller.#main.platform.whySilent(controller.#described()));
  }

  /** This worker in the text of a warning. */
  #described() {
    if (this.#url) return `the worker ${this.#url}`;
    return this.#name ? `the worker named \`${this.#name}\`` : 'a worker';
  }

  /** Description of the proxy, for consoles. */
  #words() {
    const state = this.#closed ? 'has ended' : !this.#isReady ? 'is not ready' : `exports ${this.#exports.slice(0, MOST_SHOWN).join(', ') || 'nothing'}${this.#exports.length > MOST_SHOWN ? ', ...' : ''}`;
    return `proxy of ${this.#described()}, which ${state}`;
  }

  #close(error) {
    if (this.#closed) return;
    this.#unwatch();
    this.#stopTimer();
    this.#outbox?.drop();
    this.#closed = error;
    this.#isReported ||= Boolean(this.#asked) && !this.#isReady;
    this.#reflected?.close();
    this.#settle.reject(located(error, this.#here));
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const action of waiting) action(null);
    this.#forget();
  }

  /** The error of a call that is made after the worker has failed or was terminated. */
  #closedFor(name) {
    const { code, message } = this.#closed;
    return this.#explained(new CoincideError(code, `\`${name}\` was not called: ${message}`, name));
  }

  /** Adds the error that the worker has thrown as the `cause` to an error of code `Closed`. */
  #explained(error) {
    if (!isCoincide(error) || error.code !== 'Closed') return error;
    if (this.#closed && Object.hasOwn(this.#closed, 'cause')) hide(error, 'cause', this.#closed.cause);
    return error;
  }

  #forget() {
    if (this.#name) this.#main.names.delete(this.#name);
    this.#name = undefined;
  }

  /** The callers of received values. The link must not hold the controller. */
  #callersOfLink() {
    const link = this.#link;
    const options = this.#options;
    const ref = new WeakRef(this);
    const call = (name, args, shown, limits, moved) => promised(link, pending => link.call(name, args, limits.timeout, pending, moved), shown, limits);
    const of = options => callerOf(options, call, error => ref.deref()?.#rejected(error) ?? error);
    return { callerOf: of(options), untransformed: of({ ...options, transform: undefined }), transform: options.transform };
  }

  #call(name, args, shown, limits, moved) {
    if (this.#closed) return Promise.reject(this.#closedFor(shown));
    const link = this.#link;
    const { timeout } = limits;
    const start = pending => (link ? link.call(name, args, timeout, pending, moved) : this.#callLater(name, args, timeout, pending, moved));
    return promised(link, start, shown, limits);
  }

  /** Returns the error with which a promise of the program rejects. */
  #rejected(error) {
    this.#isReported = true;
    return this.#explained(error);
  }

  /** Starts a call when the link exists. Its limits apply at once. */
  #callLater(name, args, timeout, pending, objects) {
    // Arguments that cannot be sent throw at once.
    const [copy, moved] = copied(pending.name, args, objects);
    const start = performance.now();
    this.#do(link => {
      if (pending.isSettled) return;
      if (!link) return pending.settle(this.#closedFor(pending.name), true);
      try {
        pending.begin(link.call(name, copy, Math.max(0, timeout - (performance.now() - start)), pending, moved), link);
      } catch (error) {
        pending.settle(error, true);
      }
    });
    return 0;
  }

  /** Sends a notification when the link exists. */
  #notifyLater(name, [args, moved], here) {
    this.#do(async link => {
      try {
        link?.notify(name, args, undefined, undefined, moved);
      } catch (error) {
        // Reported as an unhandled rejection.
        throw located(error, here);
      }
    });
  }

  #proxy(limits) {
    const options = this.#options;
    const caller = this.#within(limits);
    return proxyOf(name => namedOf(caller, name), {
      set: (name, value) => {
        roomFor(name);
        const { transform } = options;
        const fn = transform && typeof value === 'function' ? transformed(value, transform) : value;
        if (isExposure(value)) this.#exposed.add(name);
        else this.#exposed.delete(name);
        this.#do(link => link?.register(name, fn, value));
      },
      has: name => this.#exports.includes(name),
      words: () => this.#words(),
      exports: () => this.#exports,
      delete: name => {
        this.#exposed.delete(name);
        this.#do(link => link?.unregister(name));
      },
    });
  }
}

/**
 * Returns a function of limits that returns the caller for them: see `objects/caller.js`.
 *
 * @param call returns the promise of a call
 * @param rejected returns the error with which a promise of the program rejects
 */
const callerOf = (options, call, rejected) => function within(given) {
  const limits = limitsOf(given);
  const { signal, rows } = limits;
  const passes = given && Object.keys(given).length > 0 ? value => withLimits(given, options.transform ? options.transform(value) : value) : options.transform;
  return {
    blocks: false,
    signal,
    rows,
    within,
    call(name, args, shown, pack, here, isPrepared) {
      const start = options.measure ? performance.now() : 0;
      const [sent, buffers, moved] = isPrepared ? [args[0], undefined, args[1]] : prepare(args, options);
      signal?.throwIfAborted();
      const called = call(name, pack ? pack(sent) : sent, shown, limits, moved);
      detach(buffers, called);
      const result = called.then(passes, error => {
        throw located(rejected(error), here, signal);
      });
      return options.measure ? result.finally(() => measured(shown, start)) : result;
    },
  };
};

/** The kinds of messages that a worker posts, besides `RING`. */
const KINDS = [PACKET, OBJECTS, HELLO, BOOT, BROKEN, PANIC, FAILED];

/** A link in shared memory. */
const shared = (post, { ringSize = RING_SIZE, strict }) => {
  // Not a separate port: in some browsers, messages of a blocked worker do not leave through one.
  const doorbell = wakesWorkers() ? undefined : { postMessage: () => post(RING) };
  return Link.shared(ringSize, doorbell, strict);
};

/** A function that calls `act` with an object and its argument, and does not hold the object. A closure could hold it for another closure of the same scope. */
const weakly = (object, act) => {
  const ref = new WeakRef(object);
  return argument => {
    const object = ref.deref();
    if (object) act(object, argument);
  };
};

/** The message for a worker with an uncaught error. */
const uncaught = thrown => `the worker has failed: uncaught ${thrownInWords(thrown)}`;

/** The options of an error with a cause that a worker has reported. Undefined for a malformed report. */
const causeOf = thrown => {
  try {
    return thrown && { cause: revived(thrown) };
  } catch {
    return undefined;
  }
};

/** Maximum number of names of exports that a console shows. */
const MOST_SHOWN = 32;

/** Bytes of a ring in each direction. */
const RING_SIZE = 512 << 10;
