// Code of a worker that is suspended, by JavaScript Promise Integration, while its event loop runs.
import { nextTask } from '../web/events.js';

const { clearTimeout, queueMicrotask, setTimeout } = globalThis;

const hasSuspending = typeof WebAssembly.promising === 'function';

// The glue of wasm-bindgen creates an object of this class when the wasm is started, on each tier. In a browser that lacks the class, nothing can be
// suspended, and a function does instead. What other programs find out about the browser stays true: the class is gone once it was used.
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

/** Sets what is called with the text of an error that has left wasm in the middle of what it did. */
export const onFailure = callback => (failed = callback);

/** Soon calls the export that runs the next job, so that the code of the job can be suspended. */
export const enterSoon = exports => {
  run ??= WebAssembly.promising(exports.coincideRunJob);
  queueMicrotask(() =>
    run().catch(error => {
      failed?.(`${error}`);
      throw error;
    }),
  );
};

/** What resumes suspended code, by its number. */
const waiting = new Map();

/** Resolves when the code is woken, or after a number of milliseconds; a negative one is none. */
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

/** Sets what takes a turn. */
export const takeTurnsBy = callback => (turn = callback);

/** Takes a turn after a number of milliseconds; a negative one is never. */
export const turnAfter = milliseconds => {
  clearTimeout(timer);
  if (milliseconds >= 0) timer = setTimeout(turn, milliseconds);
};

/** Takes a turn when the event loop has done what else is to be done. */
export const turnNext = () => void nextTask().then(turn);

/** Ends the worker, in this task of its event loop, when suspended code has received that its link is closed. */
export const leaveSoon = async () => {
  for (let hop = 0; hop < HOPS; hop++) await undefined;
  globalThis.close();
};

/** More microtasks than it takes to resume what was woken. */
const HOPS = 16;

/** Calls when the running code has returned or is suspended. */
export const callSoon = callback => queueMicrotask(callback);
