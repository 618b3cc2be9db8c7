/** The worker's side of coincide. */
import type { Arguments, Awaiting, Blocking, FunctionsBeside, Interface, Limits as MainLimits, NameOf, Options, Registered, Tier, Transferable, Transferred, Untyped, Used } from './main.js';
import type { Handles, Later, Side } from './objects.js';

export { CoincideError, type CoincideErrorCode, type Interface, type Moved, type Tier, type Transferable, type Transferred, type Untyped } from './main.js';
export { callback, dispose, expose, stream, type Callback, type Exposed, type Handles, type Kept, type Remote, type RemoteCallback, type Stream, type Streamed } from './objects.js';

/** Options of `coincide()` in a worker. */
export interface WorkerOptions extends Options {
  /** `'manual'`: the worker is ready when it calls `ready()`. Default: it is ready after its own code has run, up to the first pause. */
  ready?: 'manual' | undefined;
}

/** Limits of calls. */
export interface Limits extends MainLimits {
  /** Whether calls return promises instead of blocking. This works on every tier, and allows several calls in flight. Default `false`. */
  promise?: boolean | undefined;
}

/** The functions of an interface as a worker with `promises: true` calls them. A call returns a promise if the worker cannot block, so `await` each result. */
export type Either<T> = string extends keyof T
  ? Untyped
  : { readonly [K in keyof T]-?: Used<NonNullable<T[K]>, 'either'> };

/**
 * A worker's proxy of main: reads call main's `Functions`, assignments register the worker's `Exports`. `Calls` has the types of the calls. `S` selects how calls
 * of received callbacks return, as `Side` describes.
 */
export type WorkerProxy<Exports, Functions, Calls = Blocking<Functions>, S extends Side = 'worker'> = Calls & Registered<Exports, S>;

/** The result of `await coincide()` in a worker. */
export interface Scope<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>, Calls = Blocking<Functions>, S extends Side = 'worker'> {
  /**
   * The functions of main. A call blocks until main has answered, and returns the result, awaited if it is a promise. It throws the value that the function
   * throws, or a `CoincideError`: of code `CannotBlock` if the worker cannot block (see `sync`). A call with an argument that cannot be sent throws a
   * `DataCloneError`. Setting a property exports a function to main; deleting it removes the function.
   *
   * @example
   * console.log(proxy.hello('PyScript'));
   * proxy.version = () => 42;
   */
  readonly proxy: WorkerProxy<Exports, Functions, Calls, S>;
  /**
   * The proxy, with limits on its calls, which return promises.
   *
   * @example
   * const later = within({ promise: true });
   * const [a, b] = await Promise.all([later.load('a'), later.load('b')]);
   */
  within(limits: Limits & { promise: true }): WorkerProxy<Exports, Functions, Awaiting<Functions>, S>;
  /**
   * The proxy, with limits on its calls.
   *
   * @example
   * const page = within({ timeout: 1000 }).load('a');
   */
  within(limits: Limits & { promise?: false | undefined }): WorkerProxy<Exports, Functions, Calls, S>;
  /** A received callback, exposed object or stream, with limits on its calls, which return promises. */
  within<T extends object>(limits: Limits & { promise: true }, received: T): Later<T>;
  /** A received callback, exposed object or stream, with limits on its calls. */
  within<T extends object>(limits: Limits, received: T): T;
  /** Number of callbacks, exposed objects, streams and signals in use over the link. */
  handles(): Handles;
  /**
   * Reports to main that the worker is ready, with the names of its exports. Needed only with the option `ready: 'manual'`. Throws a `CoincideError` of code
   * `NotSent` if the names cannot be sent.
   */
  ready(): void;
  /**
   * Reports to main that the worker has failed, for example because its runtime cannot start. Every promise that main awaits from it rejects with a `CoincideError`
   * of code `Closed`; `cause` is `why` if that is an error. The worker itself keeps running.
   */
  fail(why: unknown): void;
  /** How the worker reaches main. */
  readonly tier: Tier;
  /** Whether memory is shared with main. */
  readonly native: boolean;
  /** Whether calls block. If not, they throw a `CoincideError` of code `CannotBlock` that says why, or return promises with `promises: true`. */
  readonly sync: boolean;
  /**
   * Marks objects to be moved, if passed as the last argument of a call. They cannot be used here afterwards. Ports, streams and canvases in arguments must be
   * marked, because they cannot be copied.
   *
   * @example
   * proxy.paint(pixels, transfer(pixels.buffer));
   */
  transfer<T extends Transferable[]>(...objects: T): Transferred<T>;
  /** Returns its argument, because values are copied. With `window`, it is `ffi.direct`. */
  direct<T>(value: T): T;
  /**
   * Throws if the running function is to stop: a `CoincideError` of code `Interrupted` or `Closed`, or an `AbortError`. The latter means that main has cancelled
   * the call that the function serves, by `timeout` or `signal`. Use it in long computations; it is cheap enough for every iteration of a loop.
   *
   * @example
   * for (const row of rows) {
   *   check();
   *   compute(row);
   * }
   */
  check(): void;
  /**
   * Blocks for a number of milliseconds, at least 0, without using a core. Throws as `check` does, and the reason of `signal` if that aborts. Calls from main
   * run during the sleep if the worker can block in calls (see `sync`). Otherwise they run after the worker has returned to its event loop.
   */
  sleep(milliseconds: number, limits?: { signal?: AbortSignal | undefined }): void;
  /** Calls a function of main without an answer. Its result and its errors are dropped. Throws a `DataCloneError` if an argument cannot be sent. */
  notify<Name extends NameOf<Functions>>(name: Name, ...args: Arguments<Functions[Name], S>): void;
}

/**
 * Attaches the worker to its link with main. Resolves when main has created or wrapped the worker. Rejects with a `CoincideError` if there is no link. Later calls
 * resolve with the same scope, and reject with a `CoincideError` of code `Options` if they pass other options.
 *
 * `coincide<Exports, Functions>()` types both directions: the functions that the worker exports, then those that main offers. Main uses the same order.
 *
 * @example
 * import coincide from 'coincide/worker';
 * const { proxy } = await coincide();
 * console.log(proxy.hello('PyScript'));
 * proxy.version = () => 42;
 */
export default function coincide(options?: WorkerOptions): Promise<Scope>;
/** Attaches the worker to its link with main, typed. Calls return promises if the worker cannot block, so `await` each result. */
export default function coincide<Exports extends Interface<Exports>, Functions extends Interface<Functions> = {}>(
  options: WorkerOptions & { promises: true },
): Promise<Scope<Exports, Functions, Either<Functions>, 'either'>>;
/**
 * Attaches the worker to its link with main, typed: the worker exports `Exports`, and main offers `Functions`.
 *
 * @example
 * // interface.ts, for both ends
 * export interface Exports { version(): number }
 * export interface Functions { hello(name: string): string }
 * // worker.ts
 * const { proxy } = await coincide<Exports, Functions>();
 * const greeting: string = proxy.hello('PyScript');
 * proxy.version = () => 42;
 */
export default function coincide<Exports extends Interface<Exports>, Functions extends Interface<Functions> = {}>(
  options?: WorkerOptions,
): Promise<Scope<Exports, Functions>>;
