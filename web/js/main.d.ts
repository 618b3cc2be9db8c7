/** Main's side of coincide, on pages. In Node.js, `main.node.d.ts` takes its place. */

import type { Answer, AnyExposed, Handles, Received, ReceivedAll, Remote, Sent, SentAll, Side } from './objects.js';

export { callback, dispose, expose, stream, type Callback, type Exposed, type Handles, type Remote, type RemoteCallback, type Stream, type Streamed } from './objects.js';

/** An interface without types: any name, any arguments, any result. */
export type Untyped = Record<string, any>;

/**
 * The constraint of interfaces: each member is a function, or `Exposed`. Symbols, `then` and names that begin with `coincide:` cannot be called at the other end.
 */
export type Interface<T> = {
  [K in keyof T]: K extends symbol | 'then' | `coincide:${string}` ? never : ((...args: any[]) => any) | AnyExposed;
};

/** The instances of a class that the platform may have, unless nothing is declared of them: any object would be one. */
type InstanceOf<Name extends string> = typeof globalThis extends { [K in Name]: { prototype: infer T } } ? ({} extends T ? never : T) : never;

/** What the platform can move to a worker and back. */
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

/** Objects that `transfer` has marked. */
export type Transferred<T extends Transferable[] = Transferable[]> = T & { readonly [transferred]: true };

declare const transferred: unique symbol;

/** The arguments of a call: those of the function, and optionally the result of `transfer` as the last one. Functions in them have to be marked by `callback`. */
export type Arguments<Fn, S extends Side = 'main'> = Fn extends (...args: infer Args) => unknown ? [...args: SentAll<Args, S>, moved?: Transferred] : never;

/** The awaited result of a function, as an end receives it. */
export type Result<Fn, S extends Side = 'main'> = Fn extends (...args: never) => infer R ? Received<Awaited<R>, S> : never;

/** A member of an interface as the other end uses it. */
export type Used<M, S extends Side> = M extends { readonly [K in keyof AnyExposed]: ['exposed', infer O] } ? Remote<O, S> : (...args: Arguments<M, S>) => Answer<Result<M, S>, S>;

/** The functions of an interface as main calls them: each call returns a promise. Of overloads the last one counts; type parameters become `unknown`. */
export type Awaiting<T> = string extends keyof T
  ? Untyped
  : { readonly [K in keyof T]-?: Used<NonNullable<T[K]>, 'main'> };

/** The functions of an interface as a worker calls them: each call returns the awaited result. */
export type Blocking<T> = string extends keyof T
  ? Untyped
  : { readonly [K in keyof T]-?: Used<NonNullable<T[K]>, 'worker'> };

/** The functions of an interface as one end sets them. They may return promises, are called with a `this` of null, and cannot be called through the proxy. */
export type Registered<T, S extends Side = 'main'> = string extends keyof T ? Untyped : { [K in keyof T]?: Registrable<NonNullable<T[K]>, S> };

type Registrable<M, S extends Side> = M extends AnyExposed
  ? M
  : M extends (...args: infer Args) => infer R
    ? (this: null, ...args: ReceivedAll<Args, S>) => Returned<Sent<Awaited<R>, S>>
    : never;

/** A function whose type returns `void` may return anything, as callbacks in TypeScript may. */
type Returned<R> = [R] extends [void] ? void : R | PromiseLike<R>;

/** Main's proxy of a worker: reads call the worker's `Exports`, assignments register main's `Functions`. A name that both have is checked against both. */
export type MainProxy<Exports, Functions> = Awaiting<Exports> & Registered<Functions>;

/** The names of an interface. */
export type NameOf<T> = Extract<keyof T, string>;

/** The default of `Functions`: no functions if `Exports` is given, otherwise any. */
export type FunctionsBeside<Exports> = string extends keyof Exports ? Untyped : {};

/** Options of both ends. */
export interface Options {
  /** Applied to each argument and each result; in a worker also to values that its program passes to objects of main, except proxies of these. Default: none. */
  transform?: ((value: any) => any) | undefined;
  /** `false`: the result of `transfer` is sent as a normal argument, and nothing moves. Default `true`. */
  transfer?: boolean | undefined;
  /** Parts of results that cannot be sent are errors, instead of being replaced with a warning. Default `false`. */
  strict?: boolean | undefined;
  /** Calls appear in the performance panel. Default `false`. */
  measure?: boolean | undefined;
  /**
   * Budget in bytes, at least 0, for all arguments and results that arrive in parts or wait to be sent. On main it covers all workers, and the
   * last call of `coincide` that passes it sets it. A call that exceeds it ends with a `CoincideError` of code `OutOfMemory`, or
   * `NotSent` if the arguments exceed the caller's own budget. The first 64 KiB of each worker are not counted. Default 1 GiB.
   */
  memory?: number | undefined;
  /** Where a worker cannot block, its calls return promises instead of throwing. Default `false`. On main it applies to all workers. */
  promises?: boolean | undefined;
  /**
   * Milliseconds, at least 0, after which a deferred call counts as a deadlock: a call of an asynchronous function of the worker, made by main's function in which
   * the worker is blocked, while that function has not returned. Default 3,000; `Infinity` for never. On main it applies to all workers.
   */
  deadlockTimeout?: number | undefined;
}

/**
 * How a worker reaches main. `shared-memory`: rings in shared memory, on a page that is cross-origin isolated. `suspending`: messages, while an interpreter in the
 * worker suspends its stack (JSPI). `service-worker`: messages, and a service worker through which the worker blocks. `messages`: messages alone, and the worker
 * cannot block.
 */
export type Tier = 'shared-memory' | 'suspending' | 'service-worker' | 'messages';

/** Options that choose the tier of a worker. */
export interface TierOptions {
  /** Requires this tier; an error of code `NoTier` or `NoRelay` if it is not available. By default the first tier of the list that is available. */
  tier?: Tier | undefined;
  /**
   * Whether the worker runs an interpreter that suspends its stack (JSPI) and imports `coincide/suspending/worker`. If memory cannot be shared and the browser has JSPI, the worker gets the
   * tier `suspending`. Default `false`.
   */
  suspends?: boolean | undefined;
  /** The script of the service worker that relays, as `npx coincide sw` writes it, or one of coincident 4 or sabayon; on the page's own origin. */
  serviceWorker?: string | URL | undefined;
  /**
   * `false`: the page is never reloaded. By default it is reloaded once for a service worker that isolates it, or that does not control it otherwise.
   * A page whose load was a reload is not reloaded again.
   */
  reload?: boolean | undefined;
  /** Milliseconds for which the service worker holds one request of a waiting worker, which then polls again. Default 20,000, at most 60,000. */
  relayHold?: number | undefined;
}

/** Options of `coincide()` on main. Those of `TierOptions` apply to workers that have none of their own. */
export interface MainOptions extends Options, TierOptions {
  /** Bytes of shared memory for each direction of a link: a power of two from 16 KiB to 1 GiB. Default 512 KiB. */
  ringSize?: number | undefined;
}

/** Limits of calls. */
export interface Limits {
  /** Milliseconds, at least 0, after which a call ends with a `TimeoutError`; the other end stops working on it. Default: no limit. */
  timeout?: number | undefined;
  /** Ends the call with the signal's reason; the other end stops working on it. */
  signal?: AbortSignal | undefined;
  /** Rows of a stream that are requested at once, at least 1, if the call returns a stream. Default 16. */
  rows?: number | undefined;
}

/** Options of `wrap`. */
export interface WrapOptions extends TierOptions {
  /** The name of the worker in `workers`. A name that is in use is an error of code `NameTaken`. Default: none. */
  name?: string | undefined;
}

/** Options of `new Worker`: those of `wrap`, and the platform's own. */
export interface WorkerOptions extends WrapOptions {
  /** `module` by default. Vite's development server requires `type: 'module'` as a literal here. */
  type?: 'module' | 'classic';
  /** Which requests for modules send cookies, as in the platform's options. Default `same-origin`. */
  credentials?: 'omit' | 'same-origin' | 'include';
}

/** A worker of any platform: a page's `Worker`, or one of `node:worker_threads`. */
export interface AnyWorker {
  postMessage(message: any): void;
  terminate(): unknown;
}

/** The page's class `Worker`, if the program has the types of the DOM. */
export type PageWorker = typeof globalThis extends { Worker: { prototype: infer W extends AnyWorker } } ? W : AnyWorker;

/** The members that a link adds to the platform's worker. */
export interface Link<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> {
  /**
   * The functions of the worker. A call returns a promise of the result; it rejects with what the function throws, or with a `CoincideError`. An argument
   * that cannot be sent throws a `DataCloneError` at once. Setting a property registers a function for the worker, at any time; deleting one removes it.
   *
   * @example
   * worker.proxy.hello = name => `Hello, ${name}`;
   * console.log(await worker.proxy.version());
   */
  readonly proxy: MainProxy<Exports, Functions>;
  /**
   * Resolves with the names of the worker's exports when the worker is ready. Rejects with a `CoincideError` if it fails before, with the worker's own
   * error as the `cause`.
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
  /** A callback, exposed object or stream of the worker, with limits on its calls. */
  within<T extends object>(limits: Limits, received: T): T;
  /** Number of callbacks, objects, streams and signals of main that the worker holds, and of the worker's that main holds. */
  handles(): Handles;
  /** Interrupts the worker: the call or the `sleep` in which it is blocked throws, otherwise its next `check`. No-op on an idle worker. */
  interrupt(): void;
  /** Calls an export without waiting for an answer. */
  notify<Name extends NameOf<Exports>>(name: Name, ...args: Arguments<Exports[Name]>): void;
}

/** A worker that has a link to this main. */
export type CoincideWorker<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> = PageWorker & Link<Exports, Functions>;

/** The result of `diagnose()`. */
export interface Diagnosis {
  /** How workers reach main here. */
  tier: Tier;
  /** Whether a worker can block until main has answered. */
  canBlock: boolean;
  /** Why there is no better tier, in words. */
  reasons: string[];
}

/** What `coincide()` returns on main. */
export interface Main<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> {
  /**
   * Adds a link to a worker, and returns that very worker. Wrapping a worker twice returns it unchanged.
   *
   * @example
   * const worker = coincide().wrap(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
   */
  wrap<W extends AnyWorker>(worker: W, options?: WrapOptions): W & Link<Exports, Functions>;
  /** The same for a worker with interfaces of its own. */
  wrap<Own extends Interface<Own>, ForIt extends Interface<ForIt> = {}>(worker: PageWorker, options?: WrapOptions): CoincideWorker<Own, ForIt>;
  /** The class of workers that have a link to this main. Most bundlers recognize only the global `Worker`: see `wrap`. */
  Worker: {
    new (url: string | URL, options?: WorkerOptions): CoincideWorker<Exports, Functions>;
    /** A worker with interfaces of its own. */
    new <Own extends Interface<Own>, ForIt extends Interface<ForIt> = {}>(url: string | URL, options?: WorkerOptions): CoincideWorker<Own, ForIt>;
  };
  /** Workers by name: `await workers.name` is the proxy of the worker of that name, once it is ready. */
  workers: Readonly<Record<string, Promise<MainProxy<Exports, Functions>>>>;
  /** Whether memory can be shared here. */
  native: boolean;
  /**
   * As last argument of a call: these buffers, ports, streams and the like move, and cannot be used here any more. A port, a stream or a canvas in the arguments has to be
   * one of them.
   *
   * @example
   * await worker.proxy.paint(pixels, transfer(pixels.buffer));
   */
  transfer<T extends Transferable[]>(...objects: T): Transferred<T>;
  /**
   * Resolves when this service worker, by default that of the options, relays for the page, or at once if memory is shared. Rejects with a `CoincideError`
   * of code `NoRelay` if it cannot relay. Await it only before starting workers from a Blob: not every browser lets a service worker take control of such a
   * worker later.
   */
  relay(script?: string | URL): Promise<void>;
  /** The tier of workers here, and why there is no better one. */
  diagnose(): Diagnosis;
}

/** Options of `pool`. */
export interface PoolOptions {
  /** Maximum number of calls that wait for a worker, at least 0. A further call rejects with a `CoincideError` of code `NotSent`. Default 1,024. */
  queue?: number | undefined;
  /**
   * `true`: a call whose worker ends before it has answered is made again on another worker, up to three attempts. It may run more than once. Default `false`: it
   * rejects with a `CoincideError` of code `Closed`.
   */
  retry?: boolean | undefined;
}

/** Limits of a pool's calls. They include the time that a call waits for a worker. */
export interface PoolLimits extends Limits {
  /** As in `PoolOptions`, for these calls. Default: the pool's option. */
  retry?: boolean | undefined;
}

/** The method for `using`, if the program includes its types (`lib: ["esnext.disposable"]`). */
export type Disposing = SymbolConstructor extends { readonly dispose: infer Key extends symbol } ? { readonly [K in Key]: () => void } : {};

/** Several workers with the same exports. */
export interface Pool<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> extends Disposing {
  /**
   * The functions of the workers. A call goes to the first worker that has no call in flight, or waits for one. Setting a property registers a function
   * for all workers, also for those that the pool creates later.
   *
   * @example
   * const pages = await Promise.all(names.map(name => workers.proxy.render(name)));
   */
  readonly proxy: MainProxy<Exports, Functions>;
  /** Resolves with the names of the exports when all initial workers are ready. Rejects if one of them fails to start. */
  readonly ready: Promise<NameOf<Exports>[]>;
  /** Number of workers. One that has ended is replaced when a call needs it. */
  readonly size: number;
  /** Number of workers that are ready and have no call in flight. */
  readonly idle: number;
  /** Number of calls that wait for a worker. */
  readonly queued: number;
  /** The proxy, with limits on its calls. */
  within(limits: PoolLimits): MainProxy<Exports, Functions>;
  /** Calls an export of each worker without waiting for answers. */
  notify<Name extends NameOf<Exports>>(name: Name, ...args: Arguments<Exports[Name]>): void;
  /** Terminates all workers. Calls that are in flight or wait reject with a `CoincideError` of code `Closed`. Idempotent. */
  terminate(): Promise<void>;
}

/**
 * Creates a pool of workers by calling `create`. Workers without a link are wrapped.
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
/** The same for workers that have no link yet. */
export function pool(size: number, create: () => AnyWorker, options?: PoolOptions): Pool;
/** The same, typed: `Exports` is what the workers export, `Functions` what main offers to them. */
export function pool<Exports extends Interface<Exports>, Functions extends Interface<Functions> = {}>(
  size: number,
  create: () => AnyWorker,
  options?: PoolOptions,
): Pool<Exports, Functions>;

/** The codes of a `CoincideError`. `docs/reference/error-codes.md` lists when each code occurs and what to do. */
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
 * An error of coincide itself: why a call has no result, or why a worker cannot have a link. What a function throws arrives as it is.
 *
 * @example
 * if (error instanceof CoincideError && error.code === 'Closed') restart();
 */
export class CoincideError extends Error {
  constructor(code: CoincideErrorCode, message: string, fn: string, options?: { cause?: unknown });
  readonly name: 'CoincideError';
  /** Stable, for programs. For `Closed`, `cause` is the worker's own error if the worker has failed. */
  readonly code: CoincideErrorCode;
  /** The function that was called; empty if it was none. */
  readonly function: string;
}

/**
 * Main's side: starts workers whose functions main awaits, and which call main's functions.
 *
 * `coincide<Exports, Functions>()` types both directions, here and in the worker, in the same order: what the worker exports, then what main offers.
 *
 * @example
 * import coincide from 'coincide/main';
 * const worker = coincide().wrap(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
 * worker.proxy.hello = name => `Hello, ${name}`;
 * console.log(await worker.proxy.version());
 */
export default function coincide(options?: MainOptions): Main;
/**
 * Main's side, typed: `Exports` is what the worker exports, `Functions` what main offers to it.
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
