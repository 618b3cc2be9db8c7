// The memory of wasm, as JavaScript writes to it and reads from it.
import { initSync, scratch as reserve } from './coincide.js';

/** All of the memory. What is read from it has to be checked for growth first: these getters do. */
class Memory {
  #bytes = new Uint8Array(0);
  #data;

  get bytes() {
    if (this.#bytes.length === 0) this.#refresh();
    return this.#bytes;
  }

  get data() {
    if (this.#bytes.length === 0) this.#refresh();
    return this.#data;
  }

  /** Views of a memory that has grown have no length. */
  #refresh() {
    const { buffer } = initSync().memory;
    this.#bytes = new Uint8Array(buffer);
    this.#data = new DataView(buffer);
  }
}

export const memory = new Memory();

/**
 * The part of the memory that values are encoded into: the room of encoders (see `Room` of `values/encode.js`). wasm copies a payload from there
 * before it does anything else, or takes the scratch memory over with it if the payload is large.
 */
class Scratch {
  bytes = new Uint8Array(0);
  data = new DataView(this.bytes.buffer);
  active = null;
  /** Where the last payload begins, and its length. */
  at = 0;
  length = 0;
  #size = 0;

  grow(length) {
    // Without a length, the memory has grown and the scratch memory is where it was.
    const isDetached = this.bytes.length === 0;
    const size = Math.max(length, isDetached ? this.#size : 2 * this.#size, SMALL);
    const address = reserve(size);
    if (address === 0) throw new RangeError('there is too little memory');
    const { buffer } = memory.bytes;
    this.bytes = new Uint8Array(buffer, address, size);
    this.data = new DataView(buffer, address, size);
    this.#size = size;
  }

  /** Lets go of scratch memory that is large, or that wasm has taken with the last payload, unless an encoder is at work. */
  shrink() {
    const isTaken = this.at === 0 && this.length > TAKEN;
    if ((!isTaken && this.#size <= LARGE) || this.active !== null) return;
    this.length = 0;
    this.bytes = new Uint8Array(0);
    this.#size = 0;
    reserve(0);
  }

  /** Puts a text there. */
  write(text) {
    this.shrink();
    const encoded = encoder.encode(text);
    this.at = this.active === null ? 0 : this.active.at;
    this.length = encoded.length;
    if (this.at + this.length > this.bytes.length) this.grow(this.at + this.length);
    this.bytes.set(encoded, this.at);
  }
}

export const scratch = new Scratch();

const encoder = new TextEncoder();

/** A longer payload takes the scratch memory with it. `scratch.rs` has the same limit. In bytes. */
const TAKEN = 128 << 10;

/** The smallest scratch memory, and the largest one that is kept. In bytes. */
const SMALL = 1 << 12, LARGE = 4 << 20;
