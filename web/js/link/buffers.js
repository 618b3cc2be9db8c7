// Buffers of the program on their way: wasm knows them by numbers, and never has their bytes in its memory.
//
// One that is sent is copied from where it is into shared memory, as far as there is room at once. `keep` copies the rest before code of the program
// runs, so that what arrives is what the buffer held when it was sent. One that is received is copied out of shared memory into the buffer that the
// program gets.
import { memory } from './scratch.js';
import { buffers } from '../shared.js';

const free = [];

/** Takes a view in. Returns its number. */
export const lend = view => {
  const number = free.pop() ?? buffers.length;
  buffers[number] = view;
  return number;
};

/** Makes a buffer to receive into. Returns its number plus 1, or 0 if there is no memory. */
export const allot = length => {
  try {
    return lend(new Uint8Array(length)) + 1;
  } catch {
    return 0;
  }
};

/** The bytes of a buffer that was received, which the program gets. */
export const taken = number => {
  const bytes = buffers[number];
  buffers[number] = undefined;
  return bytes;
};

/** Takes back what `taken` has returned. */
export const restore = (number, bytes) => {
  buffers[number] = bytes;
};

/** Lets go of a buffer. */
export const forget = number => {
  buffers[number] = undefined;
  free.push(number);
};

/** Replaces a buffer of the program by a copy of what is still to be sent. Returns whether there was memory for it. */
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
