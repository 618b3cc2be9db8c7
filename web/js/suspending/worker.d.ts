/**
 * The worker's side of coincide for an interpreter that suspends its stack (JSPI), with main's `window`. On tiers other than `suspending` it equals
 * `coincide/window/worker`.
 */
import type { FunctionsBeside, Interface, Untyped } from '../main.js';
import type { Either } from '../worker.js';
import type { Ffi, Scope as WindowScope, WorkerOptions } from '../window/worker.js';

export * from '../worker.js';
export { type WorkerOptions } from '../window/worker.js';

/** Reference of an object of main on the tier `suspending`. It has none of the object's properties; use `ffi` to read them. */
export interface MainObject {
  /** Kind of the object. */
  readonly kind: 'object' | 'array' | 'function';
}

/** Operations on objects of main, named after those of `Reflect`. Each takes one round trip. Objects of main among the values are `MainObject`s. */
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
  /** Calls a method. */
  invoke(target: MainObject, key: string | symbol, args: Iterable<unknown>): Promise<any>;
  /** Reads several properties. */
  getAll(target: MainObject, keys: Iterable<string | symbol>): Promise<any[]>;
}

/** `ffi` on the tier `suspending`: the functions of `Ffi`, which return promises of results of main, and `reflect`. */
export interface SuspendingFfi {
  /** `Object.assign` in one round trip. Resolves with `target`. */
  assign(target: MainObject, ...sources: unknown[]): Promise<MainObject>;
  /** The value at a path such as `a.b[0]["c"]`, or undefined if a part of the path does not exist. A symbol is a path of one key. */
  query(target: MainObject, path: string | symbol): Promise<any>;
  /** The values at several paths: see `query`. */
  gather(target: MainObject, ...paths: (string | symbol)[]): Promise<any[]>;
  /** Runs a function on main from its source, which sees no variables of the worker. The page's Content-Security-Policy must allow `unsafe-eval`. */
  evaluate(fn: ((...args: any[]) => unknown) | string, ...args: unknown[]): Promise<any>;
  /** Calls a method without waiting for an answer. Its result is dropped. If it throws, a later operation rejects with the error. */
  post(target: MainObject, name: string | symbol, ...args: unknown[]): void;
  /** Releases main's objects. Their references cannot be used afterwards. */
  dispose(...objects: MainObject[]): void;
  /** Copies a value, so that it is sent without references. Throws a `DataCloneError` if it cannot be copied. */
  direct: Ffi['direct'];
  /** `handles`: main's objects with references here. `held`: functions that main holds. `trips`: round trips so far. */
  sizes: Ffi['sizes'];
  /** Resolves or rejects as a promise of main does. */
  settled(promise: MainObject): Promise<any>;
  /** The operations of `Reflect`. */
  reflect: Reflected;
}

/** The result of `await coincide()` on tiers other than `suspending`. */
export interface Blocking<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> extends WindowScope<Exports, Functions, any, Either<Functions>, 'either'> {
  readonly tier: 'shared-memory' | 'service-worker' | 'messages';
  /** Returns `fn`. */
  enter<Fn extends (...args: any[]) => any>(fn: Fn): Fn;
}

/** The result of `await coincide()` on the tier `suspending`. Calls return promises; the interpreter suspends until they settle. */
export interface Suspending<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>>
  extends Omit<WindowScope<Exports, Functions, any, Either<Functions>, 'either'>, 'tier' | 'window' | 'ffi' | 'sleep'> {
  readonly tier: 'suspending';
  /** Main's `window`, or its option `root`. Use it with `ffi`. */
  readonly window: MainObject;
  /** Operations on objects of main, which return promises. */
  readonly ffi: SuspendingFfi;
  /**
   * Resolves after a number of milliseconds, at least 0. Rejects with a `CoincideError` of code `Interrupted` after an interrupt, and with an `AbortError` if main
   * cancels the call that it serves. Rejects with the reason of `signal` if that aborts.
   */
  sleep(milliseconds: number, limits?: { signal?: AbortSignal | undefined }): Promise<void>;
  /**
   * Wraps a function that enters the interpreter and returns a promise. While a call of it is pending, older entries stay suspended. Entries therefore end in
   * reverse order.
   *
   * @example
   * proxy.run = enter(source => interpreter.run(source));
   */
  enter<Args extends any[], Result>(fn: (...args: Args) => Promise<Result>): (...args: Args) => Promise<Result>;
}

/** The result of `await coincide()`: the property `tier` distinguishes the two. */
export type Scope<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> = Blocking<Exports, Functions> | Suspending<Exports, Functions>;

/**
 * Attaches the worker to its link with main. Resolves when main has created or wrapped the worker. Rejects with a `CoincideError` if there is no link.
 *
 * @example
 * import coincide from 'coincide/suspending/worker';
 * const { proxy, tier } = await coincide();
 * const suspending = fn => (tier === 'suspending' ? new WebAssembly.Suspending(fn) : fn);
 * const imports = { env: { input: suspending(n => proxy.input(n)) } };
 */
export default function coincide(options?: WorkerOptions): Promise<Scope>;
/** Attaches the worker to its link with main, typed: the worker exports `Exports`, and main offers `Functions`. */
export default function coincide<Exports extends Interface<Exports>, Functions extends Interface<Functions> = {}>(
  options?: WorkerOptions,
): Promise<Scope<Exports, Functions>>;
