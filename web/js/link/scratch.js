// The memory of wasm.
import { lend, restore, taken } from './buffers.js';
import { forgetNames, initSync, name as addName, scratch as reserve, words as addressOfWords } from '../coincide.js';

/** Views of the whole memory. The getters create new views after the memory has grown. */
class Memory {
  #bytes = new Uint8Array(0);
  #data;
  #words;
  #address;
  #reading = 0;

  /** Reads the address of the words, which is fixed. Called when wasm has started. */
  locate() {
    this.#address = addressOfWords();
  }

  get bytes() {
    if (this.#bytes.length === 0) this.#refresh();
    return this.#bytes;
  }

  get data() {
    if (this.#bytes.length === 0) this.#refresh();
    return this.#data;
  }

  /** The words with which wasm describes actions. */
  get words() {
    if (this.#bytes.length === 0) this.#refresh();
    return this.#words;
  }

  /** Keeps the last shown payload in place until `readEnd`, because code of the program that runs during decoding may call wasm. */
  read() {
    this.words[READING] = ++this.#reading;
  }

  readEnd() {
    this.words[READING] = --this.#reading;
  }

  /** Takes the buffers of the last shown payload: for each, the address where it belongs, and its bytes. Undefined without any. */
  buffers() {
    const { words, data } = this;
    if (words[HOSTED] === 0) return undefined;
    const buffers = [];
    const [at, end] = [words[ADDRESS], words[ADDRESS] + words[LENGTH]];
    for (let i = 0; i < words[HOSTED]; i++) buffers.push(at + data.getUint32(end + 8 * i, true), taken(data.getUint32(end + 8 * i + 4, true)));
    return buffers;
  }

  /** Undoes `buffers` for the last shown payload, which will be shown again. */
  giveBack(buffers) {
    const { words, data } = this;
    const end = words[ADDRESS] + words[LENGTH];
    for (let i = 1; i < buffers?.length; i += 2) restore(data.getUint32(end + 4 * i, true), buffers[i]);
  }

  /** Decodes a text. */
  text(at, length) {
    return decoder.decode(this.bytes.subarray(at, at + length));
  }

  /** The last shown text. */
  shownText() {
    return this.text(this.words[ADDRESS], this.words[LENGTH]);
  }

  /** Creates new views. After the memory has grown, the length of old views is 0. */
  #refresh() {
    const { buffer } = initSync().memory;
    this.#bytes = new Uint8Array(buffer);
    this.#data = new DataView(buffer);
    this.#words = new Uint32Array(buffer, this.#address, WORDS);
  }
}

/** Indices of the words. `memory.rs` has the same list. */
const READING = 0;
export const END = 1, CALL = 2, SERIAL = 3, FUNCTION = 4, STATUS = 5, ADDRESS = 6, LENGTH = 7, WAKE = 8, TIMEOUT = 9, OWN = 10, LENT = 11, HOSTED = 12, BLOCKS = 13;
const WORDS = 14;

// Worklets lack `TextDecoder` and `TextEncoder`.
const decoder = globalThis.TextDecoder && new TextDecoder('utf-8', { ignoreBOM: true });

export const memory = new Memory();

/**
 * The part of the memory that values are encoded into, which is the `Room` of encoders (see `values/encode.js`). wasm copies a payload from it first, or takes over
 * the whole scratch memory if the payload is large.
 */
class Scratch {
  bytes = new Uint8Array(0);
  data = new DataView(this.bytes.buffer);
  active = null;
  /** Offset and length of the last payload. */
  at = 0;
  length = 0;
  /** Buffers of the last payload: for each, the offset in the payload where it belongs, and a view of it. Null without any. */
  buffers = null;
  /** Objects that are posted for the last payload: see `posted/sending.js`. Null without any. */
  parcel = null;
  /** Encoders do not copy large buffers. */
  lends = true;
  #size = 0;

  grow(length) {
    // A length of 0 shows that the memory has grown. The scratch memory has not moved.
    const isDetached = this.bytes.length === 0;
    const size = Math.max(length, isDetached ? this.#size : 2 * this.#size, SMALL);
    const address = reserve(size);
    if (address === 0) throw new RangeError('there is too little memory');
    const { buffer } = memory.bytes;
    this.bytes = new Uint8Array(buffer, address, size);
    this.data = new DataView(buffer, address, size);
    this.#size = size;
  }

  /** Releases scratch memory that is large, or that wasm has taken over, unless an encoder is active. */
  shrink() {
    const isTaken = this.at === 0 && this.length > TAKEN;
    if ((!isTaken && this.#size <= LARGE) || this.active !== null) return;
    this.length = 0;
    this.bytes = new Uint8Array(0);
    this.#size = 0;
    reserve(0);
  }

  /** Writes a text as the last payload. */
  write(text) {
    this.put(encoder.encode(text));
  }

  /** Writes bytes as the last payload. */
  put(bytes) {
    this.shrink();
    this.buffers = this.parcel = null;
    this.at = this.active === null ? 0 : this.active.nested;
    this.length = bytes.length;
    this.#write(bytes, this.at);
  }

  #write(bytes, at) {
    // `set` throws for a detached view, even without bytes.
    if (bytes.length === 0) return;
    if (at + bytes.length > this.bytes.length) this.grow(at + bytes.length);
    this.bytes.set(bytes, at);
  }

  /** Passes the last payload to the next call of wasm. Returns its offset. */
  give() {
    if (this.buffers !== null) this.#lend();
    return this.at;
  }

  #lend() {
    const { buffers } = this;
    this.buffers = null;
    const entries = new Uint32Array(buffers.length * 3 / 2);
    for (let i = 0, j = 0; i < buffers.length; i += 2) {
      entries[j++] = buffers[i];
      entries[j++] = lend(buffers[i + 1]);
      entries[j++] = buffers[i + 1].length;
    }
    this.#write(new Uint8Array(entries.buffer), this.at + this.length);
    memory.words[LENT] = buffers.length / 2;
  }

  /** The number of a name. A new name is written behind the last payload. */
  numberOf(name) {
    const known = numbers.get(name);
    if (known !== undefined) return known;
    if (numbers.size >= MOST_NAMES) {
      numbers.clear();
      forgetNames();
    }
    const bytes = encoder.encode(name);
    const at = this.at + this.length;
    this.#write(bytes, at);
    const number = addName(at, bytes.length);
    numbers.set(name, number);
    return number;
  }
}

/** Numbers by name. */
const numbers = new Map();
const MOST_NAMES = 1 << 12;

export const scratch = new Scratch();

const encoder = globalThis.TextEncoder && new TextEncoder();

/** Bytes above which wasm takes over the scratch memory with a payload. `memory.rs` has the same limit. */
const TAKEN = 128 << 10;

/** Minimum size of scratch memory, and maximum size that is kept, in bytes. */
const SMALL = 1 << 12, LARGE = 4 << 20;
