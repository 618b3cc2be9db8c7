/** What stays at its end when it is passed to the other one. */

/** A function, or an object with methods. */
export type Callable = ((...args: any[]) => unknown) | object;

/**
 * Marks a function, or an object with methods, to stay where it is, and returns it. Passed to the other end, anywhere in arguments or results, it arrives as a function,
 * or as an object with these methods. From main, calling that gives a promise; from a worker it blocks, or gives a promise as `within` says.
 *
 * @example
 * await worker.proxy.load('a.csv', callback(percent => bar.update(percent)));
 */
export function callback<T extends Callable>(value: T): T;

/**
 * Marks an object, a function or a class to stay where it is, and returns it. Set as a function of the other end, or passed to it, its members can be used there.
 *
 * @example
 * proxy.counter = expose(new Counter()); // main: await worker.proxy.counter.inc()
 */
export function expose<T extends object>(value: T): T;

/** Gives a callback or an object that was received back. Using it afterwards is a `ReferenceError`. What is garbage is given back by itself. */
export function dispose(value: object): void;

/** Number of callbacks and objects of this end that the other one has, and of those of the other end that are known here. */
export interface Handles {
  given: number;
  received: number;
}
