// The typed format, section 18: only the schema hash, since postcard is specified elsewhere.

import { utf8 } from './bytes.mjs';

/** FNV-1a with 64 bits of a text, in hexadecimal. */
export function fnv(text) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of utf8(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0');
}

/** The hash of the shape of a function's arguments and result. */
export const schemaHash = fnv;
