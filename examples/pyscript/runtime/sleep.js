// Sleeping, without burning a core.

/**
 * A function that sleeps for some milliseconds.
 *
 * @param {Function} [onMain] sleeps by waiting for main: what main calls meanwhile runs, and an interrupt ends it
 * @param {() => boolean} interrupted
 */
export const sleeper = (onMain, interrupted) => onMain ?? (milliseconds => alone(milliseconds, interrupted));

/** Where the worker can't wait for main, it waits for a time that nobody shortens. */
const alone = (milliseconds, interrupted) => {
  // A page that is not isolated has no SharedArrayBuffer, but memory of wasm that could be shared.
  const word = new Int32Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer);
  const end = performance.now() + milliseconds;
  for (let left = milliseconds; left > 0; left = end - performance.now()) {
    Atomics.wait(word, 0, 0, Math.min(left, GLANCE));
    if (interrupted()) throw Object.assign(new Error('the worker was interrupted'), { code: 'Interrupted' });
  }
};

/** Milliseconds between two looks whether main wants the worker to stop. */
const GLANCE = 50;
