// The boundary of wasm. wasm does not unwind: an exception that crosses its frames leaves locks held and lists half changed, for all links of
// this thread. Therefore the stack is checked before wasm is entered, and code of the program is called by functions that catch. If an exception
// leaves wasm nevertheless, wasm is abandoned.
import { CoincideError, ours } from './errors.js';
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
export const panicked = text => {
  panic = text;
};

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
  for (const [name, value] of Object.entries(exports)) all[name] = HELPERS.test(name) ? value : guard(value, EVENTS.test(name));
  // Engines optimize properties of a prototype, however many there are.
  return Object.create(all);
};

const guard = (entry, isEvent) => (a, b, c, d, e, f, g, h) => {
  if (failure) return refuse(isEvent);
  needRoom();
  if (depth >= MOST_NESTED) throw ours(new RangeError(`calls are nested more than ${MOST_NESTED} deep: coincide called code of the program, which called coincide again`));
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

/** Throws the failure. An event has no caller to handle an error: it gets an empty result. */
const refuse = isEvent => {
  if (isEvent) return [];
  throw new CoincideError(failure.code, failure.message, '');
};

/** How deep entries of wasm are nested now, by code of the program that wasm has called. The stack of wasm has a fixed size. */
let depth = 0;

const MOST_NESTED = 256;

/** Exports that are not guarded: functions that the glue calls before or while wasm runs, and the memory. */
const HELPERS = /^(?:__wbindgen|__externref|memory$)/;

/** Exports that the event loop calls. */
const EVENTS = /closures|_(?:free|ring|deliver|release)$/;
