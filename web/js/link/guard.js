// The boundary of wasm. wasm does not unwind: an exception that crosses its frames leaves the state of all links of this thread inconsistent. Therefore the stack is
// checked before wasm is entered, and functions that wasm calls do not throw. If an exception leaves wasm nevertheless, wasm is abandoned.
import { CoincideError, ours } from '../errors.js';
import { inWords } from '../values/format.js';
import { memory } from './scratch.js';
import { needRoom } from './stack.js';

/** Whether wasm has failed: it must not be entered any more. */
let isAbandoned = false;

/** The error that says so. Undefined until there has been enough stack to create it. */
let failure;

const watchers = new Set();

/** Calls `watcher` with the error when wasm fails; at once if it has failed already. Returns a function that removes it. */
export const onFailure = watcher => {
  if (failure) watcher(failure);
  watchers.add(watcher);
  return () => watchers.delete(watcher);
};

/** Why wasm has failed: the text of a panic, since the trap that follows carries none, or of another error. */
let reason;
export const panicked = (at, length) => {
  try {
    reason = memory.text(at, length);
  } catch {
    // The following trap is reported without this text.
  }
};

/** Whether wasm has failed. */
export const hasFailed = () => isAbandoned;

/** Calls all watchers, once, and returns an error for the caller. If the stack is too small for that, the next attempt to enter wasm calls them. */
const report = () => {
  if (!failure) {
    failure = newFailure();
    for (const watcher of watchers) {
      try {
        watcher(failure);
      } catch {
        // The other watchers must still be called.
      }
    }
  }
  return newFailure();
};

const newFailure = () =>
  new CoincideError('Failed', `coincide itself has failed in this thread, and all of its links have ended: ${reason ?? 'too little stack was left to say why'}. Reload the page or restart the thread`, '');

/** The guarded exports of wasm, which the glue of wasm-bindgen uses instead of the originals. */
export const guarded = exports => {
  const all = {};
  for (const [name, value] of Object.entries(exports)) all[name] = HELPERS.test(name) ? value : guard(value);
  // Engines optimize properties of prototypes regardless of their number.
  return Object.create(all);
};

const guard = entry => (a, b, c, d, e, f) => {
  if (isAbandoned) throw report();
  needRoom();
  // A program can replace functions of the platform that wasm calls, such as `postMessage`.
  if (isInside) throw ours(new Error('coincide was called while it sends a message: a replaced function of the platform, such as `postMessage`, must not call it'));
  isInside = true;
  try {
    return entry(a, b, c, d, e, f);
  } catch (error) {
    isAbandoned = true;
    reason ??= inWords(error);
    throw report();
  } finally {
    isInside = false;
  }
};

/** Whether wasm is running. */
let isInside = false;

/** Exports that are not guarded: functions that the glue calls before or while wasm runs, and the memory. */
const HELPERS = /^(?:__wbindgen|__externref|memory$)/;
