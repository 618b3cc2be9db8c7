// The lower bound: a ring of bytes in shared memory for each direction, one producer and one consumer each, that knows nothing of calls.

/** One direction. A message is a tag, a number and bytes. Counters are never reset; a position is a counter modulo the capacity. */
export class Ring {
  #words;
  #ints;
  #floats;
  #bytes;
  #wake;
  #written = 0;
  #read = 0;

  /** Of the message that was read last. */
  tag = 0;
  number = 0;
  bytes = NOTHING;

  /** The `index`th ring of the memory. `wake` is what its producer calls when the consumer sleeps. */
  constructor(memory, index, wake) {
    const start = index * (COUNTERS + CAPACITY);
    this.#words = new Int32Array(memory, start, COUNTERS / 4);
    this.#ints = new Int32Array(memory, start + COUNTERS, CAPACITY / 4);
    this.#floats = new Float64Array(memory, start + COUNTERS, CAPACITY / 8);
    this.#bytes = new Uint8Array(memory, start + COUNTERS, CAPACITY);
    this.#wake = wake;
  }

  /** Memory for two. */
  static memory = () => new SharedArrayBuffer(2 * (COUNTERS + CAPACITY));

  /** Sends a message, in pieces if its bytes are many. */
  write(tag, number, bytes = NOTHING) {
    while (this.#room() < HEAD);
    const at = this.#written & (CAPACITY - 1);
    this.#ints[at / 4] = tag;
    this.#ints[at / 4 + 1] = bytes.length;
    this.#floats[at / 8 + 1] = number;
    this.#written = (this.#written + HEAD) | 0;
    if (bytes.length > 0) this.#push(bytes);
    else this.#publish();
  }

  get waiting() {
    return Atomics.load(this.#words, WRITTEN) !== this.#read;
  }

  /** Takes the next message, which has to be there. */
  read() {
    const at = this.#read & (CAPACITY - 1);
    this.tag = this.#ints[at / 4];
    const length = this.#ints[at / 4 + 1];
    this.number = this.#floats[at / 8 + 1];
    this.#advance(HEAD);
    this.bytes = length > 0 ? this.#pull(new Uint8Array(length)) : NOTHING;
    return this;
  }

  /** Announces that the consumer is about to sleep, and returns whether it may. It polls after the announcement, so no wake-up is lost. */
  maySleep() {
    Atomics.store(this.#words, ASLEEP, 1);
    if (!this.waiting) return true;
    Atomics.store(this.#words, ASLEEP, 0);
    return false;
  }

  #room() {
    return CAPACITY - ((this.#written - Atomics.load(this.#words, READ)) | 0);
  }

  /** Pieces are published as they are there, so that both sides copy at the same time and the other one makes room. */
  #push(source) {
    let done = 0;
    while (done < source.length) {
      const at = this.#written & (CAPACITY - 1);
      const count = Math.min(this.#room(), source.length - done, CAPACITY - at, PIECE);
      this.#bytes.set(source.subarray(done, done + count), at);
      this.#written = (this.#written + count) | 0;
      done += count;
      if (done === source.length) this.#written = aligned(this.#written);
      this.#publish();
    }
  }

  #publish() {
    Atomics.store(this.#words, WRITTEN, this.#written);
    if (Atomics.load(this.#words, ASLEEP) && Atomics.exchange(this.#words, ASLEEP, 0)) this.#wake();
  }

  #pull(target) {
    let done = 0;
    while (done < target.length) {
      const there = (Atomics.load(this.#words, WRITTEN) - this.#read) | 0;
      const at = this.#read & (CAPACITY - 1);
      const count = Math.min(there, target.length - done, CAPACITY - at);
      target.set(this.#bytes.subarray(at, at + count), done);
      done += count;
      if (count > 0) this.#advance(count);
    }
    this.#advance(aligned(this.#read) - this.#read);
    return target;
  }

  #advance(count) {
    this.#read = (this.#read + count) | 0;
    Atomics.store(this.#words, READ, this.#read);
  }
}

/** Messages begin where a head fits before the wrap. */
const aligned = counter => (counter + HEAD - 1) & -HEAD;

const NOTHING = new Uint8Array(0);
const CAPACITY = 512 << 10;
const PIECE = 64 << 10;
/** Bytes before the bytes of a message: tag, length, number. */
const HEAD = 16;
/** Bytes before a ring's own: a cache line or two for each counter. */
const COUNTERS = 384;
/** The producer's counter. */
const WRITTEN = 0;
/** The consumer's counter. */
const READ = 32;
/** Whether the consumer sleeps or is about to: set by the consumer, cleared by the producer. */
const ASLEEP = 64;
