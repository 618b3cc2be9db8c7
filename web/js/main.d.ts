/** Main's side of coincide. */

/** Options of both ends. */
export interface Options {
  /** Is applied to each argument and each result; in a worker also to values that its program passes to objects of main, except proxies of these. */
  transform?: (value: any) => any;
  /** `false`: the result of `transfer` is sent as a normal argument. Default `true`. */
  transfer?: boolean;
  /** Parts of results that cannot be sent are errors, instead of being left out with a warning. Default `false`. */
  strict?: boolean;
  /** Calls appear in the performance panel. Default `false`. */
  measure?: boolean;
  /**
   * Budget in bytes for all arguments and results that arrive in parts or wait to be sent. On main it covers all workers, and the
   * last call of `coincide` that passes it sets it. A call that exceeds it ends with a `CoincideError` of code `OutOfMemory`, or
   * `NotSent` if the arguments exceed the caller's own budget. The first 64 KiB of each worker are not counted. Default 1 GiB.
   */
  memory?: number;
  /** Where a worker cannot block, its calls return promises instead of throwing. Default `false`. On main it applies to all workers. */
  promises?: boolean;
  /**
   * Milliseconds after which a deferred call counts as a deadlock: a call of an asynchronous function of the worker, made by main's function in which
   * the worker is blocked, while that function has not returned. Default 3,000; `Infinity` for never. On main it applies to all workers.
   */
  deadlockTimeout?: number;
}

/**
 * How a worker reaches main. `shared-memory`: rings in shared memory, on a page that is cross-origin isolated. `service-worker`: messages, and a
 * service worker through which the worker blocks. `messages`: messages alone; the worker cannot block.
 */
export type Tier = 'shared-memory' | 'service-worker' | 'messages';

/** Options that choose the tier of a worker. */
export interface TierOptions {
  /** Requires this tier; an error if it is not available. By default the first tier of the list that is available. */
  tier?: Tier;
  /** The script of the service worker that relays, as `npx coincide sw` writes it, or one of coincident 4 or sabayon; on the page's own origin. */
  serviceWorker?: string | URL;
  /**
   * `false`: the page is never reloaded. By default it is reloaded once for a service worker that isolates it, or that does not control it otherwise.
   * A page whose load was a reload is not reloaded again.
   */
  reload?: boolean;
  /** Milliseconds for which the service worker holds one request of a waiting worker, which then polls again. Default 20,000, at most 60,000. */
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
  /** `module` by default. Vite's development server requires `type: 'module'` as a literal here. */
  type?: 'module' | 'classic';
  credentials?: 'omit' | 'same-origin' | 'include';
  [option: string]: unknown;
}

export interface CoincideWorker<Exports extends object = RemoteProxy> extends Worker {
  /** Calls to its properties call the worker's exports and return promises; setting one registers a function for the worker. */
  readonly proxy: Exports & RemoteProxy;
  /** Resolves with the names of the worker's exports when the worker is ready. Rejects if it fails before, with the worker's own error as the `cause`. */
  readonly ready: Promise<string[]>;
  /** How the worker reaches main. */
  readonly tier: Tier;
  /** The proxy, with limits on its calls. */
  within(limits: Limits): Exports & RemoteProxy;
  /** Interrupts the worker: the call in which it is blocked throws, or its `sleep`, or its next `check`. No-op on an idle worker. */
  interrupt(): void;
  /** Calls an export without waiting for an answer. */
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
   * Resolves when this service worker, by default that of the options, relays for the page, or at once if memory is shared. Rejects with the reason
   * if it cannot relay. Await it only before starting workers from a Blob: not every browser lets a service worker take control of such a worker
   * later.
   */
  relay(script?: string | URL): Promise<void>;
  /** The tier of workers here, and why there is no better one. */
  diagnose(): Diagnosis;
}

/** Why a call gave no result, unless its function threw. */
export class CoincideError extends Error {
  /** Stable, for programs: `Closed`, `Deadlock`, `Failed`, `Interrupted`, ... For `Closed`, `cause` is the worker's own error if the worker has failed. */
  readonly code: string;
  /** The function that was called. */
  readonly function: string;
}

export default function coincide(options?: MainOptions): Main;
