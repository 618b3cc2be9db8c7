// The memory of a link, transport-atomics/LAYOUT.md: a consumer and a producer of a ring.
// The images are little-endian; positions count modulo 2^32.

import { viewOf } from './bytes.mjs';

const CONTROL = 4096;
const MAGIC = 0x6e696f63;
const VERSION = 1;
const LEAST = 16 * 1024;
const MOST = 1024 * 1024 * 1024;
const PADDING = 0x80000000;
const LINE = 64;

/** The memory violates a rule of the layout, named in the text. */
export class Broken extends Error {}

function must(good, why) {
  if (!good) throw new Broken(why);
}

/** Difference and sum of positions. */
const minus = (a, b) => (a - b) >>> 0;
const plus = (a, b) => (a + b) >>> 0;

/** Bytes that a frame takes in the ring. */
const sizeOf = (length) => Math.ceil((length + 4) / LINE) * LINE;

/** "Regions": the capacities of a memory of this length, whose first 16 bytes are these. */
export function checkLink(first16, length) {
  const word = (at) => viewOf(first16).getUint32(at, true);
  must(word(0) === MAGIC, 'the magic isn\'t coin');
  must(word(4) === VERSION, 'the layout version isn\'t 1');
  const [up, down] = [word(8), word(12)];
  for (const capacity of [up, down]) {
    const power = capacity > 0 && Number.isInteger(Math.log2(capacity));
    must(power && capacity >= LEAST && capacity <= MOST, 'a capacity isn\'t a power of two from 16 KiB to 1 GiB');
  }
  must(length === CONTROL + up + down, 'the length isn\'t that of the control block and both rings');
  return { up, down };
}

/** "Consuming". */
export class Consumer {
  reports = 0; // how often room was reported
  unreported = 0;

  constructor(records, head) {
    Object.assign(this, { records, head, capacity: records.length });
  }

  /** The next frame, or undefined if there is none. */
  next() {
    const { capacity, records } = this;
    const word = (at) => viewOf(records).getUint32(at, true);
    let start = this.head % capacity;
    let length = word(start);
    let padding = 0;
    if (length === 0) return undefined;
    if (length >= PADDING) {
      padding = length - PADDING;
      must(start !== 0, 'there is padding at the start of the ring');
      must(start + padding === capacity, 'the padding doesn\'t end with the ring');
      start = 0;
      length = word(0);
      must(length !== 0 && length < PADDING, 'there is no record behind the padding');
    }
    must(length <= capacity / 8, 'the length is beyond the largest frame');
    const size = sizeOf(length);
    must(start + size <= capacity, 'the record goes over the end of the ring');
    const frame = records.slice(start + 4, start + 4 + length);
    this.head = plus(this.head, padding + size);
    this.#consumed(padding + size);
    return frame;
  }

  /** "Reporting room": as soon as a quarter of the ring or more has been consumed since the last report. */
  #consumed(bytes) {
    this.unreported += bytes;
    if (this.unreported < this.capacity / 4) return;
    this.unreported = 0;
    this.reports += 1;
  }
}

/** "Producing a frame of n bytes". */
export class Producer {
  constructor(records, head, tail) {
    Object.assign(this, { records, head, tail, capacity: records.length });
  }

  /** Checks and stores a loaded `head`. */
  load(head) {
    must(head % LINE === 0, 'it isn\'t a multiple of 64');
    must(minus(head, this.head) <= minus(this.tail, this.head), 'it isn\'t between the head loaded before and the tail');
    this.head = head;
  }

  #plan(length) {
    const at = this.tail % this.capacity;
    const size = sizeOf(length);
    const padding = size <= this.capacity - at ? 0 : this.capacity - at;
    const free = this.capacity - minus(this.tail, this.head);
    return { at, size, padding, fits: free >= padding + size + LINE };
  }

  /** The longest frame for which there is room, 0 if there is none for any. */
  get longest() {
    let length = this.capacity / 8;
    while (length > 0 && !this.#plan(length).fits) length -= 1;
    return length;
  }

  /** Sends a frame; false if there is no room for it. */
  produce(frame) {
    const { at, size, padding, fits } = this.#plan(frame.length);
    if (!fits || frame.length === 0 || frame.length > this.capacity / 8) return false;
    const view = viewOf(this.records);
    const start = (at + padding) % this.capacity;
    view.setUint32((start + size) % this.capacity, 0, true);
    this.records.set(frame, start + 4);
    view.setUint32(start, frame.length, true);
    if (padding > 0) view.setUint32(at, PADDING + padding, true);
    this.tail = plus(this.tail, padding + size);
    return true;
  }
}
