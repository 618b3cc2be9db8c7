// Conversion between values of the program and payloads of a link. Code of the program that runs here may throw.
import { OUT_OF_MEMORY, THREW, VALUE, adopt, failed, failureOf, remote } from '../errors.js';
import { ADDRESS, LENGTH, STATUS, memory, scratch } from './scratch.js';
import { blobsIn } from '../values/blobs.js';
import { Decoder, adopters } from '../values/decode.js';
import { Encoder, checkBuffers } from '../values/encode.js';

adopters.set('CoincideError', adopt);

export class Values {
  /** Handles in the last encoded payload; null without any. */
  given = null;
  #strict;
  #references;
  #encoder;
  #decoder;

  /**
   * @param strict whether results that would lose parts are errors
   * @param references holds the objects that are not copied: see `Encoder` and `Decoder`
   * @param codec a separate codec, for values with other keys. Default: one for all links
   */
  constructor(strict, references, { encoder, decoder } = shared) {
    this.#strict = strict;
    this.#references = references;
    this.#encoder = encoder;
    this.#decoder = decoder;
  }

  /** Takes back the handles of the last encoded payload, which is not sent. */
  unsend() {
    if (this.given !== null) this.#references.unsent(this.given);
    this.given = null;
  }

  /** Encodes arguments into scratch memory. Throws a `Refusal`; if its `awaitsBlobs` is set, `blobs` is needed. `posting`: see `Encoder`. */
  encodeArguments(args, blobs, posting) {
    this.#encode(args, 'args', false, blobs, posting);
  }

  /** Like `encodeArguments`, without awaiting blobs. Throws the error of the call. */
  encodeArgumentsNow(args, fn, posting) {
    try {
      this.#encode(args, 'args', false, undefined, posting);
    } catch (refusal) {
      if (!refusal.awaitsBlobs) throw unsent(fn, refusal);
      throw unsent(fn, new Error('the bytes of a blob cannot be read synchronously here: read them first (`await blob.arrayBuffer()`) and send the buffer'));
    }
  }

  /** Encodes the result of the function `fn`. */
  encodeResult(value, fn, blobs, posting) {
    const encoder = this.#encode(value, 'result', this.isLenient, blobs, posting);
    if (!encoder.lost) return;
    const { at, length, buffers, parcel } = scratch;
    const { given } = this;
    warn(fn, encoder, value, blobs, posting, this.#references);
    // Code of the program that ran for the warning may have sent a payload or transferred a buffer.
    this.given = given;
    scratch.at = at;
    scratch.length = length;
    scratch.buffers = buffers;
    scratch.parcel = parcel;
    try {
      checkBuffers(buffers, 'result');
    } catch (refusal) {
      this.unsend();
      throw refusal;
    }
  }

  /** Encodes a thrown value, as completely as possible. Does not throw. */
  encodeThrown(thrown) {
    // `lenient` would send these as `undefined`.
    const isLost = typeof thrown === 'function' || typeof thrown === 'symbol';
    try {
      if (!this.#encode(thrown, 'thrown', true).lost || !isLost) return;
      this.unsend();
    } catch {
      // A part of the value throws.
    }
    try {
      this.#encode(bare(thrown), 'thrown', true);
    } catch {
      this.#encode(inWords(thrown).slice(0, LONGEST_TEXT), 'thrown', true);
    }
  }

  blobsIn(value, isResult) {
    return blobsIn(value, isResult && this.isLenient);
  }

  /** Whether results may lose parts. */
  get isLenient() {
    return !this.#strict;
  }

  /** Decodes the payload that wasm shows. `posted` has its posted objects. Throws `MISSING` while one of them has not arrived. */
  decode(posted) {
    const { words } = memory;
    const [at, length] = [words[ADDRESS], words[LENGTH]];
    const buffers = memory.buffers();
    memory.read();
    try {
      return this.#read(memory, at, length, buffers, posted);
    } catch (error) {
      if (error === MISSING) memory.giveBack(buffers);
      throw error;
    } finally {
      memory.readEnd();
    }
  }

  /** Releases the handles and objects of an unread payload: the one that wasm shows, or a copy. `isOurs`: the payload is one of this end that was not sent. */
  skip(posted, isOurs = false, copied = undefined) {
    const { words } = memory;
    if (copied) this.#skip(copied, 0, copied.bytes.length, copied.buffers, posted, false);
    else this.#skip(memory, words[ADDRESS], words[LENGTH], memory.buffers(), posted, isOurs);
  }

  #skip(source, at, length, buffers, posted, isOurs, read) {
    const numbers = this.#references.skip?.(source, at, length, buffers, isOurs, read);
    if (numbers?.length > 0) posted?.skipped(numbers, isOurs);
  }

  #read(source, at, length, buffers, posted) {
    let isRead = false;
    this.#decoder.references = this.#references;
    try {
      const value = this.#decoder.decode(source, at, length, buffers, posted);
      isRead = true;
      return value;
    } catch (error) {
      if (error !== MISSING) this.#skip(source, at, length, buffers, posted, false, this.#decoder.handles);
      throw error;
    } finally {
      if (posted !== undefined && posted.claims.length > 0) posted.claim(isRead);
    }
  }

  /** Copies the payload that wasm shows. */
  copy() {
    const { words } = memory;
    const [at, length] = [words[ADDRESS], words[LENGTH]];
    const buffers = memory.buffers()?.map((part, i) => (i % 2 === 0 ? part - at : part));
    const bytes = memory.bytes.slice(at, at + length);
    return { bytes, data: new DataView(bytes.buffer), buffers };
  }

  /** Like `outcome`, for the copy of a result. */
  outcomeOf(copied, fn, posted) {
    try {
      return this.#read(copied, 0, copied.bytes.length, copied.buffers, posted);
    } catch (error) {
      throw error === MISSING ? error : unreadable(error, fn);
    }
  }

  /**
   * The result of a call of `fn`, whose outcome wasm shows. Throws the error of a failed call, and `MISSING` as `decode` does.
   */
  outcome(fn, posted) {
    const status = memory.words[STATUS];
    if (status === VALUE) {
      try {
        return this.decode(posted);
      } catch (error) {
        throw error === MISSING ? error : unreadable(error, fn);
      }
    }
    if (status !== THREW) throw failureOf(status, memory.shownText(), fn);
    let thrown;
    try {
      thrown = this.decode();
    } catch (error) {
      throw unread(error, fn) ?? failed('Refused', `\`${fn}\` threw a value that cannot be read here: ${inWords(error)}`, fn);
    }
    throw remoteOrBare(thrown, fn);
  }

  #encode(value, root, lenient, blobs, posting) {
    // A getter of a value that is being encoded may call this method.
    const encoder = this.#encoder.isBusy ? new Encoder(scratch, this.#references) : this.#encoder;
    scratch.shrink();
    encoder.references = this.#references;
    this.given = null;
    encoder.encode(value, root, lenient, blobs, posting);
    this.given = encoder.given.length > 0 ? encoder.given : null;
    scratch.at = encoder.start;
    scratch.length = encoder.at - encoder.start;
    scratch.buffers = encoder.buffers;
    scratch.parcel = encoder.parcel;
    encoder.buffers = encoder.parcel = null;
    return encoder;
  }
}

/** The codec of all links: the format has no state between payloads. */
const shared = { encoder: new Encoder(scratch), decoder: new Decoder() };

/** Thrown by decoding while a posted object has not arrived. */
export const MISSING = { message: 'an object that was posted for it has not arrived' };

/** The error of a call whose arguments cannot be sent. */
export const unsent = (fn, { message, isOutOfMemory, overflow }) => {
  if (overflow) return overflow;
  if (isOutOfMemory) return failureOf(OUT_OF_MEMORY, `its arguments cannot be written: ${message}`, fn);
  return failed('Arguments', `the arguments of \`${fn}\` cannot be sent: ${message}`, fn);
};

/** The error of a call whose result cannot be read. */
const unreadable = (error, fn) => unread(error, fn) ?? failed('Result', `the result of \`${fn}\` cannot be read here: ${inWords(error)}`, fn);

/** The error of a call whose outcome cannot be read for lack of memory. */
const unread = (error, fn) => (error?.isOutOfMemory ? failureOf(OUT_OF_MEMORY, inWords(error), fn) : undefined);

/** Like `remote`. Returns the value unchanged if formatting its stack throws. */
const remoteOrBare = (thrown, fn) => {
  try {
    return remote(thrown, fn);
  } catch {
    return thrown;
  }
};

/** Warns once for each function whose results lose parts. */
const warn = (fn, encoder, value, blobs, posting, references) => {
  if (warned.has(fn)) return;
  warned.add(fn);
  const { active } = scratch;
  // Keeps the payload in place until it is sent.
  scratch.active = encoder;
  try {
    const path = new Encoder(scratch, references).traced(value, 'result', blobs, posting);
    console.warn(`coincide: ${path} of \`${fn}\` cannot be copied and was replaced: mark functions with \`callback(fn)\`; \`strict: true\` makes this an error`);
  } catch {
    // The warning is optional.
  } finally {
    scratch.active = active;
  }
};
const warned = new Set();

/** A separate codec, which caches other keys than those of calls. */
export const ownCodec = () => ({ encoder: new Encoder(scratch), decoder: new Decoder() });

export const isThenable = value =>
  value !== null && typeof value === 'object' && typeof value.then === 'function';

/** A value as text. */
export const inWords = value => {
  try {
    return String(value?.message ?? value);
  } catch {
    return 'something that cannot be shown';
  }
};

/** The replacement of a thrown value that cannot be sent: an error with name, message, stack, causes and primitive properties, or text. */
const bare = thrown => {
  try {
    if (thrown instanceof Error) return bareError(thrown, MOST_CAUSES);
  } catch {
    // Text remains.
  }
  return inWords(thrown).slice(0, LONGEST_TEXT);
};
const bareError = (thrown, causes) => {
  const error = new Error(read(thrown, 'message'));
  for (const key of ['name', 'stack'])
    Object.defineProperty(error, key, { value: read(thrown, key), writable: true, configurable: true });
  for (const key of Object.keys(thrown)) {
    const value = read(thrown, key);
    if (key !== 'cause' && isPlain(value)) Object.defineProperty(error, key, { value, writable: true, enumerable: true, configurable: true });
  }
  if (causes > 0 && Object.hasOwn(thrown, 'cause')) {
    const cause = read(thrown, 'cause');
    if (cause instanceof Error) error.cause = bareError(cause, causes - 1);
    else if (isPlain(cause)) error.cause = cause;
  }
  return error;
};

/** A property; undefined if reading it throws. */
const read = (object, key) => {
  try {
    return object[key];
  } catch {
    return undefined;
  }
};

const isPlain = value => value === null || !['object', 'function', 'symbol', 'undefined'].includes(typeof value);

const MOST_CAUSES = 64;

const LONGEST_TEXT = 1000;
