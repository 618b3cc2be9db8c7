// Reads the bytes of blobs, which on pages is asynchronous, before a value with blobs is encoded.
import { UNDEFINED } from './format.js';
import { Encoder, Room } from './encode.js';

/** Resolves with the bytes of each blob in a value, by blob. Walks the value as `Encoder` does, including getters, but not into objects of the platform. */
export const blobsIn = async (value, lenient) => {
  const finder = new Finder(new Room());
  try {
    finder.encode(value, '', lenient);
  } catch {
    // Encoding the value reports the error.
  }
  const { found } = finder;
  for (const blob of found.keys()) found.set(blob, await blob.arrayBuffer());
  return found;
};

class Finder extends Encoder {
  found = new Map();

  bytesOfBlob(blob) {
    this.found.set(blob, null);
    return new Uint8Array(0);
  }

  foreign(value, depth, isJson) {
    if (this.offersJson(value, isJson)) this.json(value, depth);
    else this.nothing();
  }

  uncopied() {
    this.nothing();
  }

  refuse() {}

  nothing() {
    this.ensure(1);
    this.bytes[this.at++] = UNDEFINED;
  }
}
