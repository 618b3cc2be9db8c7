// Buffers of the program that are being sent or received. wasm has numbers for them, and not their bytes.
//
// A sent buffer is copied directly into shared memory, as far as there is room. `keep` copies the rest before code of the program runs, so that later changes are not
// sent. A received buffer is copied out of shared memory into the buffer that the program receives.
import { memory } from './scratch.js';
import { buffers } from '../memory.js';

const free = [];

/** Registers a view. Returns its number. */
export const lend = view => {
  const number = free.pop() ?? buffers.length;
  buffers[number] = view;
  return number;
};

/** Allocates a buffer to receive into. Returns its number plus 1, or 0 if there is no memory. */
export const allot = length => {
  try {
    return lend(new Uint8Array(length)) + 1;
  } catch {
    return 0;
  }
};

/** Takes the bytes of a received buffer, for the program. */
export const taken = number => {
  const bytes = buffers[number];
  buffers[number] = undefined;
  return bytes;
};

/** Undoes `taken`. */
export const restore = (number, bytes) => {
  buffers[number] = bytes;
};

/** Releases a buffer and its number. */
export const forget = number => {
  buffers[number] = undefined;
  free.push(number);
};

/** Replaces a buffer of the program by a copy, of the part from `from` on. Returns whether there was memory for it. */
export const keep = (number, from) => {
  const view = buffers[number];
  try {
    const copy = new Uint8Array(view.length);
    copy.set(view.subarray(from), from);
    buffers[number] = copy;
    return true;
  } catch {
    return false;
  }
};

export const copyTo = (number, at, to, length) => memory.bytes.set(buffers[number].subarray(at, at + length), to);

export const copyFrom = (number, at, from, length) => buffers[number].set(memory.bytes.subarray(from, from + length), at);
