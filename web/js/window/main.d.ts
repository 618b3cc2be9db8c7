/** Main's side of coincide, with `window` for the worker, on pages. In Node.js, `main.node.d.ts` takes its place. */
import type {
  AnyWorker,
  CoincideWorker as PlainWorker,
  FunctionsBeside,
  Interface,
  Link as PlainLink,
  Main as PlainMain,
  MainOptions as PlainOptions,
  PageWorker,
  Untyped,
  WorkerOptions as PlainWorkerOptions,
  WrapOptions as PlainWrapOptions,
} from '../main.js';

export {
  CoincideError,
  callback,
  dispose,
  expose,
  stream,
  type Stream,
  type Streamed,
  type Callback,
  type Exposed,
  type Handles,
  type Remote,
  type RemoteCallback,
  type AnyWorker,
  type CoincideErrorCode,
  type Diagnosis,
  type Interface,
  type Limits,
  type MainProxy,
  type PageWorker,
  pool,
  type Pool,
  type PoolLimits,
  type PoolOptions,
  type Tier,
  type Transferred,
  type Untyped,
} from '../main.js';

/** The operations that a policy judges. */
export type Operation =
  | 'get'
  | 'set'
  | 'has'
  | 'deleteProperty'
  | 'ownKeys'
  | 'getOwnPropertyDescriptor'
  | 'defineProperty'
  | 'getPrototypeOf'
  | 'setPrototypeOf'
  | 'isExtensible'
  | 'preventExtensions'
  | 'apply'
  | 'construct'
  | 'evaluate';

/** What a worker may do with objects of main. */
export interface WindowOptions {
  /** The worker's `window`. Default: the global object. Another one is behind a membrane: see `membrane`. */
  root?: object | undefined;
  /**
   * What an untrusted worker may use: paths from the root, such as `'document.title'`, and objects. Objects along a path have only the listed keys;
   * the value at its end is open.
   */
  allow?: (string | symbol | object)[] | undefined;
  /**
   * Called before each operation, with the arguments of the method of `Reflect` that has its name. If it returns `false`, the
   * worker receives a `NotAllowedError`. It is not called for what functions of main do themselves.
   */
  policy?: ((operation: Operation, target: any, ...args: any[]) => boolean | void) | undefined;
  /** Whether the worker may evaluate source behind a membrane. Default `false`. */
  evaluate?: boolean | undefined;
  /** Whether the worker may import modules behind a membrane. Default `false`. */
  imports?: boolean | undefined;
  /** What `window.import` calls, with the address that the worker gives. Default: imports the module, relative to the page. */
  import?: ((href: string) => unknown) | undefined;
  /**
   * Whether operations are checked for their form, and globals, documents and tools that act on any object (constructors, prototypes, `Reflect`, `eval`) are not handed out. Default: whether
   * there is a `root` other than the global object. With `allow` or `policy` there is always a membrane.
   */
  membrane?: boolean | undefined;
  /** Milliseconds for which the worker may cache read values. Default: no cache. */
  reflected_ffi_timeout?: number | undefined;
  /** Assignments of the worker don't wait for an answer. They are carried out in order; if one throws, a later operation throws the error. Default `false`. */
  lazy?: boolean | undefined;
}

/** Options of `coincide()` on main. Those of `WindowOptions` apply to workers that have none of their own. */
export interface MainOptions extends PlainOptions, WindowOptions {}

/** Options of `wrap`. */
export interface WrapOptions extends PlainWrapOptions, WindowOptions {}

/** Options of `new Worker`: those of `wrap`, and the platform's own. */
export interface WorkerOptions extends PlainWorkerOptions, WindowOptions {}

/** The members that a link adds to the platform's worker. */
export interface Link<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> extends PlainLink<Exports, Functions> {
  /** Utilities of the worker's `ffi` for main's own values. They take no trips. */
  readonly ffi: {
    /** `Object.assign`. */
    assign<T extends object>(target: T, ...sources: any[]): T;
    /** Calls a function with a `this` of null, or compiles its source and calls that. */
    evaluate<Args extends unknown[], Result>(fn: ((...args: Args) => Result) | string, ...args: Args): Result;
    /** The values at the ends of several paths of `query`. A symbol is a path of one key. */
    gather(target: object, ...paths: (string | symbol)[]): any[];
    /** The value at the end of a path such as `a.b[0]["c"]`; undefined if the path breaks off. */
    query(target: object, path: string | symbol): any;
    /** Marks a value to be copied to workers, where it would be a proxy otherwise. */
    direct<T>(value: T): T;
    /** Number of main's objects that the worker holds, and of the worker's functions that main holds. */
    sizes(): { held: number; callbacks: number };
  };
}

/** A worker that has a link to this main, and main's objects. */
export type CoincideWorker<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> = PlainWorker<Exports, Functions> &
  Link<Exports, Functions>;

/** What `coincide()` returns on main. */
export interface Main<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> extends Omit<PlainMain<Exports, Functions>, 'Worker' | 'wrap'> {
  /**
   * Adds a link and main's objects to a worker, and returns that very worker. Wrapping a worker twice returns it unchanged.
   *
   * @example
   * const worker = coincide().wrap(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
   */
  wrap<W extends AnyWorker>(worker: W, options?: WrapOptions): W & Link<Exports, Functions>;
  /** The same for a worker with interfaces of its own. */
  wrap<Own extends Interface<Own>, ForIt extends Interface<ForIt> = {}>(worker: PageWorker, options?: WrapOptions): CoincideWorker<Own, ForIt>;
  /** The class of workers that have a link to this main, and main's objects. Most bundlers recognize only the global `Worker`: see `wrap`. */
  Worker: {
    new (url: string | URL, options?: WorkerOptions): CoincideWorker<Exports, Functions>;
    /** A worker with interfaces of its own. */
    new <Own extends Interface<Own>, ForIt extends Interface<ForIt> = {}>(url: string | URL, options?: WorkerOptions): CoincideWorker<Own, ForIt>;
  };
}

/**
 * Main's side: starts workers that use main's `window`, whose functions main awaits, and which call main's functions.
 *
 * @example
 * import coincide from 'coincide/window/main';
 * coincide().wrap(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
 */
export default function coincide(options?: MainOptions): Main;
/** Main's side, typed: `Exports` is what the worker exports, `Functions` what main offers to it. The order is the same in the worker. */
export default function coincide<Exports extends Interface<Exports>, Functions extends Interface<Functions> = {}>(options?: MainOptions): Main<Exports, Functions>;
