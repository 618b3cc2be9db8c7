// The boundary of wasm. wasm does not unwind: an exception that crosses its frames leaves locks held and lists half changed, for all links of
// this thread. Therefore the stack is checked before wasm is entered, and what wasm calls catches. If an exception leaves wasm nevertheless, wasm is
// abandoned.
import { CoincideError, ours } from '../errors.js';
import { memory } from './scratch.js';
import { needRoom } from './stack.js';

/** The error because of which wasm must not be entered any more. */
let failure = null;

const watchers = new Set();

/** Calls `watcher` with the error when wasm fails; at once if it has failed already. Returns a function that removes it. */
export const onFailure = watcher => {
  if (failure) watcher(failure);
  watchers.add(watcher);
  return () => watchers.delete(watcher);
};

/** Text of the last panic. The trap that follows carries no text. */
let panic;
export const panicked = (at, length) => {
  try {
    panic = memory.text(at, length);
  } catch {
    // The trap that follows is reported without it.
  }
};

/** Whether wasm has failed. */
export const hasFailed = () => failure !== null;

/** Abandons wasm, and calls all watchers. */
const abandon = cause => {
  if (failure) return;
  const text = panic ?? inWords(cause);
  failure = new CoincideError('Failed', `coincide itself has failed in this thread, and all of its links have ended: ${text}. Reload the page or restart the thread`, '');
  for (const watcher of watchers) {
    try {
      watcher(failure);
    } catch {
      // The other watchers must still be called.
    }
  }
};

const inWords = cause => {
  try {
    return String(cause?.message ?? cause).slice(0, 1000);
  } catch {
    return 'for a reason that cannot be shown';
  }
};

/** The exports of wasm, guarded. The glue of wasm-bindgen uses them instead of the originals. */
export const guarded = exports => {
  const all = {};
  for (const [name, value] of Object.entries(exports)) all[name] = HELPERS.test(name) ? value : guard(value);
  // Engines optimize properties of a prototype, however many there are.
  return Object.create(all);
};

const guard = entry => (a, b, c, d, e, f) => {
  if (failure) throw new CoincideError(failure.code, failure.message, '');
  needRoom();
  // A program can replace functions of the platform that wasm reaches, such as `postMessage`.
  if (isInside) throw ours(new Error('coincide was called while it sends a message: a replaced function of the platform, such as `postMessage`, must not call it'));
  isInside = true;
  try {
    return entry(a, b, c, d, e, f);
  } catch (error) {
    abandon(error);
    throw new CoincideError(failure.code, failure.message, '');
  } finally {
    isInside = false;
  }
};

/** Whether wasm is running. */
let isInside = false;

/** Exports that are not guarded: functions that the glue calls before or while wasm runs, and the memory. */
const HELPERS = /^(?:__wbindgen|__externref|memory$)/;
