// The typed format, section 18: only the schema hash, since postcard is specified elsewhere.

import { utf8 } from './bytes.mjs';

/** FNV-1a with 64 bits of the text of a shape, in hexadecimal. */
export function schemaHash(shape) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of utf8(shape)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0');
}
