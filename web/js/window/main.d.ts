/** Main's side of coincide with `window` for workers, on pages. For Node.js, see `main.node.d.ts`. */
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

export * from '../main.js';

/** The operations that a policy allows or refuses. */
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

/**
 * What workers may do with objects of main.
 *
 * @example
 * coincide({ allow: ['document.title', 'console.log'] });
 */
export interface WindowOptions {
  /** The worker's `window`. Any other object than the global one is behind a membrane: see `membrane`. Default: the global object. */
  root?: object | undefined;
  /**
   * What an untrusted worker may use: paths from the root, such as `'document.title'`, and objects. Objects along a path show only the listed keys. The value at
   * the end of a path, and a listed object, can be used fully. Default: no limits.
   */
  allow?: (string | symbol | object)[] | undefined;
  /**
   * Function called before each operation, with the arguments of the method of `Reflect` of the same name. If it returns `false`, the worker's operation throws a
   * `NotAllowedError`. It must be synchronous. It is not called for operations inside functions of main. Default: none.
   */
  policy?: ((operation: Operation, target: any, ...args: any[]) => boolean | void) | undefined;
  /** Whether the worker may evaluate source behind a membrane. Default `false`. */
  evaluate?: boolean | undefined;
  /** Whether the worker may import modules behind a membrane. Default `false`. */
  imports?: boolean | undefined;
  /** Function that `window.import` calls with the worker's address. Default: imports the module at the address, relative to the page. */
  import?: ((href: string) => unknown) | undefined;
  /**
   * Whether a membrane protects main's objects. It checks the form of operations, and withholds globals, documents and everything that acts on any object
   * (constructors, prototypes, `Reflect`, `eval`). Always on with `allow` or `policy`. Default: whether `root` is another object than the global one.
   */
  membrane?: boolean | undefined;
  /** Milliseconds for which the worker may cache read values, at least 0. Default: no cache. */
  reflected_ffi_timeout?: number | undefined;
  /** Whether the worker sends assignments without waiting for an answer. They run in order; if one throws, a later operation throws the error. Default `false`. */
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
  /** The utilities of the worker's `ffi` for main's own values, without round trips. */
  readonly ffi: {
    /** `Object.assign`. */
    assign<T extends object>(target: T, ...sources: any[]): T;
    /** Calls a function with a `this` of null. A string is compiled first. */
    evaluate<Args extends unknown[], Result>(fn: ((...args: Args) => Result) | string, ...args: Args): Result;
    /** The values at several paths: see `query`. */
    gather(target: object, ...paths: (string | symbol)[]): any[];
    /** The value at a path such as `a.b[0]["c"]`, or undefined if a part of the path does not exist. A symbol is a path of one key. */
    query(target: object, path: string | symbol): any;
    /** Marks a value to be sent to workers as a copy instead of a proxy, and returns it. */
    direct<T>(value: T): T;
    /** `held`: main's objects that the worker holds. `callbacks`: the worker's functions that main holds. */
    sizes(): { held: number; callbacks: number };
  };
}

/** A worker with a link to this main, and `window`. */
export type CoincideWorker<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> = PlainWorker<Exports, Functions> &
  Link<Exports, Functions>;

/** The result of `coincide()` on main. */
export interface Main<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> extends Omit<PlainMain<Exports, Functions>, 'Worker' | 'wrap'> {
  /**
   * Adds a link to a worker, shares main's objects with it, and returns the same worker. Returns a worker that has a link unchanged. Throws a `TypeError` for
   * anything else than a worker. Throws a `CoincideError`:
   *
   * - `NoTier` or `NameTaken` if the options cannot be met.
   * - `Options` if the worker was wrapped with other options.
   * - `Copies` if another copy or entry of coincide has wrapped it.
   *
   * @example
   * const worker = coincide().wrap(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
   */
  wrap<W extends AnyWorker>(worker: W, options?: WrapOptions): W & Link<Exports, Functions>;
  /** Typed for this worker: it exports `Own`, and main offers `ForIt`. */
  wrap<Own extends Interface<Own>, ForIt extends Interface<ForIt> = {}>(worker: PageWorker, options?: WrapOptions): CoincideWorker<Own, ForIt>;
  /** The class of workers with a link to this main, and `window`. Most bundlers recognize only the global `Worker`: use `wrap` with them. */
  Worker: {
    /** Creates a worker with a link. Throws a `CoincideError` of code `NoTier` or `NameTaken` if the options cannot be met. */
    new (url: string | URL, options?: WorkerOptions): CoincideWorker<Exports, Functions>;
    /** Typed for this worker: it exports `Own`, and main offers `ForIt`. */
    new <Own extends Interface<Own>, ForIt extends Interface<ForIt> = {}>(url: string | URL, options?: WorkerOptions): CoincideWorker<Own, ForIt>;
  };
}

/**
 * Creates main's side. Workers use main's `window` and call functions of main, and main awaits functions of its workers.
 *
 * @example
 * import coincide from 'coincide/window/main';
 * coincide().wrap(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
 */
export default function coincide(options?: MainOptions): Main;
/** Creates main's side, typed: the worker exports `Exports`, and main offers `Functions`. The worker uses the same order. */
export default function coincide<Exports extends Interface<Exports>, Functions extends Interface<Functions> = {}>(options?: MainOptions): Main<Exports, Functions>;
