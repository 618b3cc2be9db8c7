/** Main's side of coincide, with `window` for the worker. */
import type {
  CoincideError,
  CoincideWorker as PlainWorker,
  Main as PlainMain,
  MainOptions as PlainOptions,
  RemoteProxy,
  WorkerOptions as PlainWorkerOptions,
} from '../main.js';

export { CoincideError };

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
  /** The worker's `window`. Default: the global object. Another one is behind a wall: see `wall`. */
  root?: object;
  /**
   * What an untrusted worker may use: paths from the root, such as `'document.title'`, and objects. Objects along a path have only the listed keys;
   * the value at its end is open.
   */
  allow?: (string | symbol | object)[];
  /**
   * Is called before each operation, with the arguments of the method of `Reflect` that has its name. If it returns `false`, the
   * worker receives a `NotAllowedError`. It is not called for what functions of main do themselves.
   */
  policy?: (operation: Operation, target: any, ...args: any[]) => boolean | void;
  /** Whether the worker may evaluate source behind a wall. Default `false`. */
  evaluate?: boolean;
  /** Whether the worker may import modules behind a wall. Default `false`. */
  imports?: boolean;
  /**
   * Whether operations are checked for their form, and globals, documents and tools that act on any object (constructors, prototypes, `Reflect`, `eval`) are not handed out. Default: whether
   * there is a `root` other than the global object. With `allow` or `policy` there is always a wall.
   */
  wall?: boolean;
  /** Milliseconds for which the worker may cache read values. Default: no cache. */
  reflected_ffi_timeout?: number;
  /** Assignments of the worker don't wait for an answer. They are carried out in order; if one throws, a later operation throws the error. Default `false`. */
  lazy?: boolean;
}

export interface MainOptions extends PlainOptions, WindowOptions {}

export interface WorkerOptions extends PlainWorkerOptions, WindowOptions {}

export interface CoincideWorker<Exports extends object = RemoteProxy> extends PlainWorker<Exports> {
  readonly ffi: {
    /** Marks a value to be copied to workers, where it would be a proxy otherwise. */
    direct<T>(value: T): T;
    /** Number of main's objects that the worker holds, and of the worker's functions that main holds. */
    sizes(): { held: number; callbacks: number };
  };
}

export interface Main extends Omit<PlainMain, 'Worker'> {
  /** A worker that has a link to this main, and main's objects. */
  Worker: {
    new <Exports extends object = RemoteProxy>(url: string | URL, options?: WorkerOptions): CoincideWorker<Exports>;
  };
}

export default function coincide(options?: MainOptions): Main;
