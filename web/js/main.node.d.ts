/** Main's side of coincide, in Node.js: workers are those of `node:worker_threads`. */
// @ts-ignore Without @types/node, as in a program for pages, workers are those of the DOM.
import type { Worker as Thread, WorkerOptions as ThreadOptions } from 'node:worker_threads';
import type { AnyWorker, FunctionsBeside, Interface, Link, Main as PageMain, MainOptions, PageWorker, Untyped, WrapOptions } from './main.js';

export * from './main.js';

/** The class `Worker` of `node:worker_threads`. */
export type NodeWorker = [unknown] extends [Thread] ? PageWorker : Thread;

/** Options of `new Worker`: those of `wrap`, and those of `node:worker_threads`. */
export interface WorkerOptions extends WrapOptions, Omit<[unknown] extends [ThreadOptions] ? {} : ThreadOptions, keyof WrapOptions | 'type'> {
  /** Ignored: Node.js recognizes modules by their file names. Accepted for code that also runs on pages. */
  type?: 'module' | 'classic';
}

/** A worker that has a link to this main. */
export type CoincideWorker<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> = NodeWorker & Link<Exports, Functions>;

/** What `coincide()` returns on main. */
export interface Main<Exports extends object = Untyped, Functions extends object = FunctionsBeside<Exports>> extends Omit<PageMain<Exports, Functions>, 'Worker' | 'wrap'> {
  /**
   * Adds a link to a worker, and returns that very worker. Wrapping a worker twice returns it unchanged.
   *
   * @example
   * import { Worker } from 'node:worker_threads';
   * const worker = coincide().wrap(new Worker(new URL('./worker.js', import.meta.url)));
   */
  wrap<W extends AnyWorker>(worker: W, options?: WrapOptions): W & Link<Exports, Functions>;
  /** The same for a worker with interfaces of its own. */
  wrap<Own extends Interface<Own>, ForIt extends Interface<ForIt> = {}>(worker: NodeWorker, options?: WrapOptions): CoincideWorker<Own, ForIt>;
  /** The class of workers that have a link to this main. */
  Worker: {
    new (url: string | URL, options?: WorkerOptions): CoincideWorker<Exports, Functions>;
    /** A worker with interfaces of its own. */
    new <Own extends Interface<Own>, ForIt extends Interface<ForIt> = {}>(url: string | URL, options?: WorkerOptions): CoincideWorker<Own, ForIt>;
  };
}

/**
 * Main's side: starts workers whose functions main awaits, and which call main's functions.
 *
 * `coincide<Exports, Functions>()` types both directions, here and in the worker, in the same order: what the worker exports, then what main offers.
 *
 * @example
 * import { Worker } from 'node:worker_threads';
 * import coincide from 'coincide/main';
 * const worker = coincide().wrap(new Worker(new URL('./worker.js', import.meta.url)));
 * worker.proxy.hello = name => `Hello, ${name}`;
 * console.log(await worker.proxy.version());
 */
export default function coincide(options?: MainOptions): Main;
/** Main's side, typed: `Exports` is what the worker exports, `Functions` what main offers to it. */
export default function coincide<Exports extends Interface<Exports>, Functions extends Interface<Functions> = {}>(options?: MainOptions): Main<Exports, Functions>;
