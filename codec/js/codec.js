// The codec of programs in Rust: see `src/js.rs`.
import { Decoder } from './decode.js';
import { Encoder, Room } from './encode.js';
import { inWords } from './format.js';

export class Codec {
  #room = new Room();
  #references;
  #encoder;
  #decoder;
  /** The bytes of the last value. */
  #encoded;

  constructor(references) {
    this.#references = references;
    this.#encoder = new Encoder(this.#room, references);
    this.#decoder = new Decoder(references);
  }

  /** Encodes a value for `fetch`. Returns the number of its bytes. */
  encode(value, root, lenient) {
    // A getter of a value that is being encoded may call this method.
    const encoder = this.#encoder.isBusy ? new Encoder(this.#room, this.#references) : this.#encoder;
    if (!this.#room.active) this.#room.shrink();
    encoder.encode(value, root, lenient);
    this.#encoded = this.#room.bytes.subarray(encoder.start, encoder.at);
    return this.#encoded.length;
  }

  /** Copies the encoded value to `target` and drops it. */
  fetch(target) {
    target.set(this.#encoded);
    this.#encoded = undefined;
  }

  decode(bytes) {
    return this.#decoder.decode({ bytes, data: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) }, 0, bytes.length);
  }

  /** Whether encoding or decoding failed for lack of memory. */
  lacksMemory(error) {
    return error?.isOutOfMemory === true;
  }

  text(error) {
    return inWords(error);
  }
}
