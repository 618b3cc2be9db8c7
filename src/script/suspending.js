// Code of a worker that is suspended, by JavaScript Promise Integration, while its event loop runs.
import { nextTask } from '../web/events.js';

const { clearTimeout, queueMicrotask, setTimeout } = globalThis;

const hasSuspending = typeof WebAssembly.promising === 'function';

// The glue of wasm-bindgen creates an object of this class when the wasm starts, on every tier. In a browser without the class, this substitute returns
// the function unchanged. It is removed after its first use, so that feature detection by other code stays correct.
if (!('Suspending' in WebAssembly))
  Object.defineProperty(WebAssembly, 'Suspending', {
    configurable: true,
    get: () =>
      class {
        constructor(run) {
          queueMicrotask(() => delete WebAssembly.Suspending);
          return run;
        }
      },
  });

/** Why code cannot be suspended here; undefined if it can. */
export const whyNotSuspending = () =>
  hasSuspending ? undefined : 'this browser lacks JavaScript Promise Integration for WebAssembly, which Chromium has since 137 and Firefox since 153';

let run;
let failed;

/** Sets the function that receives the text of an error that has left wasm. */
export const onFailure = callback => (failed = callback);

/** Calls the export that runs the next job in a microtask, so that the code of the job can be suspended. */
export const enterSoon = exports => {
  run ??= WebAssembly.promising(exports.coincideRunJob);
  queueMicrotask(() =>
    run().catch(error => {
      failed?.(`${error}`);
      throw error;
    }),
  );
};

/** Functions that resume suspended code, by the number of its fiber. */
const waiting = new Map();

/** Resolves when the fiber is woken, or after a number of milliseconds if that is not negative. */
export const wait = (key, milliseconds) =>
  new Promise(resolve => {
    let timer;
    waiting.set(key, () => {
      waiting.delete(key);
      clearTimeout(timer);
      resolve();
    });
    if (milliseconds >= 0) timer = setTimeout(() => wake(key), milliseconds);
  });

export const wake = key => waiting.get(key)?.();

let turn;
let timer;

/** Sets the function that takes a turn. */
export const takeTurnsBy = callback => (turn = callback);

/** Takes a turn after a number of milliseconds. If that is negative, cancels the timer. */
export const turnAfter = milliseconds => {
  clearTimeout(timer);
  if (milliseconds >= 0) timer = setTimeout(turn, milliseconds);
};

/** Takes a turn in a later task of the event loop. */
export const turnNext = () => void nextTask().then(turn);

/** Ends the worker in the current task, after suspended code has been resumed with the closed link. */
export const leaveSoon = async () => {
  for (let hop = 0; hop < HOPS; hop++) await undefined;
  globalThis.close();
};

/** Upper bound for the number of microtasks in which woken code is resumed. */
const HOPS = 16;

/** Calls back when the running code has returned or is suspended. */
export const callSoon = callback => queueMicrotask(callback);
