/** The worker's side of coincide, with main's `window`. */
import type { RemoteProxy } from '../main.js';
import type { CoincideError, Scope as PlainScope, WorkerOptions as PlainOptions } from '../worker.js';

export { CoincideError };

export interface WorkerOptions extends PlainOptions {
  /** Milliseconds for which what was read may be kept. Default: what main's options say, or nothing is kept. */
  reflected_ffi_timeout?: number;
  /** Assignments travel without an answer, in order; what they throw, a later operation throws. Default: what main's options say. */
  lazy?: boolean;
}

/** Utilities that take one trip to main where the operations that they stand for take several. */
export interface Ffi {
  /** `Object.assign`. */
  assign<T extends object>(target: T, ...sources: any[]): T;
  /** A copy, of which nothing is a reference. What can't be copied is refused. */
  direct<T>(value: T): T;
  /** Runs a function on main, of which only the source goes there. The page's policy has to allow `unsafe-eval`. */
  evaluate<Args extends unknown[], Result>(fn: ((...args: Args) => Result) | string, ...args: Args): Result;
  /** What is at the end of each of the paths, as `query` has them; a symbol is a path too. */
  gather(target: object, ...paths: (string | symbol)[]): any[];
  /** The value at the end of a path such as `a.b[0]["c"]`; undefined if the path breaks off. */
  query(target: object, path: string | symbol): any;
  /** Calls a method without waiting, and without a result; what it throws, a later operation throws. */
  post(target: object, name: string | symbol, ...args: unknown[]): void;
  /** Has the assignments that `body` makes, and what it posts, carried out together. What is read has those before it carried out first. */
  batch<T>(body: () => T): T;
  /** Releases the objects behind these proxies, which can't be used any more. */
  dispose(...proxies: unknown[]): void;
  /** Number of main's objects with proxies here, of functions held for main, and of trips so far. */
  sizes(): { handles: number; held: number; trips: number };
}

/** `Root` is the type of what main hands out, such as `Window & typeof globalThis`. */
export interface Scope<Functions extends object = RemoteProxy, Root = any> extends PlainScope<Functions> {
  /** Main's `window`, or what main has given in its place. Where the worker can't block, using it throws an error that says why. */
  window: Root;
  /** Whether a value is a proxy of an object of main. */
  isWindowProxy(value: unknown): boolean;
  ffi: Ffi;
}

/** Takes up the link to main; once for each worker. */
export default function coincide<Functions extends object = RemoteProxy, Root = any>(
  options?: WorkerOptions,
): Promise<Scope<Functions, Root>>;
