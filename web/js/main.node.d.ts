/** Main's side of coincide, in Node.js. Workers are those of `node:worker_threads`. */
// @ts-ignore A program without @types/node, such as one for pages, uses the `Worker` of the DOM.
import type { Worker as Thread, WorkerOptions as ThreadOptions } from 'node:worker_threads';
import type { AnyWorker, FunctionsBeside, Interface, Link, Main as PageMain, MainOptions, PageWorker, Untyped, WrapOptions } from './main.js';

export * from './main.js';

/** The class `Worker` of `node:worker_threads`. */
export type NodeWorker = [unknown] extends [Thread] ? PageWorker : Thread;

/** Options of `new Worker`: those of `wrap`, and those of `node:worker_threads`. */
export interface WorkerOptions extends WrapOptions, Omit<[unknown] extends [ThreadOptions] ? {} : ThreadOptions, keyof WrapOptions | 'type'> {
  /** Ignored, because Node.js recognizes modules by their file names. Accepted for code that also runs on pages. */
  type?: 'module' | 'classic' | undefined;
}

/** A worker with a link to this main. */
export type CoincideWorker<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> = NodeWorker & Link<Exports, Functions>;

/** The result of `coincide()` on main. */
export interface Main<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> extends Omit<PageMain<Exports, Functions>, 'Worker' | 'wrap'> {
  /**
   * Adds a link to a worker and returns the same worker. Returns a worker that has a link unchanged. Throws a `TypeError` for anything else than a worker.
   * Throws a `CoincideError`:
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
  /** The class of workers with a link to this main. */
  Worker: {
    /** Creates a worker with a link. Throws a `CoincideError` of code `NoTier` or `NameTaken` if the options cannot be met. */
    new (url: string | URL, options?: WorkerOptions): CoincideWorker<Exports, Functions>;
    /** Typed for this worker: it exports `Own`, and main offers `ForIt`. */
    new <Own extends Interface<Own>, ForIt extends Interface<ForIt> = {}>(url: string | URL, options?: WorkerOptions): CoincideWorker<Own, ForIt>;
  };
}

/**
 * Creates main's side. Main awaits functions of its workers, and workers call functions of main.
 *
 * `coincide<Exports, Functions>()` types both directions: the functions that the worker exports, then those that main offers. The worker uses the same order.
 *
 * @example
 * import { Worker } from 'node:worker_threads';
 * import coincide from 'coincide/main';
 * const worker = coincide().wrap(new Worker(new URL('./worker.js', import.meta.url)));
 * worker.proxy.hello = name => `Hello, ${name}`;
 * console.log(await worker.proxy.version());
 */
export default function coincide(options?: MainOptions): Main;
/** Creates main's side, typed: the worker exports `Exports`, and main offers `Functions`. */
export default function coincide<Exports extends Interface<Exports>, Functions extends Interface<Functions> = {}>(options?: MainOptions): Main<Exports, Functions>;
