/** The worker's side of coincide, with main's `window`. */
import type { Blocking, FunctionsBeside, Interface, Untyped } from '../main.js';
import type { Side } from '../objects.js';
import type { Either, Scope as PlainScope, WorkerOptions as PlainOptions } from '../worker.js';

export * from '../worker.js';

/** A method of an event that main calls before the worker's listener: see `docs/guides/window.md`. */
export type Invoke = 'preventDefault' | 'stopPropagation' | 'stopImmediatePropagation';

declare global {
  interface AddEventListenerOptions {
    /** Methods that main calls on the event when it is dispatched, because a worker's listener on an object of main runs later. Ignored by other listeners. */
    invoke?: Invoke | readonly Invoke[] | undefined;
  }
}

/** Options of `coincide()` in a worker. */
export interface WorkerOptions extends PlainOptions {
  /** Milliseconds for which read values may be cached, at least 0. Default: main's option, or no cache. */
  reflected_ffi_timeout?: number | undefined;
  /** Whether assignments are sent without waiting for an answer. They run in order; if one throws, a later operation throws the error. Default: main's option. */
  lazy?: boolean | undefined;
}

/** Utilities that take one round trip to main instead of several. */
export interface Ffi {
  /** `Object.assign` in one round trip. */
  assign<T extends object>(target: T, ...sources: any[]): T;
  /** Copies a value, so that it is sent without references. Throws a `DataCloneError` if it cannot be copied. */
  direct<T>(value: T): T;
  /**
   * Runs a function on main from its source, which sees no variables of the worker. The page's Content-Security-Policy must allow `unsafe-eval`.
   *
   * @example
   * const width = ffi.evaluate(() => document.body.clientWidth);
   */
  evaluate<Args extends unknown[], Result>(fn: ((...args: Args) => Result) | string, ...args: Args): Result;
  /** The values at several paths: see `query`. */
  gather(target: object, ...paths: (string | symbol)[]): any[];
  /** The value at a path such as `a.b[0]["c"]`, or undefined if a part of the path does not exist. A symbol is a path of one key. */
  query(target: object, path: string | symbol): any;
  /** Calls a method without waiting for an answer. Its result is dropped. If it throws, a later operation throws the error. */
  post(target: object, name: string | symbol, ...args: unknown[]): void;
  /**
   * Sends the assignments and `post` calls of `body` in one round trip, and returns the result of `body`. A read in `body` sends the preceding ones first.
   *
   * @example
   * ffi.batch(() => {
   *   style.left = `${x}px`;
   *   style.top = `${y}px`;
   * });
   */
  batch<T>(body: () => T): T;
  /** Releases main's objects behind proxies. The proxies cannot be used afterwards. */
  dispose(...proxies: unknown[]): void;
  /** `handles`: main's objects with proxies here. `held`: functions that main holds. `trips`: round trips so far. */
  sizes(): { handles: number; held: number; trips: number };
}

/** The page's `window`, if the program has the types of the DOM; otherwise `any`. */
export type Page = typeof globalThis extends { Window: { prototype: infer W } } ? W & typeof globalThis : any;

/** The default type of `window`: `any` without interfaces, otherwise `Page`. */
export type PageBeside<Exports> = string extends keyof Exports ? any : Page;

/** The result of `await coincide()` in a worker. `Root` is the type of `window`: that of a page, or of main's option `root`. */
export interface Scope<
  Exports extends object = Untyped,
  Functions extends object = FunctionsBeside<Exports>,
  Root = PageBeside<Exports>,
  Calls = Blocking<Functions>,
  S extends Side = 'worker',
> extends PlainScope<Exports, Functions, Calls, S> {
  /**
   * Main's `window`, or its option `root`. Each operation on it runs on main and blocks until main has answered. Throws a `CoincideError` of code `CannotBlock` if
   * the worker cannot block, and a `NotAllowedError` for operations that main's options do not allow.
   *
   * @example
   * window.document.body.append('from a worker');
   */
  readonly window: Root & {
    /** Imports a module on main. The address is relative to the page. */
    import(href: string): Promise<any>;
  };
  /** Whether a value is a proxy of an object of main. */
  isWindowProxy(value: unknown): boolean;
  /** Utilities that take one round trip to main instead of several. */
  readonly ffi: Ffi;
}

/**
 * Attaches the worker to its link with main. Resolves when main has created or wrapped the worker. Rejects with a `CoincideError` if there is no link.
 *
 * @example
 * import coincide from 'coincide/window/worker';
 * const { window } = await coincide();
 * window.document.body.append('from a worker');
 */
export default function coincide(options?: WorkerOptions): Promise<Scope>;
/** Attaches the worker to its link with main, typed. Calls return promises if the worker cannot block, so `await` each result. */
export default function coincide<Exports extends Interface<Exports>, Functions extends Interface<Functions> = {}, Root = Page>(
  options: WorkerOptions & { promises: true },
): Promise<Scope<Exports, Functions, Root, Either<Functions>, 'either'>>;
/** Attaches the worker to its link with main, typed: the worker exports `Exports`, main offers `Functions`, and `window` is of the type `Root`. */
export default function coincide<Exports extends Interface<Exports>, Functions extends Interface<Functions> = {}, Root = Page>(
  options?: WorkerOptions,
): Promise<Scope<Exports, Functions, Root>>;
