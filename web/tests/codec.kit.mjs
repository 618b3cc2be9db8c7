// The codec without a link, for tests of values.
import { blobsIn } from '../modules/values/blobs.js';
import { Decoder } from '../modules/values/decode.js';
import { Encoder, Room } from '../modules/values/encode.js';
import { assert, deepEqual, equal } from './suite.mjs';

export const hex = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
export const unhex = text => Uint8Array.from(text.match(/../g) ?? [], pair => parseInt(pair, 16));

/** `references` keeps the objects that are sent as references, if there are any. */
export const codecKit = references => {
  const room = new Room();
  const one = new Encoder(room, references);
  const decoder = new Decoder(references);
  let lost;
  const codec = {
    encode: (value, { lenient = false, root = 'args', blobs, posting } = {}) => {
      const encoder = one.isBusy ? new Encoder(room, references) : one;
      encoder.encode(value, root, lenient, blobs, posting);
      const bytes = room.bytes.slice(encoder.start, encoder.at);
      lost = encoder.lost ? [value, root, blobs] : undefined;
      return bytes;
    },
    /** `buffers` are contents that `bytes` lacks. */
    decode: (bytes, buffers, posted) =>
      decoder.decode({ bytes, data: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) }, 0, bytes.length, buffers, posted),
    /** The bytes without large buffers, and the large buffers. */
    encodeApart: value => {
      const apart = new Room();
      apart.lends = true;
      const encoder = new Encoder(apart);
      encoder.encode(value, 'args');
      return [apart.bytes.slice(encoder.start, encoder.at), encoder.buffers];
    },
    /** The path of what the last `encode` has left out. */
    lost: () => lost && new Encoder(new Room(), references).traced(...lost),
    blobs: (value, { lenient = false } = {}) => blobsIn(value, lenient),
    /** Bytes of memory that encoding takes. */
    memory: () => room.bytes.length,
    /** Encodes and decodes a value. */
    again: (value, options) => codec.decode(codec.encode(value, options)),
    /** Checks that encoding a value throws an error with this text, and leaves the encoder usable. */
    refuses: (value, text, options) => {
      let error;
      try {
        codec.encode(value, options);
      } catch (thrown) {
        error = thrown;
      }
      assert(error, `${text}: was sent`);
      equal(error.message, text);
      deepEqual(codec.again({ a: [1] }), { a: [1] });
    },
  };
  return codec;
};
