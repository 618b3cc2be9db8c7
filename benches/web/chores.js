// The worker's side of the bench: chores that main asks for in plain messages, the same for all subjects.
import { clock, time, timeAwaited } from './meter.js';
import { AWAITED, CALLS, expect } from './payloads.js';

/**
 * Performs the chores that main asks for, and reports that the worker is up.
 *
 * @param main main's functions, each of which blocks; `undefined` if this worker cannot block
 * @param [more.wasm] gives the bytes of this worker's wasm memory
 * @param [more.promised] main's functions, each of which returns a promise
 * @param [more.count] makes calls and returns what they took, by name
 */
export const serve = (main, { wasm, promised, count } = {}) => {
  const chores = {
    batch: ({ row, plan }) => (main ? time(plan, k => CALLS[row](main, k)) : timeAwaited(plan, k => AWAITED[row](promised, k))),
    /** Calls for a number of milliseconds. Returns the number of calls. */
    flood({ milliseconds }) {
      const end = performance.now() + milliseconds;
      let k = 0;
      while (performance.now() < end) for (let i = 0; i < 10; i++) expect(main.inc(k++) === k);
      return k;
    },
    /** Echoes a megabyte for a number of milliseconds. Returns the number of echoes. */
    bulk({ milliseconds }) {
      const end = performance.now() + milliseconds;
      let k = 0;
      while (performance.now() < end) CALLS['echo/1MiB'](main, k++);
      return k;
    },
    calls({ count }) {
      for (let k = 0; k < count; k++) expect(main.inc(k) === k + 1);
    },
    wasm,
    count,
  };
  addEventListener('message', async ({ data }) => {
    if (!data?.chore) return;
    try {
      const value = chores[data.chore](data.options);
      postMessage({ answer: data.number, value: value instanceof Promise ? await value : value });
    } catch (error) {
      postMessage({ answer: data.number, error: String(error?.stack ?? error) });
    }
  });
  if (main) expect(main.inc(0) === 1);
  postMessage({ up: clock() });
};
