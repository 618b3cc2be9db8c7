/** Main's side of coincide, with `window` for the worker, in Node.js: workers are those of `node:worker_threads`. */
import type { AnyWorker, FunctionsBeside, Interface, Main as PlainMain, Untyped } from '../main.js';
import type { NodeWorker, WorkerOptions as PlainWorkerOptions } from '../main.node.js';
import type { Link, MainOptions, WindowOptions, WrapOptions } from './main.js';

export * from './main.js';

/** Options of `new Worker`: those of `wrap`, and those of `node:worker_threads`. */
export interface WorkerOptions extends PlainWorkerOptions, WindowOptions {}

/** A worker that has a link to this main, and main's objects. */
export type CoincideWorker<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> = NodeWorker & Link<Exports, Functions>;

/** What `coincide()` returns on main. */
export interface Main<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> extends Omit<PlainMain<Exports, Functions>, 'Worker' | 'wrap'> {
  /**
   * Adds a link and main's objects to a worker, and returns that very worker. Wrapping a worker twice returns it unchanged.
   *
   * @example
   * import { Worker } from 'node:worker_threads';
   * const worker = coincide().wrap(new Worker(new URL('./worker.js', import.meta.url)));
   */
  wrap<W extends AnyWorker>(worker: W, options?: WrapOptions): W & Link<Exports, Functions>;
  /** The same for a worker with interfaces of its own. */
  wrap<Own extends Interface<Own>, ForIt extends Interface<ForIt> = {}>(worker: NodeWorker, options?: WrapOptions): CoincideWorker<Own, ForIt>;
  /** The class of workers that have a link to this main, and main's objects. */
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
 * import { Worker } from 'node:worker_threads';
 * import coincide from 'coincide/window/main';
 * coincide({ root: { answer: 42 } }).wrap(new Worker(new URL('./worker.js', import.meta.url)));
 */
export default function coincide(options?: MainOptions): Main;
/** Main's side, typed: `Exports` is what the worker exports, `Functions` what main offers to it. The order is the same in the worker. */
export default function coincide<Exports extends Interface<Exports>, Functions extends Interface<Functions> = {}>(options?: MainOptions): Main<Exports, Functions>;
