// Constants of the value format, which section 17 of `proto/SPEC.md` defines.

// Tags. Below `STRING` a tag is the number itself; `STRING`, `ARRAY` and `OBJECT` contain a length below the next tag.
export const STRING = 0x40, ARRAY = 0x60, OBJECT = 0x70, UNDEFINED = 0x80, NULL = 0x81, FALSE = 0x82, TRUE = 0x83, HOLE = 0x84,
  INTEGER = 0x85, NEGATIVE = 0x86, FLOAT = 0x87, BIGINT = 0x88, NEGATIVE_BIGINT = 0x89, LONG_STRING = 0x8a, WIDE_STRING = 0x8b,
  REGISTERED = 0x8c, WELL_KNOWN = 0x8d, DATE = 0x8e, REGEXP = 0x8f, LONG_ARRAY = 0x90, LONG_OBJECT = 0x91, MAP = 0x92, SET = 0x93,
  ERROR = 0x94, BOXED = 0x95, BUFFER = 0x96, RESIZABLE = 0x97, BYTES = 0x98, VIEW = 0x99, BLOB = 0x9a, FILE = 0x9b, IMAGE = 0x9c,
  REFERENCE = 0x9d, SHARED = 0x9e, HANDLE = 0x9f, POSTED = 0xa0;

/** Maximum number of numbered keys in a payload. */
export const MOST_KEYS = 127;

/** Maximum depth of a value. */
export const MAX_DEPTH = 256;

/** Classes of views, in the order of their numbers. */
export const VIEWS = ['DataView', 'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array',
  'Float16Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'];

/**
 * Whether a payload of this length may contain this number of blobs, files and resizable buffers: 1,024, and one for each KiB. Creating one takes tens of
 * microseconds; the limit keeps decoding linear in the bytes.
 */
export const mayContain = (costly, length) => costly <= 1024 + Math.floor(length / 1024);

export const TOO_COSTLY = 'more than 1,024 blobs, files and resizable buffers cannot be sent in one value if they hold less than a KiB each';

/**
 * Names of the own properties of errors that hold a source position, such as `lineNumber` in Firefox and `line` in WebKit. They are not enumerable.
 * Computed for the first error that is sent or received, because V8 parses a script again to create the first error in it.
 */
export const places = () => (known ??= Object.getOwnPropertyNames(new Error()).filter(name => !['name', 'message', 'stack', 'cause'].includes(name)));
let known;

/** Properties of errors that are sent although they are not enumerable. */
export const hiddenKeys = () => ['errors', ...places()];

/** Whether text has no lone surrogates. */
export const isWellFormed = text => text.isWellFormed?.() ?? !/\p{Surrogate}/u.test(text);

/** A thrown value as text, at most 1,000 code units. */
export const inWords = thrown => {
  try {
    return String(thrown?.message ?? thrown).slice(0, 1000);
  } catch {
    return 'something that cannot be shown';
  }
};
