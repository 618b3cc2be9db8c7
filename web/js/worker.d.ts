/** The worker's side of coincide. */
import type { Arguments, Awaiting, Blocking, FunctionsBeside, Interface, Limits as MainLimits, NameOf, Options, Registered, Tier, Transferable, Transferred, Untyped, Used } from './main.js';

import type { Handles, Later, Side } from './objects.js';

export { CoincideError, type CoincideErrorCode, type Transferable } from './main.js';
export { callback, dispose, expose, stream, type Callback, type Exposed, type Handles, type Remote, type RemoteCallback, type Stream, type Streamed } from './objects.js';

/** Options of `coincide()` in a worker. */
export interface WorkerOptions extends Options {
  /** `'manual'`: the worker is ready when it calls `ready()`, not by itself after its own code has run. */
  ready?: 'manual' | undefined;
}

/** Limits of calls. */
export interface Limits extends MainLimits {
  /** Calls return promises instead of blocking. This works on every tier, and allows several calls in flight. */
  promise?: boolean | undefined;
}

/** The functions of an interface as a worker with `promises: true` calls them: use `await`, since a call returns a promise where the worker cannot block. */
export type Either<T> = string extends keyof T
  ? Untyped
  : { readonly [K in keyof T]-?: Used<NonNullable<T[K]>, 'either'> };

/**
 * A worker's proxy of main: reads call main's `Functions`, with the results of `Calls`; assignments register the worker's `Exports`. `S` selects how calls of received callbacks return: `'either'`
 * with `promises: true`.
 */
export type WorkerProxy<Exports, Functions, Calls = Blocking<Functions>, S extends Side = 'worker'> = Calls & Registered<Exports, S>;

/** The result of `await coincide()` in a worker. */
export interface Scope<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>, Calls = Blocking<Functions>, S extends Side = 'worker'> {
  /**
   * The functions of main. A call blocks until main has answered and returns the result, awaited if it is a promise; where the worker cannot block (see `sync`), it
   * throws a `CoincideError` of code `CannotBlock`. It throws what the function throws. An argument that cannot be sent throws a `DataCloneError`. Setting a
   * property exports a function to main; deleting one removes it.
   *
   * @example
   * console.log(proxy.hello('PyScript'));
   * proxy.version = () => 42;
   */
  proxy: WorkerProxy<Exports, Functions, Calls, S>;
  /**
   * The proxy with limits on its calls, which return promises.
   *
   * @example
   * const [a, b] = await Promise.all([later.load('a'), later.load('b')]); // with `later = within({ promise: true })`
   */
  within(limits: Limits & { promise: true }): WorkerProxy<Exports, Functions, Awaiting<Functions>, S>;
  /** The proxy with limits on its calls. */
  within(limits: Limits & { promise?: false | undefined }): WorkerProxy<Exports, Functions, Calls, S>;
  /** A callback, exposed object or stream of main, with limits on its calls, which return promises. */
  within<T extends object>(limits: Limits & { promise: true }, received: T): Later<T>;
  /** The same without promises. */
  within<T extends object>(limits: Limits, received: T): T;
  /** Number of callbacks, objects, streams and signals of this worker that main holds, and of main's that this worker holds. */
  handles(): Handles;
  /** Tells main that the worker is ready. */
  ready(): void;
  /**
   * Tells main that the worker has failed, such as when its runtime cannot start: everything that main awaits from it rejects, with `why` as the
   * `cause` if that is an error. The worker itself keeps running.
   */
  fail(why: unknown): void;
  /** How the worker reaches main. */
  tier: Tier;
  /** Whether memory is shared with main. */
  native: boolean;
  /** Whether calls block. If not, they throw an error that says why, or return promises under `promises: true`. */
  sync: boolean;
  /**
   * As last argument of a call: these buffers, ports, streams and the like move, and cannot be used here any more. A port, a stream or a canvas in the arguments has to be
   * one of them.
   */
  transfer<T extends Transferable[]>(...objects: T): Transferred<T>;
  /** Returns its argument: values are copied anyway. */
  direct<T>(value: T): T;
  /**
   * Throws if the worker is to stop: a `CoincideError` of code `Interrupted` or `Closed`; an `AbortError` if main has ended the call that
   * the running function serves, by `timeout` or `signal`. For long computations; cheap enough to be called often.
   *
   * @example
   * for (const row of rows) {
   *   check();
   *   compute(row);
   * }
   */
  check(): void;
  /**
   * Sleeps for a number of milliseconds, at least 0, without using a core. An interrupt ends it with an error, and so does the end of the call that it sleeps for
   * (see `check`). Calls from main run during the sleep, except where the worker cannot block in calls (see `sync`): there they wait until the worker
   * returns to its event loop. If `signal` aborts, it ends with the signal's reason.
   */
  sleep(milliseconds: number, limits?: { signal?: AbortSignal | undefined }): void;
  /** Calls a function of main without waiting. */
  notify<Name extends NameOf<Functions>>(name: Name, ...args: Arguments<Functions[Name], S>): void;
}

/**
 * The worker's side: attaches the worker to its link with main.
 *
 * `coincide<Exports, Functions>()` types both directions, here and on main, in the same order: what the worker exports, then what main offers.
 *
 * @example
 * import coincide from 'coincide/worker';
 * const { proxy } = await coincide();
 * console.log(proxy.hello('PyScript'));
 * proxy.version = () => 42;
 */
export default function coincide(options?: WorkerOptions): Promise<Scope>;
/** The worker's side, typed, where calls return promises if the worker cannot block: `await` takes either. */
export default function coincide<Exports extends Interface<Exports>, Functions extends Interface<Functions> = {}>(
  options: WorkerOptions & { promises: true },
): Promise<Scope<Exports, Functions, Either<Functions>, 'either'>>;
/**
 * The worker's side, typed: `Exports` is what the worker exports, `Functions` what main offers to it.
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
