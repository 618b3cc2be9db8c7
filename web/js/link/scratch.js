// The memory of wasm, as JavaScript writes to it and reads from it.
import { lend, restore, taken } from './buffers.js';
import { forgetNames, initSync, name as addName, scratch as reserve, words as addressOfWords } from '../coincide.js';

/** All of the memory. What is read from it has to be checked for growth first: these getters do. */
class Memory {
  #bytes = new Uint8Array(0);
  #data;
  #words;
  #address;
  #reading = 0;

  /** Called once wasm has started: the words stay where they are. */
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

  /** The words in which wasm shows actions. */
  get words() {
    if (this.#bytes.length === 0) this.#refresh();
    return this.#words;
  }

  /** wasm keeps the payload that it has shown last where it is, until `readEnd`: code of the program that runs while it is read may call wasm. */
  read() {
    this.words[READING] = ++this.#reading;
  }

  readEnd() {
    this.words[READING] = --this.#reading;
  }

  /** The buffers that belong to the payload that wasm has shown last, if it has some: for each, the address where it belongs, and its bytes. */
  buffers() {
    const { words, data } = this;
    if (words[HOSTED] === 0) return undefined;
    const buffers = [];
    const [at, end] = [words[ADDRESS], words[ADDRESS] + words[LENGTH]];
    for (let i = 0; i < words[HOSTED]; i++) buffers.push(at + data.getUint32(end + 8 * i, true), taken(data.getUint32(end + 8 * i + 4, true)));
    return buffers;
  }

  /** Takes back what `buffers` has returned for the payload that wasm has shown last: it will be shown again. */
  giveBack(buffers) {
    const { words, data } = this;
    const end = words[ADDRESS] + words[LENGTH];
    for (let i = 1; i < buffers?.length; i += 2) restore(data.getUint32(end + 4 * i, true), buffers[i]);
  }

  /** A text, or a part of the memory. */
  text(at, length) {
    return decoder.decode(this.bytes.subarray(at, at + length));
  }

  /** The text that wasm has shown last. */
  shownText() {
    return this.text(this.words[ADDRESS], this.words[LENGTH]);
  }

  /** Views of a memory that has grown have no length. */
  #refresh() {
    const { buffer } = initSync().memory;
    this.#bytes = new Uint8Array(buffer);
    this.#data = new DataView(buffer);
    this.#words = new Uint32Array(buffer, this.#address, WORDS);
  }
}

/** What the words hold: `memory.rs` has the same list. */
const READING = 0;
export const END = 1, CALL = 2, SERIAL = 3, FUNCTION = 4, STATUS = 5, ADDRESS = 6, LENGTH = 7, WAKE = 8, TIMEOUT = 9, OWN = 10, LENT = 11, HOSTED = 12, BLOCKS = 13;
const WORDS = 14;

// Worklets have neither a decoder nor an encoder.
const decoder = globalThis.TextDecoder && new TextDecoder('utf-8', { ignoreBOM: true });

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
  /** Its buffers, if it has some: for each, the offset in the payload where it belongs, and a view of it. */
  buffers = null;
  /** What is posted for it, if it refers to objects. */
  parcel = null;
  /** Encoders leave large buffers where they are. */
  lends = true;
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
    this.put(encoder.encode(text));
  }

  /** Puts bytes there. */
  put(bytes) {
    this.shrink();
    this.buffers = this.parcel = null;
    this.at = this.active === null ? 0 : this.active.nested;
    this.length = bytes.length;
    this.#write(bytes, this.at);
  }

  #write(bytes, at) {
    // Views of a memory that has grown take nothing, not even no bytes.
    if (bytes.length === 0) return;
    if (at + bytes.length > this.bytes.length) this.grow(at + bytes.length);
    this.bytes.set(bytes, at);
  }

  /** Hands the last payload to the call of wasm that is made next. Returns where it begins. */
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

  /** The number of a name. Leaves the last payload where it is: a new name is put behind it. */
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

/** By name: the number that stands for it. */
const numbers = new Map();
const MOST_NAMES = 1 << 12;

export const scratch = new Scratch();

const encoder = globalThis.TextEncoder && new TextEncoder();

/** A longer payload takes the scratch memory with it. `memory.rs` has the same limit. In bytes. */
const TAKEN = 128 << 10;

/** The smallest scratch memory, and the largest one that is kept. In bytes. */
const SMALL = 1 << 12, LARGE = 4 << 20;
