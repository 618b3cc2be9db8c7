// The codec without a link, for tests of values.
import { blobsIn } from '../modules/values/blobs.js';
import { Decoder } from '../modules/values/decode.js';
import { Encoder, Room } from '../modules/values/encode.js';

/** `references` keeps the objects that are sent as references, if there are any. */
export const codecKit = references => {
  const room = new Room();
  const one = new Encoder(room, references);
  const decoder = new Decoder(references);
  let lost;
  return {
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
    /** The bytes without those of large buffers, and these. */
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
  };
};
