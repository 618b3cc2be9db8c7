/** Types of callbacks, exposed objects and streams. */

declare const kept: unique symbol;

/** The mark of a value of type `T` that stays at its end. `Kind` is how the other end receives it. */
export interface Kept<Kind extends 'callback' | 'exposed' | 'stream', T> {
  readonly [kept]: [Kind, T];
}

/** A function, or an object with methods, marked by `callback`. In interfaces, only types of objects with methods need it; function types do not. */
export type Callback<T extends object> = T & Kept<'callback', T>;

/** An object, a function or a class marked by `expose`: the type of a member of an interface, of an argument or of a result. */
export type Exposed<T extends object> = T & Kept<'exposed', T>;

/**
 * Marks a function, or an object with methods, as a callback and returns it. It may occur anywhere in arguments and results. The other end receives a function,
 * or an object with these methods. Its calls run at this end: on main they return promises; in a worker they block, or return promises with
 * `within({ promise: true })`. Throws a `TypeError` for other values.
 *
 * @example
 * await worker.proxy.load('a.csv', callback(percent => bar.update(percent)));
 */
export function callback<T extends object>(value: T): Callback<T>;

/**
 * Marks an object, a function or a class as exposed and returns it. The other end can use its members after it was set as a property of `proxy`, or sent in
 * arguments or results. The object stays at this end. Throws a `TypeError` for primitives.
 *
 * @example
 * proxy.counter = expose(new Counter()); // in the worker
 * await worker.proxy.counter.inc(); // on main
 */
export function expose<T extends object>(value: T): Exposed<T>;

/** An iterable marked by `stream`, with rows of type `T`: the type of a result or of an argument. Types of generators need no mark. */
export type Streamed<T> = Kept<'stream', T>;

/**
 * Marks an iterable or an async iterable as a stream and returns it. It may occur anywhere in arguments and results. The other end receives a stream of its rows.
 * Each time it is sent, a new iteration begins. Generators need no mark. Throws a `TypeError` for other values.
 *
 * @example
 * proxy.list = () => stream(list); // in the worker
 * for await (const row of worker.proxy.list()) show(row); // on main
 */
export function stream<I extends Iterable<any> | AsyncIterable<any>>(iterable: I): I & Streamed<I extends Iterable<infer T> | AsyncIterable<infer T> ? T : never>;

/**
 * Releases a received callback, exposed object or stream. Using it afterwards throws a `ReferenceError`. Values that are garbage-collected are released
 * automatically. Throws a `TypeError` for other values.
 */
export function dispose(value: object): void;

/** Number of callbacks, exposed objects, streams and signals in use over a link. */
export interface Handles {
  /** Those of this end that the other end holds. */
  given: number;
  /** Those of the other end that this end holds. */
  received: number;
}

/**
 * How the calls of an end return.
 *
 * - `main`: promises.
 * - `worker`: results, after blocking.
 * - `either`: one of the two, in a worker with `promises: true` or an interpreter that suspends.
 */
export type Side = 'main' | 'worker' | 'either';

/** The result type of a call. */
export type Answer<R, S extends Side> = S extends 'main' ? Promise<R> & Iterated<R> : S extends 'either' ? R | (Promise<R> & Iterated<R>) : R;

/** The promise of a stream can be iterated without awaiting it. */
type Iterated<R> = 0 extends 1 & R ? unknown : [R] extends [never] ? unknown : [R] extends [Streamed<infer T>] ? AsyncIterable<Received<T, 'main'>> : unknown;

/** A stream as an end receives it: an async iterator where calls return promises, an iterator in a worker that blocks. */
export type Stream<T, S extends Side = 'main'> = (S extends 'main'
  ? AsyncIterableIterator<Received<T, S>> & { return(value?: any): Promise<IteratorResult<Received<T, S>>> }
  : S extends 'worker'
    ? IterableIterator<Received<T, S>> & { return(value?: any): IteratorResult<Received<T, S>> }
    : AsyncIterableIterator<Received<T, S>> | IterableIterator<Received<T, S>>) &
  Streamed<T> &
  Disposed;

/** The values that an end may pass for a stream. */
export type Streamable<T, S extends Side> = AsyncGenerator<T, any, any> | Generator<T, any, any> | Streamed<T> | Stream<T, S>;

/** A value as an end receives it: functions and marked objects become remote ones. */
export type Received<T, S extends Side> = 0 extends 1 & T
  ? T
  : T extends Kept<'exposed', infer O>
    ? Remote<O, S>
    : T extends Kept<'callback', infer O>
      ? RemoteCallback<O, S>
      : T extends Streamed<infer R> | AsyncGenerator<infer R, any, any> | Generator<infer R, any, any>
        ? Stream<R, S>
        : T extends (...args: never) => unknown
          ? RemoteCallback<T, S>
          : T;

/** A value as an end passes it: functions must be marked by `callback`. */
export type Sent<T, S extends Side> = 0 extends 1 & T
  ? T
  : T extends Streamed<infer R> | AsyncGenerator<infer R, any, any> | Generator<infer R, any, any>
    ? Streamable<R, S>
    : T extends Kept<any, unknown>
      ? T | Received<T, S>
      : T extends (...args: infer Args) => infer R
        ? Callback<(...args: ReceivedAll<Args, S>) => SentLater<R, S>>
        : T;

type SentLater<R, S extends Side> = [R] extends [void] ? unknown : Sent<Awaited<R>, S> | PromiseLike<Sent<Awaited<R>, S>>;

/** Arguments as an end receives them. */
export type ReceivedAll<Args extends readonly unknown[], S extends Side> = { [K in keyof Args]: Received<Args[K], S> };

/** Arguments as an end passes them. */
export type SentAll<Args extends readonly unknown[], S extends Side> = { [K in keyof Args]: Sent<Args[K], S> };

/** A received value. Its member `Symbol.dispose` is the same as `dispose`. */
export type Given = Disposed & Kept<'callback', any>;

type Disposed = typeof Symbol extends { readonly dispose: infer D extends symbol } ? { [K in D]: () => void } : unknown;

type RemoteCall<Fn, S extends Side> = Fn extends (...args: infer Args) => infer R ? (...args: SentAll<Args, S>) => Answer<Received<Awaited<R>, S>, S> : never;

/** A callback as the other end receives it. */
export type RemoteCallback<T, S extends Side = 'main'> = (T extends (...args: never) => unknown
  ? RemoteCall<T, S>
  : { readonly [K in keyof T as T[K] extends (...args: never) => unknown ? K : never]: RemoteCall<T[K], S> }) &
  Given;

/** A member of an exposed object at the other end. A blocking worker reads it directly; elsewhere `await` reads it. */
export type RemoteMember<V, S extends Side> = 0 extends 1 & V
  ? any
  : V extends (...args: never) => unknown
    ? RemoteCall<V, S>
    : S extends 'worker'
      ? Received<V, S>
      : V extends object
        ? V extends readonly unknown[]
          ? V | PromiseLike<V>
          : Remote<V, S> & PromiseLike<Received<V, S>>
        : V | PromiseLike<V>;

/** An exposed object, function or class as the other end receives it. */
export type Remote<T, S extends Side = 'main'> = (T extends abstract new (...args: infer Args) => infer I
  ? { new (...args: SentAll<Args, S>): Answer<Remote<I, S>, S> }
  : T extends (...args: never) => unknown
    ? RemoteCall<T, S>
    : unknown) & { [K in Exclude<keyof T, 'prototype' | symbol>]: RemoteMember<T[K], S> } & Given;

/** A received value whose calls return promises. */
export type Later<T> = T extends Streamed<infer R> ? Stream<R> : T extends (...args: infer Args) => infer R ? (...args: Args) => Promise<Awaited<R>> : { [K in keyof T]: Later<T[K]> };

/** The type of an exposed member of an interface. */
export type AnyExposed = Kept<'exposed', any>;
