// Main, for pages and for Node.js. `platform` holds what differs between them.
import { initSync, setMemory } from './coincide.js';
import { alarmOf } from './alarm/main.js';
import { Link } from './end/main.js';
import { CoincideError, clause, entry, failed, hide, isCoincide, located, site, siteInShort } from './errors.js';
import { onFailure } from './guard.js';
import { turn } from './loop.js';
import { promised, rejectAll } from './pending.js';
import { ALARM, BOOT, BROKEN, FAILED, PACKET, PANIC, RING, UNSENDABLE, bytesOf, detach, limitsOf, measured, optionsOf, packetsOf, prepare, proxyOf } from './proxy.js';
import { memory as wasmMemory } from './scratch.js';
import { roomFor } from './stack.js';
import { MESSAGES, SERVICE, SHARED, diagnose, reasonsFor, tierOf } from './tier.js';
import { revived, thrownInWords } from './thrown.js';
import { transformed } from './transform.js';
import { inWords } from './values.js';

/**
 * @param platform see `platform.js`
 * @param source see `wasm.js`
 * @param reflection lets workers operate on objects of main, if it is given: see `reflect/main.js`. Its `defaults` are options
 */
export const create = (platform, source, reflection) => {
  let module = null;
  let isStarted = false;
  /** Resolves when wasm runs; null before it is requested, and afterwards. */
  let starting = null;
  let failure = null;
  /** The memory budget of all links, if an option has set one. */
  let memory;

  const started = compiled => {
    module = compiled;
    initSync({ module });
    wasmMemory.locate();
    isStarted = true;
    if (memory !== undefined) setMemory(memory);
    starting = null;
  };

  /** Calls back as soon as wasm runs: at once if it runs already. */
  const whenStarted = (callback, fail) => {
    if (!isStarted && !starting && !failure) {
      const compiled = source();
      if (compiled instanceof WebAssembly.Module) started(compiled);
      else
        starting = compiled.then(started).catch(error => {
          failure = new CoincideError('Failed', `the wasm of coincide could not be loaded: ${clause(error.message)}; serve \`coincide_bg.wasm\` beside the module, or import \`coincide/inline/main\`, which contains it`, '');
        });
    }
    if (isStarted) callback();
    else if (failure) fail(failure);
    else starting.then(() => (failure ? fail(failure) : callback()));
  };

  /** Results of `relayAt`, by the address of the script. */
  const relays = new Map();
  const relayed = async (script, reload) => {
    const key = String(script);
    if (!relays.has(key)) relays.set(key, platform.relayAt(script, reload));
    try {
      return { ...(await relays.get(key)), token: platform.newToken() };
    } catch (error) {
      // The next attempt may succeed.
      relays.delete(key);
      throw error;
    }
  };

  /** Removes the failure watchers of workers that were garbage-collected. */
  const forgotten = new FinalizationRegistry(unwatch => unwatch());

  const named = new Map();
  const awaited = new Map();
  /** The workers by name: `await workers.name` is the proxy of the worker of that name, once it is ready. */
  const workers = new Proxy(Object.create(null), {
    get(_, name) {
      if (name === UNSENDABLE) return 'the workers of a page';
      if (typeof name !== 'string' || name === 'then') return undefined;
      return (named.get(name) ?? arrival(name).promise).then(worker => worker.ready.then(() => worker.proxy));
    },
    has: (_, name) => named.has(name),
    ownKeys: () => [...named.keys()],
    getOwnPropertyDescriptor: (_, name) =>
      named.has(name) ? { enumerable: true, configurable: true } : undefined,
    set: () => false,
  });
  const arrival = name => {
    if (!awaited.has(name)) {
      let resolve;
      const promise = new Promise(done => (resolve = done));
      awaited.set(name, { promise, resolve });
    }
    return awaited.get(name);
  };

  /** Creates the result of `coincide(options)`. */
  return entry(given => {
    const options = optionsOf({ ...reflection?.defaults, ...given });
    if (options.memory !== undefined) {
      memory = bytesOf(options.memory);
      if (isStarted) setMemory(memory);
    }

    class Worker extends platform.Worker {
      #link = null;
      #name;
      #tier;
      /** Called with whether requests of the worker reach the relay. */
      #probed = null;
      /** Why there is no better tier. */
      #reasons;
      /** Actions that wait for the link. */
      #waiting = [];
      /** Messages of the program, which must not overtake the boot message. */
      #messages = [];
      #closed = null;
      #ready;
      #settle;
      /** Created by the constructor, for the stack of the error that `ready` rejects with. */
      #here;
      #isReady = false;
      /** The promise that the getter `ready` has returned. Unlike `#ready` it is reported if it rejects unhandled. */
      #asked;
      /** Whether a promise that the program holds rejects because the worker has failed. */
      #heard = false;
      /** The worker's references to main's objects. */
      #reflected;
      #unwatch = () => {};

      constructor(url, own = {}) {
        roomFor('Worker');
        const { name } = own;
        const here = site();
        const wishes = { ...options, ...own };
        let tier;
        try {
          if (name && named.has(name))
            throw new CoincideError('NameTaken', `a worker named \`${name}\` is running already: terminate it first, or choose another name`, '');
          tier = tierOf(platform, wishes);
        } catch (error) {
          throw located(error, here);
        }
        super(url, { type: 'module', ...own });
        this.#here = here;
        if (reflection?.ffi) this.ffi = reflection.ffi(() => this.#reflected);
        this.#name = name;
        this.#tier = tier;
        this.#reasons = reasonsFor(platform, wishes, tier);
        platform.onMessage(this, data => this.#hears(data));
        if (name) {
          named.set(name, Promise.resolve(this));
          awaited.get(name)?.resolve(this);
          awaited.delete(name);
        }
        this.#ready = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
        this.#ready.catch(() => {});
        platform.onFailure(this, {
          url,
          isUp: () => this.#link?.greeted() ?? false,
          throws: thrown => this.#ends(uncaught(thrown), { cause: thrown }),
          ends: why => this.#ends(why),
          wasHeard: () => this.#heard,
        });
        this.#unwatch = onFailure(weakly(this, Worker.#failed));
        forgotten.register(this, this.#unwatch);
        this.proxy = this.#proxy(limitsOf());
        const start = relay =>
          whenStarted(
            () => this.#start(wishes, relay),
            error => this.#close(error),
          );
        if (tier !== SERVICE) start();
        else
          this.#relay(url, wishes).then(start, error => {
            if (wishes.tier === SERVICE) return this.#close(error);
            this.#tier = MESSAGES;
            this.#reasons.push(error.message);
            start();
          });
      }

      /** The relay of this worker's link, once requests of the worker reach it. */
      async #relay(script, { serviceWorker, reload, relayHold: hold = 20_000 }) {
        // A service worker takes control of workers that run when it starts. The reply shows that this one runs.
        if (!platform.isControlled()) await this.#reaches(null);
        for (let visit = 0; visit < 2; visit++) {
          const { scope, ...found } = await relayed(serviceWorker, reload);
          const outside = platform.whyOutside(script, scope);
          if (outside) throw new CoincideError('NoRelay', outside, '');
          const relay = { ...found, hold };
          if (await this.#comesTo(relay)) return relay;
          // It may have been unregistered in between.
          relays.delete(String(serviceWorker));
        }
        throw new CoincideError('NoRelay', `requests of the worker do not reach the service worker ${serviceWorker}: reload the page, so that the service worker is active before the worker starts`, '');
      }

      /** Whether requests of the worker reach the relay, after at most `ATTEMPTS` attempts. */
      async #comesTo(relay) {
        for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
          if (await this.#reaches(relay)) return true;
          // The worker was created before the service worker took control, and did not run yet at that time. Only coincide's own relay can be asked to claim it.
          platform.claimWorkers();
          await new Promise(resolve => setTimeout(resolve, 10 * (attempt + 1)));
        }
        return false;
      }

      #reaches(probe) {
        return new Promise(resolve => {
          this.#probed = resolve;
          super.postMessage({ [BOOT]: { probe } });
        });
      }

      /** How the worker reaches main: `'shared-memory'`, `'service-worker'` or `'messages'`. */
      get tier() {
        return this.#tier;
      }

      get [UNSENDABLE]() {
        return 'a worker';
      }

      /** Resolves with the names of the worker's exports when the worker is ready. Rejects if it fails before. */
      get ready() {
        this.#asked ??= this.#ready.then(names => names);
        return this.#asked;
      }

      /** The proxy with limits: `{ timeout, signal }` end its calls early. */
      within(limits) {
        try {
          return this.#proxy(limitsOf(limits));
        } catch (error) {
          throw located(error, site());
        }
      }

      /** Asks the worker to abandon what it is doing: the call in which it is blocked throws. */
      interrupt() {
        roomFor('interrupt');
        this.#do(link => link?.interrupt());
      }

      /** Calls an export without waiting for an answer. */
      notify(name, ...args) {
        try {
          if (this.#closed) throw this.#closedFor(name);
          roomFor(`${name}`);
          const [sent, moved] = prepare(args, options);
          if (this.#link) this.#link.notify(`${name}`, sent);
          else this.#notifyLater(`${name}`, copied(name, sent), site());
          detach(moved);
        } catch (error) {
          throw located(this.#explained(error), site());
        }
      }

      postMessage(message, options) {
        if (!this.#messages) return super.postMessage(message, options);
        // It is copied now, as the platform does it, so that it keeps its contents and throws here.
        const transfer = [...(options?.[Symbol.iterator] ? options : (options?.transfer ?? []))];
        this.#messages.push(structuredClone([message, transfer], { transfer }));
      }

      terminate() {
        roomFor('terminate');
        // The program has ended the worker itself, so an unhandled rejection of `ready` is not reported.
        this.#asked?.catch(() => {});
        this.#close(new CoincideError('Closed', 'main has terminated the worker', ''));
        this.#link?.terminate();
        return super.terminate();
      }

      /** Handles a message of the worker; false if it is one of the program's. */
      #hears(data) {
        if (data === RING) turn();
        else if (data?.[PACKET] !== undefined) this.#link?.deliver(data[PACKET]);
        else if (data?.[BOOT] !== undefined) this.#probed?.(data[BOOT]);
        else if (data?.[BROKEN] !== undefined) this.#breaks(data[BROKEN]);
        else if (data?.[PANIC] !== undefined) this.#ends(`the worker panicked: ${inWords(data[PANIC])}`);
        else if (data?.[FAILED] !== undefined) this.#reports(data[FAILED]);
        else return false;
        return true;
      }

      #start(wishes, relay) {
        if (this.#closed) return;
        const post = (...message) => super.postMessage(...message);
        const alarm = this.#tier === MESSAGES ? alarmOf(platform, about => post({ [ALARM]: about })) : undefined;
        try {
          this.#link = this.#tier === SHARED ? shared(post) : Link.byMessages(packetsOf(post), relay, alarm, options.strict);
          this.#link.left = weakly(this, Worker.#left);
          this.#reflected = reflection?.reflect?.(this.#link, wishes);
          const { promises, deadlockTimeout } = options;
          const window = reflection?.wishes(wishes);
          post({ [BOOT]: { module, buffer: this.#link.buffer, relay, promises, deadlockTimeout, reasons: this.#reasons, window, alarm: alarm?.start } });
        } catch (error) {
          const why = `the link could not be created: ${clause(error?.message)}`;
          this.#fails(error instanceof CoincideError ? error : new CoincideError('NotStarted', why, '', { cause: error }));
          return super.terminate();
        }
        for (const message of this.#messages) super.postMessage(...message);
        this.#messages = null;
        const { resolve, reject } = this.#settle;
        const isReady = names => {
          this.#isReady = true;
          resolve(names);
        };
        promised(this.#link, pending => this.#link.ready(pending), 'ready').then(isReady, error => {
          reject(located(this.#explained(error), this.#here));
          this.#forget();
        });
        for (const action of this.#waiting) action(this.#link);
        this.#waiting = null;
      }

      /** Calls `action` with the link, or with null if the worker has ended before there was one. */
      #do(action) {
        if (this.#link || this.#closed) action(this.#link);
        else this.#waiting.push(action);
      }

      /** The worker has reported a failure: by `fail`, or by an uncaught error before it was ready. */
      #reports(report) {
        const { said, thrown, isEnding } = report ?? {};
        const cause = causeOf(thrown);
        const why = said === undefined ? uncaught(cause?.cause) : `the worker has failed: ${inWords(said)}`;
        if (said === undefined && !isEnding) this.#ends(why, cause);
        else this.#fails(new CoincideError('Closed', why, '', cause));
      }

      /** Ends the link and the worker. `cause` holds the thrown value, if that is known. */
      #ends(why, cause) {
        this.#fails(new CoincideError('Closed', why, '', cause));
        super.terminate();
      }

      #fails(error) {
        this.#close(error);
        this.#link?.fail(error.message);
      }

      /** wasm has failed in the worker. */
      #breaks(why) {
        const error = new CoincideError('Failed', `the worker has failed: ${inWords(why)}`, '');
        if (this.#link) rejectAll(error, this.#link);
        this.#fails(error);
        super.terminate();
      }

      /** wasm has failed on main, so the worker would wait indefinitely. */
      #abandon(error) {
        this.#link = null;
        this.#close(error);
        super.terminate();
      }

      static #failed(worker, error) {
        worker.#abandon(error);
      }

      /** The link has ended by itself. */
      static #left(worker, why) {
        worker.#close(new CoincideError('Closed', why, ''));
      }

      #close(error) {
        if (this.#closed) return;
        this.#unwatch();
        this.#closed = error;
        this.#heard ||= Boolean(this.#asked) && !this.#isReady;
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
        if (this.#name && named.has(this.#name)) named.delete(this.#name);
        this.#name = undefined;
      }

      #call(name, args, timeout, signal) {
        const link = this.#link;
        const start = pending => (link ? link.call(name, args, timeout, pending) : this.#callLater(name, args, timeout, pending));
        return promised(link, start, name, { timeout, signal });
      }

      /** Starts a call once there is a link. Its limits apply from now on. */
      #callLater(name, args, timeout, pending) {
        // Arguments that cannot be sent have to throw at once.
        const copy = copied(name, args);
        const start = performance.now();
        this.#do(link => {
          if (pending.isSettled) return;
          if (!link) return pending.settle(this.#closedFor(name), true);
          try {
            pending.begin(link.call(name, copy, Math.max(0, timeout - (performance.now() - start)), pending), link);
          } catch (error) {
            pending.settle(error, true);
          }
        });
        return 0;
      }

      /** Sends a notification once there is a link. */
      #notifyLater(name, args, here) {
        this.#do(async link => {
          try {
            link?.notify(name, args);
          } catch (error) {
            // Reported as an unhandled rejection.
            throw located(error, here);
          }
        });
      }

      #proxy({ timeout, signal }) {
        const call = (name, args, here) => {
          const [sent, moved] = prepare(args, options);
          signal?.throwIfAborted();
          if (this.#closed) return Promise.reject(located(this.#closedFor(name), here));
          const result = this.#call(name, sent, timeout, signal);
          detach(moved, result);
          return result.then(options.transform, error => {
            this.#heard = true;
            throw located(this.#explained(error), here, signal);
          });
        };
        return proxyOf(
          name =>
            (...args) => {
              const start = options.measure ? performance.now() : 0;
              let here;
              try {
                roomFor(name);
                here = siteInShort();
                const result = call(name, args, here);
                return options.measure ? result.finally(() => measured(name, start)) : result;
              } catch (error) {
                throw located(error, here ?? site(), signal);
              }
            },
          {
            set: (name, value) => {
              roomFor(name);
              const { transform } = options;
              const fn =
                transform && typeof value === 'function' ? transformed(value, transform) : value;
              this.#do(link => link?.register(name, fn));
            },
            delete: name => this.#do(link => link?.unregister(name)),
          },
        );
      }
    }

    /** A link in shared memory. */
    const shared = post => {
      // Not a separate port: in some browsers, messages of a blocked worker do not leave through one.
      const bell = Atomics.waitAsync ? undefined : { postMessage: () => post(RING) };
      return Link.shared(options.ringSize ?? RING_SIZE, bell, options.strict);
    };

    return {
      Worker,
      workers,
      native: platform.shared(),
      transfer: options.transfer,
      relay: async (script = options.serviceWorker) => {
        const here = site();
        try {
          if (!platform.shared()) await relayed(script, options.reload);
        } catch (error) {
          throw located(error, here);
        }
      },
      diagnose: () => diagnose(platform, options),
    };
  });
};

/** A function that calls `act` with an object and its argument, and does not keep the object. A closure would, if another one beside it does. */
const weakly = (object, act) => {
  const ref = new WeakRef(object);
  return argument => {
    const object = ref.deref();
    if (object) act(object, argument);
  };
};

/** The message for a worker with an uncaught error. */
const uncaught = thrown => `the worker has failed: uncaught ${thrownInWords(thrown)}`;

/** The options of an error whose cause a worker has reported. Returns undefined for a malformed report: a worker can post anything. */
const causeOf = thrown => {
  try {
    return thrown && { cause: revived(thrown) };
  } catch {
    return undefined;
  }
};

/** A copy of arguments for later. */
const copied = (name, args) => {
  try {
    return structuredClone(args);
  } catch (error) {
    if (error?.name !== 'DataCloneError') throw error;
    throw failed('Arguments', `the arguments of \`${name}\` cannot be sent: ${clause(error.message)}`, name);
  }
};

/** Most attempts to have a worker's requests reach the relay. The pauses between them grow, to about 0.5 s in total. */
const ATTEMPTS = 10;

/** Bytes of a ring in each direction. */
const RING_SIZE = 512 << 10;
