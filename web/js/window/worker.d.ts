/** The worker's side of coincide, with main's `window`. */
import type { Blocking, FunctionsBeside, Interface, Untyped } from '../main.js';
import type { Side } from '../objects.js';
import type { Either, Scope as PlainScope, WorkerOptions as PlainOptions } from '../worker.js';

export { CoincideError, callback, dispose, expose, stream, type Stream, type Streamed, type Callback, type Exposed, type Handles, type Remote, type RemoteCallback, type CoincideErrorCode, type Either, type Limits, type WorkerProxy } from '../worker.js';

/** A method of an event that main calls at once, before the worker's listener: see `docs/guides/window.md`. */
export type Invoke = 'preventDefault' | 'stopPropagation' | 'stopImmediatePropagation';

declare global {
  interface AddEventListenerOptions {
    /** For listeners of a worker on objects of main: what main calls on the event at once, since the worker may be too late for it. */
    invoke?: Invoke | readonly Invoke[] | undefined;
  }
}

/** Options of `coincide()` in a worker. */
export interface WorkerOptions extends PlainOptions {
  /** Milliseconds for which read values may be cached. Default: main's option, or no cache. */
  reflected_ffi_timeout?: number | undefined;
  /** Assignments don't wait for an answer. They are carried out in order; if one throws, a later operation throws the error. Default: main's option. */
  lazy?: boolean | undefined;
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
  /** Sends the assignments and `post`s of `body` together. A read in `body` sends the preceding ones first. */
  batch<T>(body: () => T): T;
  /** Releases the objects behind these proxies, which can't be used any more. */
  dispose(...proxies: unknown[]): void;
  /** Number of main's objects with proxies here, of functions held for main, and of trips so far. */
  sizes(): { handles: number; held: number; trips: number };
}

/** The page's `window`, if the program has the types of the DOM; otherwise anything. */
export type Page = typeof globalThis extends { Window: { prototype: infer W } } ? W & typeof globalThis : any;

/** The default type of `window`: `any` without interfaces, otherwise `Page`. */
export type PageBeside<Exports> = string extends keyof Exports ? any : Page;

/** The result of `await coincide()` in a worker. `Root` is the type of main's root object: that of a page, or of main's option `root`. */
export interface Scope<
  Exports extends object = Untyped,
  Functions extends object = FunctionsBeside<Exports>,
  Root = PageBeside<Exports>,
  Calls = Blocking<Functions>,
  S extends Side = 'worker',
> extends PlainScope<Exports, Functions, Calls, S> {
  /**
   * Main's `window`, or its option `root`. Each operation on it runs on main and blocks until main has answered. If the worker can't block, using it throws a
   * `CoincideError` of code `CannotBlock`.
   *
   * @example
   * window.document.body.append('from a worker');
   */
  window: Root & {
    /** Imports a module on main, relative to the page. */
    import(href: string): Promise<any>;
  };
  /** Whether a value is a proxy of an object of main. */
  isWindowProxy(value: unknown): boolean;
  /** Utilities that take one trip to main instead of several. */
  ffi: Ffi;
}

/**
 * The worker's side: attaches the worker to its link with main.
 *
 * @example
 * import coincide from 'coincide/window/worker';
 * const { window } = await coincide();
 * window.document.body.append('from a worker');
 */
export default function coincide(options?: WorkerOptions): Promise<Scope>;
/** The worker's side, typed, where calls return promises if the worker cannot block: `await` takes either. */
export default function coincide<Exports extends Interface<Exports>, Functions extends Interface<Functions> = {}, Root = Page>(
  options: WorkerOptions & { promises: true },
): Promise<Scope<Exports, Functions, Root, Either<Functions>, 'either'>>;
/** The worker's side, typed: `Exports` is what the worker exports, `Functions` what main offers to it, `Root` the type of `window`. The order is the same on main. */
export default function coincide<Exports extends Interface<Exports>, Functions extends Interface<Functions> = {}, Root = Page>(
  options?: WorkerOptions,
): Promise<Scope<Exports, Functions, Root>>;
