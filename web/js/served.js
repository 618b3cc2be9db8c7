// Functions of the program that the other end calls.
import { answer } from './coincide.js';
import { run } from './errors.js';
import { memory, scratch } from './scratch.js';
import { inWords, isThenable } from './values.js';

/** A function in the form that wasm calls. Its `this` is null, and a promise is awaited. */
export class Served {
  #values;
  #name;
  #fn;

  constructor(values, name, fn) {
    this.#values = values;
    this.#name = name;
    this.#fn = fn;
  }

  /**
   * Called by wasm with arguments: nothing that the program throws may leave this method. Returns a status, and writes where the result is in
   * scratch memory to `place`. After `LATER`, `answer` receives them with the token.
   */
  serve(at, length, place, token) {
    try {
      const status = this.#serve(at, length, token);
      if (status !== LATER) {
        const { data } = memory;
        data.setUint32(place, scratch.at, true);
        data.setUint32(place + 4, scratch.length, true);
      }
      return status;
    } catch {
      return NO_ROOM;
    }
  }

  #serve(at, length, token) {
    let args;
    try {
      args = this.#values.decode(at, length);
    } catch (error) {
      return this.#refuse(BAD_ARGUMENTS, inWords(error));
    }
    if (!Array.isArray(args)) return this.#refuse(BAD_ARGUMENTS, 'the arguments are not an array');
    let value;
    let isLater;
    try {
      if (typeof this.#fn !== 'function') throw new TypeError(`${this.#name} is not a function`);
      value = run(this.#fn, null, args);
      isLater = isThenable(value);
    } catch (error) {
      return this.#threw(error);
    }
    const status = isLater ? undefined : this.#returned(value);
    if (status !== undefined) return status;
    settled(value, (value, hasRejected) => void this.#answer(value, hasRejected, token));
    return LATER;
  }

  /** Answers with what a promise has settled with, or with a value whose blobs have to be read. */
  async #answer(value, hasRejected, token) {
    // No pause between encoding and answering: other values use the same memory.
    const send = status => answer(token, status, scratch.at, scratch.length);
    try {
      if (hasRejected) {
        // It may have been thrown at once, and wasm does not know the token before `serve` has returned.
        await undefined;
        return send(this.#threw(value));
      }
      const status = this.#returned(value);
      if (status !== undefined) return send(status);
      let blobs;
      try {
        blobs = await this.#values.blobsIn(value, true);
      } catch (error) {
        return send(this.#refuse(BAD_RESULT, `a blob in it cannot be read: ${inWords(error)}`));
      }
      send(this.#returned(value, blobs) ?? this.#refuse(BAD_RESULT, 'it has another blob each time that it is read'));
    } catch {
      // coincide has failed, which ends the call.
    }
  }

  /** Encodes a result. Returns undefined if the bytes of blobs are needed for that. */
  #returned(value, blobs) {
    try {
      this.#values.encodeResult(value, this.#name, blobs);
      return RETURNED;
    } catch (refusal) {
      return refusal.awaitsBlobs ? undefined : this.#refuse(refusal.isOutOfMemory ? OUT_OF_MEMORY : BAD_RESULT, refusal.message);
    }
  }

  #threw(error) {
    this.#values.encodeThrown(error);
    return THREW;
  }

  #refuse(status, why) {
    scratch.write(why);
    return status;
  }
}

/** Calls `done` later with what a promise, or an object of its shape, settles with. Its name is that of `run`: see `errors.js`. */
const { 'coincide:run': settled } = {
  async 'coincide:run'(value, done) {
    let hasRejected = false;
    try {
      value = await value;
    } catch (error) {
      value = error;
      hasRejected = true;
    }
    done(value, hasRejected);
  },
};

// `function.rs` has the same list.
const RETURNED = 0, THREW = 1, BAD_ARGUMENTS = 2, BAD_RESULT = 3, LATER = 4, OUT_OF_MEMORY = 5, NO_ROOM = 6;
