// Hexadecimal, text and a reader of bytes: what all the other modules need.

/** What a reader throws when bytes break a rule. */
export class Malformed extends Error {
  name = 'Malformed';
}

/** The bytes of hexadecimal digits. */
export function fromHex(text) {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new Error(`not hexadecimal: ${text.slice(0, 40)}`);
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Bytes as hexadecimal digits. */
export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// Section 1: no byte order mark is added or taken away, so U+FEFF is a character like any other.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** The UTF-8 of a well-formed string. */
export const utf8 = (text) => encoder.encode(text);

/** The text that these bytes of UTF-8 are, or undefined if they are none. */
export function textOf(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Joins byte arrays. */
export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Little-endian bytes of a number or bigint below 2^(8 * size). */
export function little(size, number) {
  const bytes = new Uint8Array(size);
  let rest = BigInt(number);
  for (let i = 0; i < size; i++, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}

/** The DataView of a Uint8Array. */
export const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
