/** Main's side of coincide. */

/** Options of both ends. */
export interface Options {
  /** Applied to each argument and each result on their way; in a worker also to what its program gives to objects of main, except proxies of these. */
  transform?: (value: any) => any;
  /** `false`: what `transfer` gives is an argument like any other. Default `true`. */
  transfer?: boolean;
  /** What cannot be sent is an error in results too, instead of being left out with a warning. Default `false`. */
  strict?: boolean;
  /** Calls appear in the performance panel. Default `false`. */
  measure?: boolean;
  /**
   * Most bytes that arguments and results may take together while they arrive in parts or wait to be sent; on main those of all workers, and the
   * last call of `coincide` that names it counts. What exceeds it ends its call with a `CoincideError` of code `OutOfMemory` or `NotSent`. The first
   * 64 KiB of each worker are not counted. Default 1 GiB.
   */
  memory?: number;
  /** Where a worker cannot block, its calls give promises instead of throwing. Default `false`. On main it holds for all workers. */
  promises?: boolean;
  /**
   * Milliseconds after which a call counts as a deadlock: main's function for which the worker is blocked has made it, an asynchronous function of
   * the worker cannot end before that function has returned, and that has not. Default 3,000; `Infinity` for never. On main it holds for all workers.
   */
  deadlockTimeout?: number;
}

/**
 * How a worker reaches main. `shared-memory`: rings in shared memory, on a page that is cross-origin isolated. `service-worker`: messages, and a
 * service worker that lets the worker wait for them. `messages`: messages alone; the worker cannot block.
 */
export type Tier = 'shared-memory' | 'service-worker' | 'messages';

/** What a worker is asked to have. */
export interface TierOptions {
  /** This tier and no other, or an error. By default the first one of the list that there is. */
  tier?: Tier;
  /** The script of the service worker that relays, as `npx coincide sw` writes it, or one of coincident 4 or sabayon; on the page's own origin. */
  serviceWorker?: string | URL;
  /**
   * `false`: the page is never reloaded, not even once for a service worker that isolates it, or that doesn't control it otherwise. Default `true`.
   * A page whose load was a reload is not reloaded either.
   */
  reload?: boolean;
  /** Milliseconds for which the service worker holds one request of a worker that waits; then the worker asks anew. Default 20,000, at most 60,000. */
  relayHold?: number;
}

export interface MainOptions extends Options, TierOptions {
  /** Bytes of shared memory for each direction of a link: a power of two from 16 KiB. Default 512 KiB. */
  ringSize?: number;
}

/** Limits of calls. */
export interface Limits {
  /** Milliseconds after which a call ends with a `TimeoutError`; the other end stops working on it. */
  timeout?: number;
  /** Ends the call with the signal's reason; the other end stops working on it. */
  signal?: AbortSignal;
}

/** Any function of the other end. */
export type RemoteProxy = Record<string, any>;

export interface WorkerOptions extends TierOptions {
  /** A name under which `workers` finds it. */
  name?: string;
  type?: 'module' | 'classic';
  credentials?: 'omit' | 'same-origin' | 'include';
  [option: string]: unknown;
}

export interface CoincideWorker<Exports extends object = RemoteProxy> extends Worker {
  /** Calls to its properties call the worker's exports and give promises; setting one registers a function for the worker. */
  readonly proxy: Exports & RemoteProxy;
  /** Resolves with the names of the worker's exports once it is ready; rejects if it fails before, with what it has thrown as the `cause`. */
  readonly ready: Promise<string[]>;
  /** How the worker reaches main. */
  readonly tier: Tier;
  /** The proxy, with limits on its calls. */
  within(limits: Limits): Exports & RemoteProxy;
  /** Asks the worker to abandon what it is doing: the call in which it is blocked throws, or its `sleep`, or its next `check`. If it does nothing, nothing happens. */
  interrupt(): void;
  /** Calls an export without wanting an answer. */
  notify(name: string, ...args: unknown[]): void;
}

export interface Diagnosis {
  /** How workers reach main here. */
  tier: Tier;
  /** Whether a worker can block until main has answered. */
  canBlock: boolean;
  /** Why there is no better tier, in words. */
  reasons: string[];
}

export interface Main {
  /** A worker that has a link to this main. */
  Worker: {
    new <Exports extends object = RemoteProxy>(url: string | URL, options?: WorkerOptions): CoincideWorker<Exports>;
  };
  /** Workers by name: `await workers.name` is the proxy of the worker of that name, once it is ready. */
  workers: Readonly<Record<string, Promise<RemoteProxy>>>;
  /** Whether memory can be shared here. */
  native: boolean;
  /** As last argument of a call: these buffers move, and are detached here. */
  transfer<T extends ArrayBuffer[]>(...buffers: T): T;
  /**
   * Resolves once this service worker, by default that of the options, relays for the page, or memory is shared; rejects with the reason if it
   * can't. Workers needn't wait for it, but for those that start from a Blob: not every browser lets a service worker take control of these
   * when it is younger than they are.
   */
  relay(script?: string | URL): Promise<void>;
  /** What is possible here, and why no more is. */
  diagnose(): Diagnosis;
}

/** Why a call gave no result, where it is not what the function threw. */
export class CoincideError extends Error {
  /** Stable, for programs: `Closed`, `Deadlock`, `Failed`, `Interrupted`, ... For `Closed`, `cause` is the worker's own error if the worker has failed. */
  readonly code: string;
  /** The function that was called. */
  readonly function: string;
}

export default function coincide(options?: MainOptions): Main;
