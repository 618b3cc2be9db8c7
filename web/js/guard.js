// The border of wasm. wasm does not unwind: an exception that crosses its frames leaves locks held and lists half changed, for all links of
// this thread. So there is room on the stack before wasm is entered, and code of the program is called by functions that catch. If an exception
// leaves wasm all the same, wasm is abandoned.
import { CoincideError, ours } from './errors.js';
import { needRoom } from './stack.js';

/** Why wasm must not be entered any more. */
let failure = null;

const watchers = new Set();

/** Calls `watcher` with the error when wasm fails, or if it has. Returns a function that removes it. */
export const onFailure = watcher => {
  if (failure) watcher(failure);
  watchers.add(watcher);
  return () => watchers.delete(watcher);
};

/** The text of the last panic; the trap that follows has none. */
let panic;
export const panicked = text => {
  panic = text;
};

/** Abandons wasm, and tells all that depend on it. */
const abandon = cause => {
  if (failure) return;
  const text = panic ?? inWords(cause);
  failure = new CoincideError('Failed', `coincide itself has failed in this thread, and all of its links have ended: ${text}. Reload the page or restart the thread`, '');
  for (const watcher of watchers) {
    try {
      watcher(failure);
    } catch {
      // The others have to know, too.
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

/** The exports of wasm, guarded. The glue of wasm-bindgen uses them instead of the original ones. */
export const guarded = exports => {
  const all = {};
  for (const [name, value] of Object.entries(exports)) all[name] = HELPERS.test(name) ? value : guard(value, EVENTS.test(name));
  // The properties of a prototype are fast, however many there are.
  return Object.create(all);
};

const guard = (entry, isEvent) => (a, b, c, d, e, f, g, h) => {
  if (failure) return refuse(isEvent);
  needRoom();
  if (depth >= MOST_NESTED) throw ours(new RangeError(`more than ${MOST_NESTED} calls are running inside each other`));
  depth++;
  try {
    return entry(a, b, c, d, e, f, g, h);
  } catch (error) {
    abandon(error);
    return refuse(isEvent);
  } finally {
    depth--;
  }
};

/** An event has no caller who could handle an error. */
const refuse = isEvent => {
  if (isEvent) return [];
  throw new CoincideError(failure.code, failure.message, '');
};

/** How often wasm is entered at this moment, by code of the program that it has called. Its own stack is of a fixed size. */
let depth = 0;

const MOST_NESTED = 256;

/** What the glue calls before or while wasm runs, and what is no function. */
const HELPERS = /^(?:__wbindgen|__externref|memory$)/;

/** Entries that the event loop calls. */
const EVENTS = /closures|_(?:free|ring|deliver|release)$/;
