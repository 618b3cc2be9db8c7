/** The worker's side of coincide. */
import type { CoincideError, Limits as MainLimits, Options, RemoteProxy } from './main.js';

export { CoincideError };

export interface WorkerOptions extends Options {
  /** `'manual'`: the worker is ready when it calls `ready()`, not by itself after its own code has run. */
  ready?: 'manual';
}

/** Limits of calls. */
export interface Limits extends MainLimits {
  /** Calls return promises instead of blocking. This works on every tier, and allows several calls in flight. */
  promise?: boolean;
}

export interface Scope<Functions extends object = RemoteProxy> {
  /** Calls to its properties block until main has answered (see `sync`); setting one exports a function to main. */
  proxy: Functions & RemoteProxy;
  /** The proxy, with limits on its calls. */
  within(limits: Limits): Functions & RemoteProxy;
  /** Tells main that the worker is ready. */
  ready(): void;
  /**
   * Tells main that the worker has failed, such as when its runtime cannot start: everything that main awaits from it rejects, with `why` as the
   * `cause` if that is an error. The worker itself keeps running.
   */
  fail(why: unknown): void;
  /** Whether memory is shared with main. */
  native: boolean;
  /** Whether calls block. If not, they throw an error that says why, or return promises under `promises: true`. */
  sync: boolean;
  /** As last argument of a call: these buffers move, and are detached here. */
  transfer<T extends ArrayBuffer[]>(...buffers: T): T;
  /** Returns its argument: values are copied anyway. */
  direct<T>(value: T): T;
  /**
   * Throws if the worker is to stop: a `CoincideError` of code `Interrupted` or `Closed`; an `AbortError` if main has ended the call that
   * the running function serves, by `timeout` or `signal`. For long computations; cheap enough to be called often.
   */
  check(): void;
  /**
   * Sleeps for a number of milliseconds without using a core. An interrupt ends it with an error, and so does the end of the call that it sleeps for (see `check`). Calls from main run during the sleep, except where the
   * worker cannot block in calls (see `sync`): there they wait until the worker returns to its event loop.
   */
  sleep(milliseconds: number): void;
  /** Calls a function of main without waiting. */
  notify(name: string, ...args: unknown[]): void;
}

/** Attaches the worker to its link with main. May be called once in each worker. */
export default function coincide<Functions extends object = RemoteProxy>(
  options?: WorkerOptions,
): Promise<Scope<Functions>>;
