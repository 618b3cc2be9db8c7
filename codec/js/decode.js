// Decodes values in one pass.
//
// The bytes are untrusted. Each length is checked against the remaining bytes before anything is allocated for it. No accessor that a program has added to a
// prototype runs: properties that exist on a prototype are defined, all others are assigned.
import {
  ARRAY, BIGINT, BLOB, BOXED, BUFFER, BYTES, DATE, ERROR, FALSE, FILE, FLOAT, HANDLE, HOLE, IMAGE, INTEGER, LONG_ARRAY, LONG_OBJECT, LONG_STRING, MAP,
  MAX_DEPTH, MOST_KEYS, NEGATIVE, NEGATIVE_BIGINT, NULL, OBJECT, POSTED, REFERENCE, REGEXP, REGISTERED, RESIZABLE, SET, SHARED, STRING, TOO_COSTLY, TRUE,
  UNDEFINED, VIEW, VIEWS, WELL_KNOWN, WIDE_STRING, hiddenKeys, isWellFormed, mayContain, places,
} from './format.js';

const { prototype: objects, defineProperty, getOwnPropertyDescriptor, is, keys: keysOf, setPrototypeOf } = Object;
const { prototype: arrays } = Array;
const { slice } = arrays;
const { fromCharCode } = String;
const { imul } = Math;
const { isSafeInteger, MAX_SAFE_INTEGER: MAX_SAFE } = Number;
const byteLengthOf = getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength').get;

// Worklets import this module and lack `TextDecoder`.
const decoder = globalThis.TextDecoder && new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** By class name: a function that makes a decoded error an instance of a class that is not a global. */
export const adopters = new Map();

/** Decodes values. Caches keys between payloads. */
export class Decoder {
  /**
   * @param references `incoming(owner, kind, id)` returns the object for a reference, `handle(owner, kind, id, description)` the object for a handle. If one of
   * these methods is missing, such items are refused. `settle(isRead)` is called after a payload with such items.
   */
  constructor(references) {
    this.references = references;
    this.posted = undefined;
    this.source = undefined;
    this.bytes = this.data = undefined;
    this.at = this.begin = this.end = 0;
    this.payload = 0;
    /** Keys of earlier payloads by a hash of their bytes. */
    this.kept = bareArray(KEPT);
    /** Keys of the payload by their numbers. */
    this.keys = bareArray(MOST_KEYS);
    this.numbered = 0;
    /** Objects by their numbers. */
    this.objects = bareArray(FEW_OBJECTS);
    this.counted = 0;
    this.costly = 0;
    /** Number of references and handles in the payload that were resolved. */
    this.handles = 0;
    /** The parameter `buffers` of `decode`, the position of the next one in the payload, and its index. */
    this.buffers = undefined;
    this.place = -1;
    this.next = 0;
    this.outside = 0;
  }

  /**
   * Decodes the value at `at` in `source.bytes`, of which `source.data` is a `DataView`.
   *
   * Resolving a reference may replace the memory; `source` then shows the new one. `buffers` holds contents that are not in the payload: for each, in order, its
   * position in `source.bytes`, and a `Uint8Array` of a whole buffer, which becomes a part of the value. `posted.incoming(owner, number)` returns a posted object
   * or throws; without `posted`, such objects are refused.
   *
   * Throws an `Error` if the bytes are malformed or the platform lacks a kind of value. Its `isOutOfMemory` is true if memory is lacking.
   */
  decode(source, at, length, buffers, posted) {
    this.source = source;
    this.posted = posted;
    this.refresh();
    this.at = this.begin = at;
    this.end = at + length;
    this.payload++;
    this.numbered = this.counted = this.costly = this.outside = this.handles = 0;
    this.buffers = buffers;
    this.next = 0;
    for (let i = 1; i < buffers?.length; i += 2) this.outside += buffers[i].length;
    this.locate();
    let isRead = false;
    try {
      const value = this.value(0);
      if (this.at !== this.end) throw malformed('bytes are left after the value');
      if (this.place >= 0) throw malformed(NO_CONTENT);
      isRead = true;
      return value;
    } catch (error) {
      throw isOverflow(error) ? new Error(NO_ROOM) : error;
    } finally {
      this.source = this.bytes = this.data = this.buffers = this.posted = undefined;
      this.forget();
      if (this.handles > 0) this.references.settle?.(isRead);
    }
  }

  /** Releases the decoded objects. */
  forget() {
    if (this.counted > FEW_OBJECTS) this.objects = bareArray(FEW_OBJECTS);
    else for (let i = this.counted - 1; i >= 0; i--) this.objects[i] = undefined;
  }

  refresh() {
    this.bytes = this.source.bytes;
    this.data = this.source.data;
  }

  value(depth) {
    if (depth > MAX_DEPTH) throw malformed('values are nested deeper than 256 levels');
    if (this.at >= this.end) throw ended();
    const tag = this.bytes[this.at++];
    if (tag < STRING) return tag;
    if (tag < ARRAY) return this.text(tag - STRING);
    if (tag < OBJECT) return this.array(tag - ARRAY, depth + 1);
    if (tag < UNDEFINED) return this.object(tag - OBJECT, depth + 1);
    return this.rare(tag, depth + 1);
  }

  /** `inner` is the depth of what the item contains. */
  rare(tag, inner) {
    switch (tag) {
      case UNDEFINED:
        return undefined;
      case NULL:
        return null;
      case FALSE:
        return false;
      case TRUE:
        return true;
      case HOLE:
        throw malformed('a hole stands outside of an array');
      case INTEGER: {
        const number = this.varint();
        if (number < 0x40 || number > MAX_SAFE) throw malformed('an integer is not in its shortest form or out of range');
        return number;
      }
      case NEGATIVE: {
        const number = this.varint();
        if (number >= MAX_SAFE) throw malformed('a negative integer is out of range');
        return -number - 1;
      }
      case FLOAT: {
        const number = this.float();
        if (isSafeInteger(number) && !is(number, -0)) throw malformed('an integer is written as a float');
        return number;
      }
      case BIGINT:
      case NEGATIVE_BIGINT:
        return this.bigint(tag === NEGATIVE_BIGINT);
      case LONG_STRING:
      case WIDE_STRING:
        return this.stringOf(tag);
      case REGISTERED:
      case WELL_KNOWN:
        return this.symbol(tag);
      case LONG_ARRAY:
        return this.array(this.count(1, 16), inner);
      case LONG_OBJECT:
        return this.object(this.count(2, 16), inner);
      case REFERENCE:
        return this.reference();
      case POSTED:
        return this.postedObject();
      case SHARED: {
        const number = this.varint();
        if (number >= this.counted) throw malformed('a shared object has an unknown number');
        return this.objects[number];
      }
      case MAP: {
        const map = this.made(new Map());
        for (let left = this.count(2, 0); left > 0; left--) {
          const key = this.value(inner);
          setOfMap.call(map, key, this.value(inner));
        }
        return map;
      }
      case SET: {
        const set = this.made(new Set());
        for (let left = this.count(1, 0); left > 0; left--) addToSet.call(set, this.value(inner));
        return set;
      }
      case DATE:
        return this.made(new Date(this.float()));
      case REGEXP: {
        const flags = this.name();
        const lastIndex = this.varint();
        if (lastIndex > MAX_SAFE) throw malformed('the lastIndex of a regular expression is out of range');
        const regexp = new RegExp(this.string(), flags);
        regexp.lastIndex = lastIndex;
        return this.made(regexp);
      }
      case ERROR:
        return this.error(inner);
      case HANDLE:
        return this.handle(inner);
      default: {
        if (tag > IMAGE) throw malformed('an item is of an unknown type');
        // An object is numbered before the objects in it.
        const place = this.counted;
        this.made(null);
        return (this.objects[place] = this.binary(tag, inner));
      }
    }
  }

  binary(tag, inner) {
    switch (tag) {
      case BOXED: {
        const next = this.bytes[this.at];
        if (this.at < this.end && next >= ARRAY && (next < FALSE || next > WELL_KNOWN || next === HOLE)) throw malformed('a boxed value is not a primitive');
        return Object(this.value(inner));
      }
      case BUFFER:
        return this.copy().buffer;
      case RESIZABLE: {
        this.pay();
        const maxByteLength = this.varint();
        const length = this.varint();
        if (length > maxByteLength || maxByteLength > MAX_SAFE) throw malformed('a buffer exceeds its maximum length');
        const content = this.content(length);
        const buffer = resizable(length, maxByteLength);
        if (!buffer.resizable) throw new TypeError('this platform has no resizable ArrayBuffer');
        new Uint8Array(buffer).set(content);
        return buffer;
      }
      case BYTES: {
        const bytes = this.copy();
        this.made(bytes.buffer);
        return bytes;
      }
      case VIEW:
        return this.view(inner);
      case BLOB: {
        this.pay();
        const type = this.name();
        return new Blob([this.copy()], { __proto__: null, type });
      }
      case FILE: {
        this.pay();
        const type = this.name();
        const lastModified = this.float();
        const bytes = this.copy();
        return new File([bytes], this.string(), { __proto__: null, type, lastModified });
      }
      default: {
        const width = this.varint(), height = this.varint();
        const colorSpace = this.name();
        if (width > MAX_WORD || height > MAX_WORD) throw malformed('an image is too large');
        const bytes = this.copy();
        // The product may be rounded, but not to a length that bytes have.
        if (4 * width * height !== bytes.length) throw malformed('an image has the wrong number of pixels');
        if (colorSpace !== 'srgb' && colorSpace !== 'display-p3') throw malformed('an image is in an unknown colour space');
        const image = new ImageData(new Uint8ClampedArray(bytes.buffer), width, height, { __proto__: null, colorSpace });
        if ((image.colorSpace ?? 'srgb') !== colorSpace) throw new TypeError(`this platform has no ImageData in ${colorSpace}`);
        return image;
      }
    }
  }

  view(inner) {
    const kind = this.byte();
    if (kind >= VIEWS.length) throw malformed('a view is of an unknown type');
    const offset = this.varint(), length = this.varint() - 1;
    const tag = this.bytes[this.at];
    const buffer = this.value(inner);
    if ((tag !== BUFFER && tag !== RESIZABLE && tag !== SHARED) || !isBuffer(buffer)) throw malformed('a view is not of a buffer');
    const size = SIZES[kind];
    if (length < 0 && !buffer.resizable) throw malformed('a view follows the length of a buffer that has a fixed one');
    const end = length < 0 ? offset : offset + length * size;
    if (offset % size !== 0 || end > byteLengthOf.call(buffer)) throw malformed('a view reaches beyond its buffer or is not aligned');
    const View = Views[kind];
    if (!View) throw new TypeError(`this platform has no ${VIEWS[kind]}`);
    return length < 0 ? new View(buffer, offset) : new View(buffer, offset, length);
  }

  reference() {
    const owner = this.byte(), kind = this.byte();
    if (owner > 1 || kind > 3) throw malformed('a reference is of an unknown kind');
    const id = this.varint();
    if (!this.references?.incoming) throw new TypeError('unexpected reference');
    // A rounded id would refer to another object.
    if (id > MAX_SAFE) throw new TypeError('the id of a reference is above 2^53 - 1');
    const object = this.references.incoming(owner, kind, id);
    this.handles++;
    this.refresh();
    return object;
  }

  handle(inner) {
    const owner = this.byte(), kind = this.byte();
    if (owner > 1 || kind > LAST_KIND) throw malformed('a handle is of an unknown kind');
    const id = this.varint();
    if (owner === 1 && this.at < this.end && this.bytes[this.at] !== UNDEFINED) throw malformed('a handle of an object of the receiver has a description');
    const description = this.value(inner);
    if (!this.references?.handle) throw new TypeError('unexpected handle');
    // A rounded id would refer to another object.
    if (id > MAX_SAFE) throw new TypeError('the id of a handle is above 2^53 - 1');
    this.handles++;
    const object = this.references.handle(owner, kind, id, description);
    this.refresh();
    return object;
  }

  postedObject() {
    const owner = this.byte();
    if (owner > 1) throw malformed('a posted object has an unknown owner');
    const number = this.varint();
    if (!this.posted) throw new TypeError('unexpected posted object');
    if (number > MAX_SAFE) throw new TypeError('the number of a posted object is above 2^53 - 1');
    return this.posted.incoming(owner, number);
  }

  /** Numbers an object and returns it. */
  made(object) {
    return (this.objects[this.counted++] = object);
  }

  array(length, inner) {
    if (length > this.end - this.at) throw tooLong();
    if (length > zeros.length) return this.longArray(length, inner);
    // Assigning to existing elements runs no setter of a prototype.
    const array = slice.call(zeros, 0, length);
    this.made(array);
    for (let i = 0; i < length; i++) {
      if (this.bytes[this.at] === HOLE && this.at < this.end) {
        this.at++;
        delete array[i];
      } else array[i] = this.value(inner);
    }
    return array;
  }

  longArray(length, inner) {
    const array = this.made([]);
    const isSafe = !hasIndices(arrays) && !hasIndices(objects);
    for (let i = 0; i < length; i++) {
      if (this.bytes[this.at] === HOLE && this.at < this.end) {
        this.at++;
        // Setting the length creates holes, also at the end.
        if (i + 1 === length || this.bytes[this.at] !== HOLE) array.length = i + 1;
      } else if (isSafe) array[i] = this.value(inner);
      else define(array, i, this.value(inner));
    }
    return array;
  }

  object(count, inner) {
    if (2 * count > this.end - this.at) throw tooLong();
    const object = {};
    this.made(object);
    for (; count > 0; count--) {
      const key = this.key();
      if (key.isFree) object[key.name] = this.value(inner);
      else define(object, key.name, this.value(inner));
    }
    return object;
  }

  key() {
    if (this.at >= this.end) throw ended();
    const number = this.bytes[this.at++];
    if (number === 0) return this.newKey();
    if (number > this.numbered) throw malformed('a key has an unknown number');
    return this.keys[number - 1];
  }

  /** A key that is written in full. */
  newKey() {
    if (this.at >= this.end) throw ended();
    const tag = this.bytes[this.at++];
    let key;
    if (tag >= STRING && tag < ARRAY) key = this.keptKey(tag - STRING);
    else if (tag === REGISTERED || tag === WELL_KNOWN) key = keyOf(this.symbol(tag));
    else key = keyOf(this.stringOf(tag));
    if (this.numbered < MOST_KEYS) this.keys[this.numbered++] = key;
    return key;
  }

  /** A key of this number of bytes, from the cache of earlier payloads if it is there. */
  keptKey(length) {
    const at = this.take(length);
    const { bytes } = this;
    let hash = length;
    for (let i = 0; i < length; i++) hash = imul(hash, 31) + bytes[at + i];
    const place = (hash ^ (hash >>> 10)) & (KEPT - 1);
    let key = this.kept[place];
    if (key === undefined || !matches(key.name, bytes, at, length)) {
      // Engines find properties faster by the key of an object, which is an internalized string.
      const [name] = keysOf({ __proto__: null, [this.decodeText(at, length)]: 0 });
      key = this.kept[place] = { name, isFree: false, payload: 0 };
    }
    // The prototype of all objects may have changed since the last payload.
    if (key.payload !== this.payload) {
      key.payload = this.payload;
      key.isFree = !(key.name in objects);
    }
    return key;
  }

  error(inner) {
    const flag = this.byte();
    if (flag > 1) throw malformed('an error has an unknown flag');
    const count = this.count(2, 0);
    const name = this.string(), message = this.string(), stack = this.string();
    const error = this.made(withoutStack(name, message));
    // These properties would name this file.
    for (const place of places()) Reflect.deleteProperty(error, place);
    if (error.name !== name) hide(error, 'name', name);
    hide(error, 'stack', stack);
    if (flag) hide(error, 'cause', this.value(inner));
    const unlisted = name === 'AggregateError' ? hiddenKeys() : places();
    if (2 * count > this.end - this.at) throw tooLong();
    for (let left = count; left > 0; left--) {
      const key = this.key().name;
      if (unlisted.includes(key)) hide(error, key, this.value(inner));
      else define(error, key, this.value(inner));
    }
    adopters.get(name)?.(error);
    return error;
  }

  symbol(tag) {
    const name = this.name();
    if (tag === REGISTERED) return Symbol.for(name);
    const symbol = getOwnPropertyDescriptor(Symbol, name)?.value;
    if (typeof symbol !== 'symbol') throw new TypeError(`this platform has no Symbol.${name}`);
    return symbol;
  }

  bigint(isNegative) {
    const length = this.length();
    const at = this.take(length);
    const { bytes } = this;
    if (length > 0 ? bytes[at + length - 1] === 0 : isNegative) throw malformed('a bigint is not in its shortest form');
    let magnitude;
    if (length > 8) magnitude = longBigint(bytes.subarray(at, at + length));
    else {
      magnitude = 0n;
      if (length > 4) magnitude = BigInt(this.low(at + 4, length - 4)) << 32n;
      magnitude |= BigInt(this.low(at, Math.min(length, 4)));
    }
    return isNegative ? -magnitude : magnitude;
  }

  /** An integer of up to 4 bytes. */
  low(at, length) {
    let number = 0;
    for (let i = length - 1; i >= 0; i--) number = number * 256 + this.bytes[at + i];
    return number;
  }

  /** A string. Throws for any other item. */
  string() {
    if (this.at >= this.end) throw ended();
    return this.stringOf(this.bytes[this.at++]);
  }

  stringOf(tag) {
    if (tag >= STRING && tag < ARRAY) return this.text(tag - STRING);
    if (tag === LONG_STRING) {
      const length = this.varint();
      if (length < 32) throw malformed('a string is not in its shortest form');
      return this.text(length);
    }
    if (tag !== WIDE_STRING) throw malformed('an item is not a string');
    const units = this.varint();
    return this.wide(this.content(2 * units), units);
  }

  /** A string that must be well-formed. */
  name() {
    if (this.bytes[this.at] === WIDE_STRING && this.at < this.end) throw malformed('a name has a lone surrogate');
    return this.string();
  }

  text(length) {
    if (this.place >= 0 && this.at === this.place) return utf8(this.content(length));
    return this.decodeText(this.take(length), length);
  }

  /** Decodes text. For short text, groups of characters are faster than the platform's decoder and than single characters. */
  decodeText(at, length) {
    const { bytes } = this;
    const end = at + length;
    if (length > LONGEST_BY_HAND) return utf8(bytes.subarray(at, end));
    let text = '', bits = 0, next = at;
    for (; next + 8 <= end; next += 8) {
      const a = bytes[next], b = bytes[next + 1], c = bytes[next + 2], d = bytes[next + 3];
      const e = bytes[next + 4], f = bytes[next + 5], g = bytes[next + 6], h = bytes[next + 7];
      bits |= a | b | c | d | e | f | g | h;
      text += fromCharCode(a, b, c, d, e, f, g, h);
    }
    if (next + 4 <= end) {
      const a = bytes[next], b = bytes[next + 1], c = bytes[next + 2], d = bytes[next + 3];
      bits |= a | b | c | d;
      text += fromCharCode(a, b, c, d);
      next += 4;
    }
    switch (end - next) {
      case 3:
        bits |= bytes[next] | bytes[next + 1] | bytes[next + 2];
        text += fromCharCode(bytes[next], bytes[next + 1], bytes[next + 2]);
        break;
      case 2:
        bits |= bytes[next] | bytes[next + 1];
        text += fromCharCode(bytes[next], bytes[next + 1]);
        break;
      case 1:
        bits |= bytes[next];
        text += fromCharCode(bytes[next]);
    }
    return bits < 0x80 ? text : utf8(bytes.subarray(at, end));
  }

  wide({ buffer, byteOffset }, units) {
    const data = new DataView(buffer, byteOffset);
    const codes = new Uint16Array(units);
    for (let i = 0; i < units; i++) codes[i] = data.getUint16(2 * i, true);
    let text = '';
    for (let i = 0; i < units; i += 4096) text += fromCharCode.apply(null, codes.subarray(i, i + 4096));
    if (isWellFormed(text)) throw malformed('a string without lone surrogates is not UTF-8');
    return text;
  }

  /** A copy of the bytes after their length. */
  copy() {
    const length = this.varint();
    if (this.place >= 0 && this.at === this.place) return this.content(length);
    const at = this.take(length);
    try {
      return sliceOfBytes.call(this.bytes, at, at + length);
    } catch {
      throw outOfMemory();
    }
  }

  /** Skips a content and returns it: the next buffer if that belongs here, otherwise a view of the bytes. */
  content(length) {
    const { at, place } = this;
    if (place < 0 || at !== place) return this.bytes.subarray(this.take(length), at + length);
    const content = this.buffers[this.next + 1];
    if (content.length !== length) throw malformed(NO_CONTENT);
    this.next += 2;
    this.locate();
    return content;
  }

  /** Sets the position of the next buffer. */
  locate() {
    this.place = this.next < this.buffers?.length ? this.buffers[this.next] : -1;
  }

  /** Counts an object that is slow to create. Throws if there are too many. */
  pay() {
    if (!mayContain(++this.costly, this.outside + this.end - this.begin)) throw new TypeError(TOO_COSTLY);
  }

  /** A count of items of at least `least` bytes each. Counts below `short` have a shorter form and are malformed. */
  count(least, short) {
    const count = this.varint();
    if (count < short) throw malformed('a length is not in its shortest form');
    if (count * least > this.end - this.at) throw tooLong();
    return count;
  }

  length() {
    const length = this.varint();
    if (length > this.end - this.at) throw ended();
    return length;
  }

  /** Skips bytes and returns where they begin. */
  take(length) {
    const { at } = this;
    if (length > this.end - at) throw ended();
    this.at = at + length;
    return at;
  }

  byte() {
    if (this.at >= this.end) throw ended();
    return this.bytes[this.at++];
  }

  float() {
    return this.data.getFloat64(this.take(8), true);
  }

  /** A varint. Above 2^53 it is rounded. */
  varint() {
    let byte = this.byte();
    if (byte < 0x80) return byte;
    let number = byte & 0x7f;
    for (let factor = 0x80, size = 1; ; factor *= 0x80, size++) {
      byte = this.byte();
      if (byte === 0 || (size === 9 && byte > 1)) throw malformed('a varint is too long');
      number += (byte & 0x7f) * factor;
      if (byte < 0x80) return number;
    }
  }
}

const malformed = rule => new Error(`malformed payload: ${rule}`);
const ended = () => malformed('the payload ends in the middle of a value');
const tooLong = () => malformed('a length exceeds the bytes that are left');

const NO_CONTENT = 'a segment is not the content of an item';

const isOverflow = ({ name, message }) => (name === 'RangeError' || name === 'InternalError') && /call stack|recursion/i.test(message);
const NO_ROOM = 'the stack has too little room for a value that is nested this deep';

const resizable = (length, maxByteLength) => {
  try {
    return new ArrayBuffer(length, { __proto__: null, maxByteLength });
  } catch {
    throw outOfMemory();
  }
};

const outOfMemory = () => Object.assign(new Error('there is no memory to read it'), { isOutOfMemory: true });

const utf8 = bytes => {
  try {
    return decoder.decode(bytes);
  } catch {
    throw malformed('a string is not UTF-8');
  }
};

const isBuffer = value => {
  try {
    byteLengthOf.call(value);
    return true;
  } catch {
    return false;
  }
};

const matches = (name, bytes, at, length) => {
  if (name.length !== length) return false;
  for (let i = 0; i < length; i++) if (name.charCodeAt(i) !== bytes[at + i]) return false;
  return true;
};

const longBigint = bytes => {
  try {
    return bytes.length > LARGEST_JOINED ? bigintOf(bytes) : joined(bytes);
  } catch {
    throw new RangeError(`this platform has no bigint of ${bytes.length} bytes`);
  }
};

/** The bigint with this magnitude, parsed from hexadecimal digits. */
const bigintOf = bytes => {
  const digits = new Uint8Array(2 + 2 * bytes.length);
  digits[0] = 0x30;
  digits[1] = 0x78;
  for (let i = bytes.length - 1, at = 2; i >= 0; i--) {
    digits[at++] = hex[bytes[i] >> 4];
    digits[at++] = hex[bytes[i] & 15];
  }
  return BigInt(decoder.decode(digits));
};

/** The same, joined from halves, because WebKit parses digits in quadratic time. */
const joined = bytes => {
  const { length } = bytes;
  if (length <= LARGEST_READ) return bigintOf(bytes);
  const half = 1 << (31 - Math.clz32(length - 1));
  return (joined(bytes.subarray(half)) << BigInt(8 * half)) | joined(bytes.subarray(0, half));
};

const hex = Uint8Array.from('0123456789abcdef', digit => digit.charCodeAt(0));

// Most bytes that are parsed at once, and that are joined. Platforms with larger bigints parse digits in linear time.
const LARGEST_READ = 512, LARGEST_JOINED = 1 << 17;

/** A key. `isFree`: assigning to it defines an own property and runs no setter. */
const keyOf = name => ({ name, isFree: !(name in objects), payload: 0 });

/** Whether a prototype has elements. Indices are the first keys of an object. */
const hasIndices = proto => /^\d/.test(String(Reflect.ownKeys(proto)[0]));

/** An array without a prototype, so that assigning an element runs no setter. */
const bareArray = length => {
  const array = setPrototypeOf([], null);
  for (let i = 0; i < length; i++) array[i] = undefined;
  return array;
};

const zeros = new Array(1024).fill(0);

// Without prototypes, because descriptors inherit `get` and `set`.
const shown = { __proto__: null, value: undefined, writable: true, enumerable: true, configurable: true };
const hidden = { __proto__: null, value: undefined, writable: true, enumerable: false, configurable: true };

const defined = (object, key, value, descriptor) => {
  descriptor.value = value;
  defineProperty(object, key, descriptor);
  descriptor.value = undefined;
};
const define = (object, key, value) => defined(object, key, value, shown);
const hide = (object, key, value) => defined(object, key, value, hidden);

const { set: setOfMap } = Map.prototype;
const { add: addToSet } = Set.prototype;
const { slice: sliceOfBytes } = Uint8Array.prototype;

/** An error of the global class of this name. Runs no code of the program. */
const errorOf = (name, message) => {
  if (typeof DOMException === 'function' && domNames.has(name)) return new DOMException(message, name);
  const error = message === '' ? new Error() : new Error(message);
  const proto = name === 'Error' ? undefined : getOwnPropertyDescriptor(globalThis, name)?.value?.prototype;
  if (proto instanceof Error) setPrototypeOf(error, proto);
  return error;
};

/** The same without capturing a stack, which is slow. The decoded error has its own. */
const withoutStack = (name, message) => {
  const limit = getOwnPropertyDescriptor(Error, 'stackTraceLimit');
  if (!limit?.writable) return errorOf(name, message);
  Error.stackTraceLimit = 0;
  try {
    return errorOf(name, message);
  } finally {
    Error.stackTraceLimit = limit.value;
  }
};

// Without `SyntaxError`, which is a class of JavaScript.
const domNames = new Set(['AbortError', 'ConstraintError', 'DataCloneError', 'DataError', 'EncodingError', 'HierarchyRequestError',
  'InUseAttributeError', 'IndexSizeError', 'InvalidAccessError', 'InvalidCharacterError', 'InvalidModificationError',
  'InvalidNodeTypeError', 'InvalidStateError', 'NamespaceError', 'NetworkError', 'NoModificationAllowedError', 'NotAllowedError',
  'NotFoundError', 'NotReadableError', 'NotSupportedError', 'OperationError', 'QuotaExceededError', 'ReadOnlyError', 'SecurityError',
  'TimeoutError', 'TransactionInactiveError', 'TypeMismatchError', 'URLMismatchError', 'UnknownError', 'VersionError',
  'WrongDocumentError']);

/** The platform's classes of views, by number; undefined for missing ones. */
const Views = VIEWS.map(name => globalThis[name]);

/** Bytes of an element of each view. */
const SIZES = [1, 1, 1, 1, 2, 2, 4, 4, 2, 4, 8, 8, 8];

const MAX_WORD = 2 ** 32 - 1;

/** The highest kind of a handle. */
const LAST_KIND = 5;

/** Size of the list of objects that is reused between payloads. */
const FEW_OBJECTS = 32;

/** Size of the cache of keys: a power of two. */
const KEPT = 1024;

/** Longest text in bytes that is not decoded by the platform. */
const LONGEST_BY_HAND = 32;
