/** The worker's side of coincide, with main's `window`. */
import type { RemoteProxy } from '../main.js';
import type { CoincideError, Scope as PlainScope, WorkerOptions as PlainOptions } from '../worker.js';

export { CoincideError };

export interface WorkerOptions extends PlainOptions {
  /** Milliseconds for which read values may be cached. Default: main's option, or no cache. */
  reflected_ffi_timeout?: number;
  /** Assignments don't wait for an answer. They are carried out in order; if one throws, a later operation throws the error. Default: main's option. */
  lazy?: boolean;
}

/** Utilities that take one trip to main instead of several. */
export interface Ffi {
  /** `Object.assign`. */
  assign<T extends object>(target: T, ...sources: any[]): T;
  /** Marks a value to be sent as a copy, without references. Values that can't be copied are refused. */
  direct<T>(value: T): T;
  /** Runs a function on main, from its source. The page's policy has to allow `unsafe-eval`. */
  evaluate<Args extends unknown[], Result>(fn: ((...args: Args) => Result) | string, ...args: Args): Result;
  /** The values at the ends of several paths of `query`. A symbol is a path of one key. */
  gather(target: object, ...paths: (string | symbol)[]): any[];
  /** The value at the end of a path such as `a.b[0]["c"]`; undefined if the path breaks off. */
  query(target: object, path: string | symbol): any;
  /** Calls a method without waiting for its result. If it throws, a later operation throws the error. */
  post(target: object, name: string | symbol, ...args: unknown[]): void;
  /** Sends the assignments and posts of `body` together. A read in it sends the preceding ones first. */
  batch<T>(body: () => T): T;
  /** Releases the objects behind these proxies, which can't be used any more. */
  dispose(...proxies: unknown[]): void;
  /** Number of main's objects with proxies here, of functions held for main, and of trips so far. */
  sizes(): { handles: number; held: number; trips: number };
}

/** `Root` is the type of main's root object, such as `Window & typeof globalThis`. */
export interface Scope<Functions extends object = RemoteProxy, Root = any> extends PlainScope<Functions> {
  /** Main's `window`, or its option `root`. If the worker can't block, using it throws an error with the reason. */
  window: Root;
  /** Whether a value is a proxy of an object of main. */
  isWindowProxy(value: unknown): boolean;
  ffi: Ffi;
}

/** Attaches the worker to its link with main. May be called once in each worker. */
export default function coincide<Functions extends object = RemoteProxy, Root = any>(
  options?: WorkerOptions,
): Promise<Scope<Functions, Root>>;
