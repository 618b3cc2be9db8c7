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

/** What a policy is asked about. */
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
  /** What the worker has as `window`. Default: the global object. Another one is behind a wall: see `wall`. */
  root?: object;
  /**
   * What a worker that is not trusted may use: paths from the root, such as `'document.title'`, and objects. Objects on the way of a path show no more than the list;
   * what is at its end is open.
   */
  allow?: (string | symbol | object)[];
  /**
   * Sees each operation before it is carried out, with the arguments of the method of `Reflect` that has its name; if it gives `false`, the
   * worker gets a `NotAllowedError`. It sees what goes through objects of main, not what their own functions do.
   */
  policy?: (operation: Operation, target: any, ...args: any[]) => boolean | void;
  /** Whether the worker may evaluate source behind a wall. Default `false`. */
  evaluate?: boolean;
  /** Whether the worker may import modules behind a wall. Default `false`. */
  imports?: boolean;
  /**
   * Whether operations are checked for their form, and globals, documents and what acts on any object (constructors, prototypes, `Reflect`, `eval`) are kept back. Default: whether
   * there is a `root` other than the global object. With `allow` or `policy` there is always a wall.
   */
  wall?: boolean;
  /** Milliseconds for which the worker may keep what it has read. Default: nothing is kept. */
  reflected_ffi_timeout?: number;
  /** Assignments of the worker travel without an answer, in order; what they throw, a later operation throws. Default `false`. */
  lazy?: boolean;
}

export interface MainOptions extends PlainOptions, WindowOptions {}

export interface WorkerOptions extends PlainWorkerOptions, WindowOptions {}

export interface CoincideWorker<Exports extends object = RemoteProxy> extends PlainWorker<Exports> {
  readonly ffi: {
    /** Marks a value to be copied to workers, where it would be a proxy otherwise. */
    direct<T>(value: T): T;
    /** How many objects of main the worker holds, and how many of its functions main holds. */
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
