/** The worker's side of coincide for an interpreter that suspends its stack (JSPI), with main's `window`. On other tiers it is the same as `coincide/window/worker`. */
import type { FunctionsBeside, Interface, Untyped } from '../main.js';
import type { Either } from '../worker.js';
import type { Ffi, Scope as WindowScope, WorkerOptions } from '../window/worker.js';

export { CoincideError, callback, dispose, expose, stream, type Stream, type Streamed, type Callback, type Exposed, type Handles, type Remote, type RemoteCallback, type CoincideErrorCode, type Either, type Limits, type WorkerProxy } from '../worker.js';
export { type WorkerOptions } from '../window/worker.js';

/** Reference of an object of main on the tier `suspending`. It has no properties of that object, so inspecting it takes no round trip. */
export interface MainObject {
  readonly kind: 'object' | 'array' | 'function';
}

/** Operations on objects of main, named as those of `Reflect`. Objects among the values are `MainObject`s. */
export interface Reflected {
  get(target: MainObject, key: string | symbol): Promise<any>;
  set(target: MainObject, key: string | symbol, value: unknown): Promise<boolean>;
  has(target: MainObject, key: string | symbol): Promise<boolean>;
  deleteProperty(target: MainObject, key: string | symbol): Promise<boolean>;
  ownKeys(target: MainObject): Promise<(string | symbol)[]>;
  getOwnPropertyDescriptor(target: MainObject, key: string | symbol): Promise<PropertyDescriptor | undefined>;
  defineProperty(target: MainObject, key: string | symbol, descriptor: PropertyDescriptor): Promise<boolean>;
  getPrototypeOf(target: MainObject): Promise<any>;
  apply(target: MainObject, self: unknown, args: Iterable<unknown>): Promise<any>;
  construct(target: MainObject, args: Iterable<unknown>): Promise<any>;
  /** Calls a method, in one round trip. */
  invoke(target: MainObject, key: string | symbol, args: Iterable<unknown>): Promise<any>;
  /** Reads several properties, in one round trip. */
  getAll(target: MainObject, keys: Iterable<string | symbol>): Promise<any[]>;
}

/** `ffi` on the tier `suspending`: the functions of `Ffi`, which return promises, and operations that replace the proxies of `window`. */
export interface SuspendingFfi {
  assign(target: MainObject, ...sources: unknown[]): Promise<MainObject>;
  query(target: MainObject, path: string | symbol): Promise<any>;
  gather(target: MainObject, ...paths: (string | symbol)[]): Promise<any[]>;
  evaluate(fn: ((...args: any[]) => unknown) | string, ...args: unknown[]): Promise<any>;
  post(target: MainObject, name: string | symbol, ...args: unknown[]): void;
  dispose(...objects: MainObject[]): void;
  direct: Ffi['direct'];
  sizes: Ffi['sizes'];
  /** Waits for a promise of main. */
  settled(promise: MainObject): Promise<any>;
  reflect: Reflected;
}

/** The result of `await coincide()` on the other tiers. */
export interface Blocking<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> extends WindowScope<Exports, Functions, any, Either<Functions>> {
  tier: 'shared-memory' | 'service-worker' | 'messages';
  /** Returns its argument. */
  enter<Fn extends (...args: any[]) => any>(fn: Fn): Fn;
}

/** The result of `await coincide()` on the tier `suspending`. Calls return promises; the interpreter suspends until they settle. */
export interface Suspending<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>>
  extends Omit<WindowScope<Exports, Functions, any, Either<Functions>>, 'tier' | 'window' | 'ffi' | 'sleep'> {
  tier: 'suspending';
  /** Main's `window`, or its option `root`, for operations of `ffi`. */
  window: MainObject;
  ffi: SuspendingFfi;
  /** Resolves after a number of milliseconds. Rejects after an interrupt, and with the reason of `signal` if that aborts. */
  sleep(milliseconds: number, limits?: { signal?: AbortSignal | undefined }): Promise<void>;
  /**
   * Wraps a function that enters the interpreter and returns a promise. While a call of it is pending, older entries stay suspended: entries end in
   * reverse order.
   */
  enter<Args extends any[], Result>(fn: (...args: Args) => Promise<Result>): (...args: Args) => Promise<Result>;
}

/**
 * The worker's side: attaches the worker to its link with main.
 *
 * @example
 * import coincide from 'coincide/suspending/worker';
 * const { proxy, tier } = await coincide();
 * const suspending = fn => (tier === 'suspending' ? new WebAssembly.Suspending(fn) : fn);
 * const imports = { env: { input: suspending(n => proxy.input(n)) } };
 */
export default function coincide(options?: WorkerOptions): Promise<Blocking | Suspending>;
/** The worker's side, typed: `Exports` is what the worker exports, `Functions` what main offers to it. */
export default function coincide<Exports extends Interface<Exports>, Functions extends Interface<Functions> = {}>(options?: WorkerOptions): Promise<Blocking<Exports, Functions> | Suspending<Exports, Functions>>;
