// Sleeping without using a core.
import { ours } from './errors.js';
import { inWords } from './values.js';

/** The argument of `sleep`, checked. */
export const millisecondsOf = given => {
  if (typeof given === 'number' && given >= 0) return given;
  throw ours(new TypeError(`\`sleep\` takes a number of milliseconds, at least 0, not ${inWords(given)}`));
};

/** Blocks for a number of milliseconds. Nothing ends it early. */
export const sleepAlone = milliseconds => {
  try {
    // A page that is not isolated has no SharedArrayBuffer, but memory of wasm that could be shared.
    word ??= new Int32Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer);
    Atomics.wait(word, 0, 0, milliseconds);
  } catch {
    // Where waiting is forbidden, it spins.
    for (const end = performance.now() + milliseconds; performance.now() < end; );
  }
};
let word;
