/** Main's side of coincide with `window` for workers, in Node.js. Workers are those of `node:worker_threads`. */
import type { AnyWorker, FunctionsBeside, Interface, Main as PlainMain, Untyped } from '../main.js';
import type { NodeWorker, WorkerOptions as PlainWorkerOptions } from '../main.node.js';
import type { Link, MainOptions, WindowOptions, WrapOptions } from './main.js';

export * from './main.js';

/** Options of `new Worker`: those of `wrap`, and those of `node:worker_threads`. */
export interface WorkerOptions extends PlainWorkerOptions, WindowOptions {}

/** A worker with a link to this main, and `window`. */
export type CoincideWorker<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> = NodeWorker & Link<Exports, Functions>;

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
   * import { Worker } from 'node:worker_threads';
   * const worker = coincide().wrap(new Worker(new URL('./worker.js', import.meta.url)));
   */
  wrap<W extends AnyWorker>(worker: W, options?: WrapOptions): W & Link<Exports, Functions>;
  /** Typed for this worker: it exports `Own`, and main offers `ForIt`. */
  wrap<Own extends Interface<Own>, ForIt extends Interface<ForIt> = {}>(worker: NodeWorker, options?: WrapOptions): CoincideWorker<Own, ForIt>;
  /** The class of workers with a link to this main, and `window`. */
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
 * import { Worker } from 'node:worker_threads';
 * import coincide from 'coincide/window/main';
 * coincide({ root: { answer: 42 } }).wrap(new Worker(new URL('./worker.js', import.meta.url)));
 */
export default function coincide(options?: MainOptions): Main;
/** Creates main's side, typed: the worker exports `Exports`, and main offers `Functions`. The worker uses the same order. */
export default function coincide<Exports extends Interface<Exports>, Functions extends Interface<Functions> = {}>(options?: MainOptions): Main<Exports, Functions>;
