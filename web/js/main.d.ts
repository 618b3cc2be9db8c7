/** Main's side of coincide, on pages. For Node.js, see `main.node.d.ts`. */

import type { Answer, AnyExposed, Handles, Kept, Received, ReceivedAll, Remote, Sent, SentAll, Side } from './objects.js';

export { callback, dispose, expose, stream, type Callback, type Exposed, type Handles, type Kept, type Remote, type RemoteCallback, type Stream, type Streamed } from './objects.js';

/** An interface without types: any name, any arguments, any result. */
export type Untyped = Record<string, any>;

/**
 * The constraint of interfaces: each member is a function, or `Exposed`. Symbols, `then` and names that begin with `coincide:` are not allowed, because the other
 * end cannot call them.
 */
export type Interface<T> = {
  [K in keyof T]: K extends symbol | 'then' | `coincide:${string}` ? never : ((...args: any[]) => any) | AnyExposed;
};

/** The instances of a class of the platform. `never` if the class is not declared, or is declared without members, which any object would match. */
type InstanceOf<Name extends string> = typeof globalThis extends { [K in Name]: { prototype: infer T } } ? ({} extends T ? never : T) : never;

/** Objects that the platform can move between main and a worker. */
export type Transferable =
  | ArrayBuffer
  | InstanceOf<'MessagePort'>
  | InstanceOf<'ReadableStream'>
  | InstanceOf<'WritableStream'>
  | InstanceOf<'TransformStream'>
  | InstanceOf<'OffscreenCanvas'>
  | InstanceOf<'ImageBitmap'>
  | InstanceOf<'VideoFrame'>
  | InstanceOf<'AudioData'>
  | InstanceOf<'RTCDataChannel'>
  | InstanceOf<'MediaSourceHandle'>
  | InstanceOf<'MediaStreamTrack'>
  | InstanceOf<'MIDIAccess'>;

/** Objects marked by `transfer`. */
export type Transferred<T extends Transferable[] = Transferable[]> = T & Moved;

declare const transferred: unique symbol;

/** The mark of the result of `transfer`. */
export interface Moved {
  readonly [transferred]: true;
}

/**
 * The arguments of a call: those of the function, optionally followed by the result of `transfer`. Functions in them must be marked by `callback`. Before the
 * result of `transfer`, pass `undefined` for optional arguments that are left out.
 */
export type Arguments<Fn, S extends Side = 'main'> = Fn extends (...args: infer Args) => unknown ? [...args: SentAll<Args, S>, moved?: Transferred] : never;

/** The awaited result of a function, as an end receives it. */
export type Result<Fn, S extends Side = 'main'> = Fn extends (...args: never) => infer R ? Received<Awaited<R>, S> : never;

/** A member of an interface as the other end uses it. */
export type Used<M, S extends Side> = M extends Kept<'exposed', infer O> ? Remote<O, S> : (...args: Arguments<M, S>) => Answer<Result<M, S>, S>;

/** The functions of an interface as main calls them: each call returns a promise. The last overload of a function is used, and type parameters become `unknown`. */
export type Awaiting<T> = string extends keyof T
  ? Untyped
  : { readonly [K in keyof T]-?: Used<NonNullable<T[K]>, 'main'> };

/** The functions of an interface as a worker calls them: each call returns the awaited result. */
export type Blocking<T> = string extends keyof T
  ? Untyped
  : { readonly [K in keyof T]-?: Used<NonNullable<T[K]>, 'worker'> };

/** The functions of an interface as one end registers them. They may return promises, and are called with a `this` of null. The same proxy cannot call them. */
export type Registered<T, S extends Side = 'main'> = string extends keyof T ? Untyped : { [K in keyof T]?: Registrable<NonNullable<T[K]>, S> };

type Registrable<M, S extends Side> = M extends AnyExposed
  ? M
  : M extends (...args: infer Args) => infer R
    ? (this: null, ...args: ReceivedAll<Args, S>) => Returned<Sent<Awaited<R>, S>>
    : never;

/** The result of a registered function. If its type returns `void`, it may return anything, as in TypeScript callbacks. */
type Returned<R> = [R] extends [void] ? void : R | PromiseLike<R>;

/** Main's proxy of a worker: reads call the worker's `Exports`, assignments register main's `Functions`. A name in both is checked against both. */
export type MainProxy<Exports, Functions> = Awaiting<Exports> & Registered<Functions>;

/** The names of the functions of an interface. */
export type NameOf<T> = Extract<keyof T, string>;

/** The default of `Functions`: no functions if `Exports` is given, otherwise any. */
export type FunctionsBeside<Exports> = string extends keyof Exports ? Untyped : {};

/** Options of both ends. */
export interface Options {
  /**
   * Function applied to each argument and each result. In a worker it is also applied to values that are passed to objects of main, except proxies of such
   * objects. Default: none.
   */
  transform?: ((value: any) => any) | undefined;
  /** Whether `transfer` moves objects. If `false`, its result is sent as a normal argument. Default `true`. */
  transfer?: boolean | undefined;
  /** Whether a result with a part that cannot be sent is an error. If `false`, the part is replaced and a warning is logged. Default `false`. */
  strict?: boolean | undefined;
  /** Whether calls appear in the performance panel, as entries of `performance.measure`. Default `false`. */
  measure?: boolean | undefined;
  /**
   * Budget in bytes, at least 0, for all arguments and results that arrive in parts or wait to be sent. The first 64 KiB of each worker are not counted.
   * A call that exceeds the budget ends with a `CoincideError` of code `OutOfMemory`, or `NotSent` if its arguments exceed the caller's own budget. On main the
   * budget covers all workers, and the last call of `coincide` with this option sets it. Default 1 GiB.
   */
  memory?: number | undefined;
  /** Whether calls of a worker that cannot block return promises instead of throwing. On main it applies to the workers of this `coincide()`. Default `false`. */
  promises?: boolean | undefined;
  /**
   * Milliseconds, at least 0, after which a deferred call ends with a `CoincideError` of code `Deadlock`. A call is deferred if it needs the worker's event loop
   * while the worker is blocked. It counts as a deadlock if the function of main for which the worker is blocked has made the call and has not returned.
   * `Infinity` disables the check. On main it applies to the workers of this `coincide()` that have no such option of their own. Default 3,000.
   */
  deadlockTimeout?: number | undefined;
}

/**
 * How a worker reaches main.
 *
 * - `shared-memory`: rings in shared memory, on cross-origin isolated pages and in Node.js.
 * - `suspending`: messages. An interpreter in the worker suspends its stack (JSPI) until a call returns.
 * - `service-worker`: messages. The worker blocks in a synchronous request to a service worker.
 * - `messages`: messages only. The worker cannot block.
 */
export type Tier = 'shared-memory' | 'suspending' | 'service-worker' | 'messages';

/** Options that choose the tier of a worker. */
export interface TierOptions {
  /**
   * The required tier. If it is not available, creating or wrapping the worker throws a `CoincideError` of code `NoTier`, or `ready` rejects with one of code
   * `NoRelay`. Default: the first available tier, in the order of `Tier`.
   */
  tier?: Tier | undefined;
  /**
   * Whether the worker imports `coincide/suspending/worker` and runs an interpreter that suspends its stack (JSPI). Such a worker gets the tier `suspending` if
   * memory cannot be shared and the browser has JSPI. Default `false`.
   */
  suspends?: boolean | undefined;
  /**
   * Address of the service worker that relays, on the page's own origin. Its script is the one that `npx coincide sw` writes, or one of coincident 4 or sabayon.
   * Default: none.
   */
  serviceWorker?: string | URL | undefined;
  /**
   * Whether the page may be reloaded for its service worker. It is reloaded at most once: if the service worker isolates it, or does not take control of it.
   * A page that was already loaded by a reload is not reloaded. Default `true`.
   */
  reload?: boolean | undefined;
  /** Milliseconds for which the service worker holds one request of a blocked worker, which then sends another one. Capped at 60,000. Default 20,000. */
  relayHold?: number | undefined;
}

/** Options of `coincide()` on main. Those of `TierOptions` apply to workers that have none of their own. */
export interface MainOptions extends Options, TierOptions {
  /**
   * Bytes of shared memory for each direction of a link, rounded up to a power of two of at least 16 KiB. More than 1 GiB throws a `RangeError`. Larger payloads
   * are sent in parts. Default 512 KiB.
   */
  ringSize?: number | undefined;
}

/** Limits of calls. Values out of range throw a `RangeError`; a `signal` that is not an `AbortSignal` throws a `TypeError`. */
export interface Limits {
  /** Milliseconds, at least 0, after which a call ends with a `TimeoutError` and is cancelled at the other end. Default: no limit. */
  timeout?: number | undefined;
  /** Signal that ends a call with its reason and cancels it at the other end. Default: none. */
  signal?: AbortSignal | undefined;
  /** Number of rows that are requested at once if the call returns a stream, at least 1. Capped at 4,096. Default 16. */
  rows?: number | undefined;
}

/** Options of `wrap`. */
export interface WrapOptions extends TierOptions {
  /** Name of the worker in `workers`. A name that is in use throws a `CoincideError` of code `NameTaken`. Default: none. */
  name?: string | undefined;
}

/** Options of `new Worker`: those of `wrap`, and the platform's own. */
export interface WorkerOptions extends WrapOptions {
  /** Type of the worker's script. Vite's development server requires `type: 'module'` as a literal. Default `module`. */
  type?: 'module' | 'classic' | undefined;
  /** Which requests for modules send cookies. Default `same-origin`. */
  credentials?: 'omit' | 'same-origin' | 'include' | undefined;
}

/** A worker of any platform: a page's `Worker`, or one of `node:worker_threads`. */
export interface AnyWorker {
  postMessage(message: any): void;
  terminate(): unknown;
}

/** The page's class `Worker`, if the program has the types of the DOM. */
export type PageWorker = typeof globalThis extends { Worker: { prototype: infer W extends AnyWorker } } ? W : AnyWorker;

/**
 * The members that a link adds to the platform's worker. `terminate()` of the platform also closes the link: pending calls reject with a `CoincideError` of code
 * `Closed`.
 */
export interface Link<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> {
  /**
   * The functions of the worker. A call returns a promise of the result. It rejects with the value that the function throws, or with a `CoincideError`. A call
   * with an argument that cannot be sent throws a `DataCloneError`. Setting a property registers a function for the worker; deleting it removes the function.
   *
   * @example
   * worker.proxy.hello = name => `Hello, ${name}`;
   * console.log(await worker.proxy.version());
   */
  readonly proxy: MainProxy<Exports, Functions>;
  /**
   * Resolves with the names of the worker's exports when the worker is ready. Rejects with a `CoincideError` if the worker fails to start; `cause` is the worker's
   * own error.
   */
  readonly ready: Promise<NameOf<Exports>[]>;
  /** How the worker reaches main. */
  readonly tier: Tier;
  /**
   * The proxy, with limits on its calls.
   *
   * @example
   * await worker.within({ timeout: 1000 }).version();
   */
  within(limits: Limits): MainProxy<Exports, Functions>;
  /** A received callback, exposed object or stream, with limits on its calls. */
  within<T extends object>(limits: Limits, received: T): T;
  /** Number of callbacks, exposed objects, streams and signals in use over the link. Zero before it exists. */
  handles(): Handles;
  /**
   * Interrupts the worker. The call or the `sleep` in which it is blocked throws a `CoincideError` of code `Interrupted`, otherwise its next `check` does. No-op on
   * an idle worker.
   */
  interrupt(): void;
  /** Calls an export without an answer. Its result and its errors are dropped. Throws a `DataCloneError` if an argument cannot be sent. */
  notify<Name extends NameOf<Exports>>(name: Name, ...args: Arguments<Exports[Name]>): void;
}

/** A worker with a link to this main. */
export type CoincideWorker<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> = PageWorker & Link<Exports, Functions>;

/** The result of `diagnose()`. */
export interface Diagnosis {
  /** The tier of new workers. */
  tier: Tier;
  /** Whether such a worker can block until main has answered. */
  canBlock: boolean;
  /** Why there is no better tier, and why wasm cannot run if it cannot: one sentence each. Empty if workers share memory. */
  reasons: string[];
}

/** The result of `coincide()` on main. */
export interface Main<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> {
  /**
   * Adds a link to a worker and returns the same worker. Returns a worker that has a link unchanged. Throws a `TypeError` for anything else than a worker.
   * Throws a `CoincideError`:
   *
   * - `NoTier` or `NameTaken` if the options cannot be met.
   * - `Options` if the worker was wrapped with other options.
   * - `Copies` if another copy or entry of coincide has wrapped it.
   *
   * @example
   * const worker = coincide().wrap(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
   */
  wrap<W extends AnyWorker>(worker: W, options?: WrapOptions): W & Link<Exports, Functions>;
  /** Typed for this worker: it exports `Own`, and main offers `ForIt`. */
  wrap<Own extends Interface<Own>, ForIt extends Interface<ForIt> = {}>(worker: PageWorker, options?: WrapOptions): CoincideWorker<Own, ForIt>;
  /** The class of workers with a link to this main. Most bundlers recognize only the global `Worker`: use `wrap` with them. */
  Worker: {
    /** Creates a worker with a link. Throws a `CoincideError` of code `NoTier` or `NameTaken` if the options cannot be met. */
    new (url: string | URL, options?: WorkerOptions): CoincideWorker<Exports, Functions>;
    /** Typed for this worker: it exports `Own`, and main offers `ForIt`. */
    new <Own extends Interface<Own>, ForIt extends Interface<ForIt> = {}>(url: string | URL, options?: WorkerOptions): CoincideWorker<Own, ForIt>;
  };
  /** Proxies of workers by the option `name`. `await workers.name` resolves when a worker of that name is ready, and rejects if it fails to start. */
  readonly workers: Readonly<Record<string, Promise<MainProxy<Exports, Functions>>>>;
  /** Whether memory can be shared with workers. */
  readonly native: boolean;
  /**
   * Marks objects to be moved, if passed as the last argument of a call. They cannot be used here afterwards. Ports, streams and canvases in arguments must be
   * marked, because they cannot be copied.
   *
   * @example
   * await worker.proxy.paint(pixels, transfer(pixels.buffer));
   */
  transfer<T extends Transferable[]>(...objects: T): Transferred<T>;
  /**
   * Resolves when a service worker relays for the page, or at once if memory is shared. `script` is by default the option `serviceWorker`. Rejects with a
   * `CoincideError` of code `NoRelay` if it cannot relay.
   *
   * Only workers that are started from a Blob need it, before they start. In some browsers, a service worker cannot take control of such a worker later.
   */
  relay(script?: string | URL): Promise<void>;
  /**
   * The tier of new workers, and why there is no better one. Throws a `CoincideError` of code `NoTier` if the option `tier` cannot be met.
   *
   * @example
   * const { tier, canBlock, reasons } = coincide().diagnose();
   * if (!canBlock) console.warn(`workers have the tier ${tier}: ${reasons.join('; ')}`);
   */
  diagnose(): Diagnosis;
}

/** Options of `pool`. */
export interface PoolOptions {
  /** Maximum number of queued calls, at least 0; `Infinity` for no limit. A further call rejects with a `CoincideError` of code `NotSent`. Default 1,024. */
  queue?: number | undefined;
  /**
   * Whether a call is retried on another worker if its worker ends before it has answered, up to 3 attempts in total. The function may then run more than once.
   * A call that moves objects other than buffers is not retried. If `false`, the call rejects with a `CoincideError` of code `Closed`. Default `false`.
   */
  retry?: boolean | undefined;
}

/** Limits of a pool's calls. They include the time for which a call is queued. */
export interface PoolLimits extends Limits {
  /** As in `PoolOptions`. Default: the pool's option. */
  retry?: boolean | undefined;
}

/** The method `Symbol.dispose`, if the program includes its types (`lib: ["esnext.disposable"]`). */
export type Disposing = SymbolConstructor extends { readonly dispose: infer Key extends symbol } ? { readonly [K in Key]: () => void } : {};

/** Several workers with the same exports. */
export interface Pool<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> extends Disposing {
  /**
   * The functions of the workers. A call goes to the first idle worker; without one it is queued. Setting a property registers a function for all workers,
   * including those that the pool creates later. If three workers in a row fail to start and none is left, queued calls reject with a `CoincideError` of code
   * `Closed`.
   *
   * @example
   * const pages = await Promise.all(names.map(name => workers.proxy.render(name)));
   */
  readonly proxy: MainProxy<Exports, Functions>;
  /** Resolves with the names of the exports when all initial workers are ready. Rejects if one of them fails to start. */
  readonly ready: Promise<NameOf<Exports>[]>;
  /** Number of running workers. A worker that has ended is replaced when a queued call needs one. */
  readonly size: number;
  /** Number of idle workers: ready, and without a call in flight. */
  readonly idle: number;
  /** Number of queued calls. */
  readonly queued: number;
  /** The proxy, with limits on its calls. */
  within(limits: PoolLimits): MainProxy<Exports, Functions>;
  /** Calls an export of each worker without an answer. Throws a `DataCloneError` if there are several workers and an object other than a buffer is moved. */
  notify<Name extends NameOf<Exports>>(name: Name, ...args: Arguments<Exports[Name]>): void;
  /** Terminates all workers. Calls in flight and queued calls reject with a `CoincideError` of code `Closed`. Idempotent. */
  terminate(): Promise<void>;
}

/**
 * Creates a pool of `size` workers, at least 1, by calling `create` for each. Workers without a link are wrapped. Throws what `create` throws, and
 * a `RangeError` for an invalid `size` or `queue`. Throws a `TypeError` if `create` is not a function or returns a worker twice.
 *
 * @example
 * const workers = pool(4, () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
 * console.log(await workers.proxy.render('page'));
 */
export function pool<Exports extends object, Functions extends object>(
  size: number,
  create: () => AnyWorker & Link<Exports, Functions>,
  options?: PoolOptions,
): Pool<Exports, Functions>;
/** Creates a pool of workers without a link. */
export function pool(size: number, create: () => AnyWorker, options?: PoolOptions): Pool;
/** Creates a pool of workers without a link, typed: the workers export `Exports`, and main offers `Functions`. */
export function pool<Exports extends Interface<Exports>, Functions extends Interface<Functions> = {}>(
  size: number,
  create: () => AnyWorker,
  options?: PoolOptions,
): Pool<Exports, Functions>;

/**
 * The codes of a `CoincideError`. `docs/reference/error-codes.md` lists when each occurs and what to do.
 *
 * Two further codes belong to a `TypeError`: `UnknownFunction` if the other end has no function of that name, and `BadArguments` if the arguments cannot be read
 * there.
 */
export type CoincideErrorCode =
  | 'CannotBlock'
  | 'Closed'
  | 'Copies'
  | 'Deadlock'
  | 'Failed'
  | 'Interrupted'
  | 'Misplaced'
  | 'NameTaken'
  | 'NoRelay'
  | 'NoTier'
  | 'NotSent'
  | 'NotStarted'
  | 'Options'
  | 'OutOfMemory'
  | 'Panicked'
  | 'Refused'
  | 'Result'
  | 'SchemaMismatch'
  | 'TooDeep';

/**
 * An error of coincide itself: a call has no result, or a worker has no link. Values that a function throws are not wrapped in it.
 *
 * @example
 * if (error instanceof CoincideError && error.code === 'Closed') restart();
 */
export class CoincideError extends Error {
  constructor(code: CoincideErrorCode, message: string, fn: string, options?: { cause?: unknown });
  readonly name: 'CoincideError';
  /** Stable code, for programs. For `Closed`, `cause` is the worker's own error if the worker has failed. */
  readonly code: CoincideErrorCode;
  /** Name of the called function; empty without one. */
  readonly function: string;
}

/**
 * Creates main's side. Main awaits functions of its workers, and workers call functions of main.
 *
 * `coincide<Exports, Functions>()` types both directions: the functions that the worker exports, then those that main offers. The worker uses the same order.
 *
 * @example
 * import coincide from 'coincide/main';
 * const worker = coincide().wrap(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
 * worker.proxy.hello = name => `Hello, ${name}`;
 * console.log(await worker.proxy.version());
 */
export default function coincide(options?: MainOptions): Main;
/**
 * Creates main's side, typed: the worker exports `Exports`, and main offers `Functions`.
 *
 * @example
 * // interface.ts, for both ends
 * export interface Exports { version(): number }
 * export interface Functions { hello(name: string): string }
 * // main.ts
 * const worker = coincide<Exports, Functions>().wrap(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
 * worker.proxy.hello = name => `Hello, ${name}`;
 * const version: number = await worker.proxy.version();
 */
export default function coincide<Exports extends Interface<Exports>, Functions extends Interface<Functions> = {}>(options?: MainOptions): Main<Exports, Functions>;
