// The value format, section 17: bytes to JavaScript values and back.

import { Malformed, concat, little, textOf, utf8, viewOf } from './bytes.mjs';

const MAX_DEPTH = 256;
const MAX_KEYS = 127;
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const MAX_U64 = 2n ** 64n - 1n;

// ---- Values for which the platform has no class, or none whose content can be read at once ----

/** An object of one of the two ends; its id is a bigint. */
export class Reference {
  constructor(owner, kind, id) {
    Object.assign(this, { owner, kind, id });
  }
}

/** An object that one of the two ends has posted beside the payload; its number is a bigint. */
export class Posted {
  constructor(owner, number) {
    Object.assign(this, { owner, number });
  }
}

/** A handle of an object that stays at one of the two ends; its id is a bigint. */
export class Handle {
  constructor(owner, kind, id, description) {
    Object.assign(this, { owner, kind, id, description });
  }
}

/** A `Blob`: the platform's can't be read synchronously. */
export class BlobValue {
  constructor(type, bytes) {
    Object.assign(this, { type, bytes });
  }
}

/** A `File`. */
export class FileValue extends BlobValue {
  constructor(type, bytes, lastModified, name) {
    super(type, bytes);
    Object.assign(this, { lastModified, name });
  }
}

/** An `ImageData`: browsers only. */
export class ImageValue {
  constructor(width, height, colorSpace, bytes) {
    Object.assign(this, { width, height, colorSpace, bytes });
  }
}

/** A resizable `ArrayBuffer` whose limit is beyond what the platform can reserve. */
export class LargeBuffer {
  resizable = true;
  constructor(bytes, maxByteLength) {
    Object.assign(this, { bytes, maxByteLength });
  }
  get byteLength() {
    return this.bytes.length;
  }
}

/** A view for which the platform has no class: a `Float16Array`, and any view of a `LargeBuffer`. */
export class OtherView {
  constructor(type, buffer, byteOffset, length) {
    Object.assign(this, { type, buffer, byteOffset, length });
  }
}

/** The types of views by their number, with the size of their elements. */
export const VIEWS = [
  ['DataView', 1], ['Int8Array', 1], ['Uint8Array', 1], ['Uint8ClampedArray', 1], ['Int16Array', 2],
  ['Uint16Array', 2], ['Int32Array', 4], ['Uint32Array', 4], ['Float16Array', 2], ['Float32Array', 4],
  ['Float64Array', 8], ['BigInt64Array', 8], ['BigUint64Array', 8],
];

const OWNERS = ['sender', 'receiver'];
const KINDS = ['object', 'array', 'function', 'symbol'];
const HANDLE_KINDS = ['function', 'methods', 'exposed', 'stream', 'signal', 'controller'];

// JavaScript doesn't tell whether a view follows the length of its buffer, so this is noted when one is made.
const following = new WeakSet();

/** A buffer, resizable if it has a maximal length. */
export function makeBuffer(bytes, max) {
  if (max === undefined) return bytes.slice().buffer;
  let buffer;
  try {
    buffer = new ArrayBuffer(bytes.length, { maxByteLength: max });
  } catch {
    return new LargeBuffer(bytes.slice(), max);
  }
  new Uint8Array(buffer).set(bytes);
  return buffer;
}

/** A view; it follows the length of its buffer if it has no length. */
export function makeView(type, buffer, offset, length) {
  const Class = globalThis[type];
  let view;
  if (!Class || buffer instanceof LargeBuffer) view = new OtherView(type, buffer, offset, length);
  else if (length !== undefined) view = new Class(buffer, offset, length);
  else view = followingView(Class, buffer, offset);
  if (length === undefined) following.add(view);
  return view;
}

/** A view that follows its buffer. V8 before 12 makes one only while the buffer's length is a multiple of the elements'. */
function followingView(Class, buffer, offset) {
  const bytes = new Uint8Array(buffer).slice();
  buffer.resize(bytes.length - (bytes.length % (Class.BYTES_PER_ELEMENT ?? 1)));
  const view = new Class(buffer, offset);
  buffer.resize(bytes.length);
  new Uint8Array(buffer).set(bytes);
  return view;
}

/** Type, offset, length in elements (undefined if it follows its buffer) and buffer of a view. */
export function partsOfView(view) {
  if (view instanceof OtherView) return { ...view, offset: view.byteOffset };
  const type = view instanceof DataView ? 'DataView' : view[Symbol.toStringTag];
  const length = following.has(view) ? undefined : view.length ?? view.byteLength;
  return { type, offset: view.byteOffset, length, buffer: view.buffer };
}

/** Whether this is a `Uint8Array` over the whole of a buffer that isn't resizable: what tag 98 stands for. */
export const isBytes = (value) => value instanceof Uint8Array && !value.buffer.resizable &&
  value.byteOffset === 0 && value.byteLength === value.buffer.byteLength;

export const isBuffer = (value) => value instanceof ArrayBuffer || value instanceof LargeBuffer;
export const isView = (value) => ArrayBuffer.isView(value) || value instanceof OtherView;

/** The bytes of a buffer. */
export const bytesOf = (buffer) => (buffer instanceof LargeBuffer ? buffer.bytes : new Uint8Array(buffer));

/** An error without cause and properties, of a class of the language or of another by name. */
export function makeError(name, message, stack) {
  const classes = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, AggregateError };
  const Class = Object.hasOwn(classes, name) ? classes[name] : Error;
  const error = Class === AggregateError ? new Class([], message) : new Class(message);
  if (Class === AggregateError) delete error.errors; // comes with the properties
  if (error.name !== name) define(error, 'name', name, false);
  define(error, 'stack', stack, false);
  return error;
}

/** The keys of an error that are its properties: all own ones, also hidden ones such as `errors`. */
export const keysOfError = (error) =>
  Reflect.ownKeys(error).filter((key) => !['name', 'message', 'stack', 'cause'].includes(key));

/** The keys of a plain object that are its properties. */
export const keysOfObject = (object) =>
  Reflect.ownKeys(object).filter((key) => Object.prototype.propertyIsEnumerable.call(object, key));

/** Gives an object a property of its own, `__proto__` too. */
export function define(object, key, value, enumerable = true) {
  Object.defineProperty(object, key, { value, enumerable, configurable: true, writable: true });
}

/** The name of a well-known symbol without `Symbol.`, or undefined. */
export const nameOfWellKnown = (symbol) =>
  Object.getOwnPropertyNames(Symbol).find((name) => Symbol[name] === symbol);

/** The well-known symbol of a name. */
export function wellKnown(name) {
  const symbol = Object.hasOwn(Symbol, name) ? Symbol[name] : undefined;
  if (typeof symbol !== 'symbol') throw new Malformed(`there is no Symbol.${name}`);
  return symbol;
}

const isPrimitive = (value) =>
  ['boolean', 'number', 'bigint', 'string', 'symbol'].includes(typeof value);

// ---- Reading ----

/** Decodes a value that fills the bytes. Throws `Malformed`. */
export function decode(bytes) {
  const reader = new Reader(bytes);
  const value = reader.item(0);
  if (reader.left > 0) throw new Malformed('bytes are left behind the item');
  return value;
}

const HOLE = Symbol('hole');

class Reader {
  at = 0;
  keys = []; // key number n is keys[n - 1]
  objects = [];

  constructor(bytes) {
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }

  get left() {
    return this.bytes.length - this.at;
  }

  take(length) {
    if (length > this.left) throw new Malformed('the bytes end in the middle of an item');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  byte() {
    return this.take(1)[0];
  }

  f64() {
    this.take(8);
    return this.view.getFloat64(this.at - 8, true);
  }

  /** A varint, as a bigint. */
  varint() {
    let number = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      number |= BigInt(byte & 0x7f) << shift;
      if (number > MAX_U64) throw new Malformed('a varint is not below 2^64');
      if (byte < 0x80) {
        if (byte === 0 && shift > 0n) throw new Malformed('a varint is longer than need be');
        return number;
      }
      if (shift >= 63n) throw new Malformed('a varint is not below 2^64');
    }
  }

  /** A length or count of entries that take at least `unit` of the remaining bytes each. */
  count(unit = 1, least = 0) {
    const count = this.varint();
    if (count < least) throw new Malformed('a length is in a longer form than need be');
    return this.fits(count, unit);
  }

  fits(count, unit) {
    if (BigInt(count) * BigInt(unit) > BigInt(this.left)) throw new Malformed('a count exceeds the bytes that are left');
    return Number(count);
  }

  blob() {
    return this.take(this.count());
  }

  utf8(length) {
    const text = textOf(this.take(length));
    if (text === undefined) throw new Malformed('text is not UTF-8');
    return text;
  }

  /** *string* if `units` are allowed, otherwise *text*. */
  string(units = true, tag = this.byte()) {
    if (tag >= 0x40 && tag <= 0x5f) return this.utf8(tag - 0x40);
    if (tag === 0x8a) return this.utf8(this.count(1, 32));
    if (tag !== 0x8b || !units) throw new Malformed('there is no string where one must be');
    const length = this.count(2);
    let text = '';
    for (let i = 0; i < length; i++) text += String.fromCharCode(this.byte() | (this.byte() << 8));
    if (text.isWellFormed()) throw new Malformed('a well-formed string is written by its code units');
    return text;
  }

  text() {
    return this.string(false);
  }

  symbol(tag) {
    return tag === 0x8c ? Symbol.for(this.text()) : wellKnown(this.text());
  }

  key() {
    const number = this.varint();
    if (number > 0n) {
      if (number > BigInt(this.keys.length)) throw new Malformed('there is no key of that number');
      return this.keys[Number(number) - 1];
    }
    const tag = this.byte();
    const key = tag === 0x8c || tag === 0x8d ? this.symbol(tag) : this.string(true, tag);
    if (this.keys.length < MAX_KEYS) this.keys.push(key);
    return key;
  }

  /** Numbers an object, which may be created after its number. */
  number(object) {
    return this.objects.push(object) - 1;
  }

  properties(object, count, depth) {
    for (; count > 0; count--) {
      const key = this.key();
      const hidden = object instanceof AggregateError && key === 'errors';
      define(object, key, this.item(depth + 1), !hidden);
    }
    return object;
  }

  array(count, depth) {
    const array = [];
    this.number(array);
    array.length = count;
    for (let i = 0; i < count; i++) {
      const element = this.item(depth + 1, true);
      if (element !== HOLE) array[i] = element;
    }
    return array;
  }

  object(count, depth) {
    const object = {};
    this.number(object);
    return this.properties(object, count, depth);
  }

  /** An item at this depth. */
  item(depth, inArray = false) {
    const tag = this.byte();
    if (tag === 0x84) {
      if (!inArray) throw new Malformed('a hole is not in an array');
      return HOLE;
    }
    if (depth > MAX_DEPTH) throw new Malformed('a value is too deep');
    if (tag <= 0x3f) return tag;
    if (tag <= 0x5f) return this.string(true, tag);
    if (tag <= 0x6f) return this.array(this.fits(tag - 0x60, 1), depth);
    if (tag <= 0x7f) return this.object(this.fits(tag - 0x70, 2), depth);
    switch (tag) {
      case 0x80: return undefined;
      case 0x81: return null;
      case 0x82: return false;
      case 0x83: return true;
      case 0x85: {
        const number = this.varint();
        if (number < 64n || number > MAX_SAFE) throw new Malformed('an integer is out of range for its form');
        return Number(number);
      }
      case 0x86: {
        const number = this.varint();
        if (number >= MAX_SAFE) throw new Malformed('an integer is out of range');
        return -1 - Number(number);
      }
      case 0x87: {
        const number = this.f64();
        if (Number.isSafeInteger(number) && !Object.is(number, -0)) {
          throw new Malformed('an integer is not written as one');
        }
        return number;
      }
      case 0x88:
      case 0x89: {
        const magnitude = this.blob();
        if (magnitude.at(-1) === 0) throw new Malformed('a bigint is longer than need be');
        if (magnitude.length === 0 && tag === 0x89) throw new Malformed('zero is written as negative');
        const number = magnitude.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
        return tag === 0x88 ? number : -number;
      }
      case 0x8a:
      case 0x8b: return this.string(true, tag);
      case 0x8c:
      case 0x8d: return this.symbol(tag);
      case 0x8e: {
        const date = new Date(this.f64());
        this.number(date);
        return date;
      }
      case 0x8f: {
        const [flags, lastIndex, source] = [this.text(), this.varint(), this.string()];
        if (lastIndex > MAX_SAFE) throw new Malformed('a lastIndex is beyond 2^53 - 1');
        let regexp;
        try {
          regexp = new RegExp(source, flags);
        } catch (error) {
          throw new Malformed(error.message);
        }
        regexp.lastIndex = Number(lastIndex);
        this.number(regexp);
        return regexp;
      }
      case 0x90: return this.array(this.count(1, 16), depth);
      case 0x91: return this.object(this.count(2, 16), depth);
      case 0x92: {
        const map = new Map();
        this.number(map);
        for (let count = this.count(2); count > 0; count--) {
          const key = this.item(depth + 1);
          map.set(key, this.item(depth + 1));
        }
        return map;
      }
      case 0x93: {
        const set = new Set();
        this.number(set);
        for (let count = this.count(); count > 0; count--) set.add(this.item(depth + 1));
        return set;
      }
      case 0x94: return this.error(depth);
      case 0x95: {
        const number = this.number(undefined);
        const primitive = this.item(depth + 1);
        if (!isPrimitive(primitive)) throw new Malformed('what is boxed is no primitive');
        return (this.objects[number] = Object(primitive));
      }
      case 0x96: {
        const buffer = makeBuffer(this.blob());
        this.number(buffer);
        return buffer;
      }
      case 0x97: {
        const max = this.varint();
        if (max > MAX_SAFE) throw new Malformed('the limit of a buffer is beyond 2^53 - 1');
        const bytes = this.blob();
        if (bytes.length > max) throw new Malformed('a buffer is longer than its limit');
        const buffer = makeBuffer(bytes, Number(max));
        this.number(buffer);
        return buffer;
      }
      case 0x98: {
        const array = this.blob().slice();
        this.number(array);
        this.number(array.buffer);
        return array;
      }
      case 0x99: return this.viewOfBuffer(depth);
      case 0x9a: {
        const blob = new BlobValue(this.text(), this.blob().slice());
        this.number(blob);
        return blob;
      }
      case 0x9b: {
        const [type, lastModified, bytes, name] = [this.text(), this.f64(), this.blob(), this.string()];
        const file = new FileValue(type, bytes.slice(), lastModified, name);
        this.number(file);
        return file;
      }
      case 0x9c: {
        const [width, height, colorSpace] = [this.varint(), this.varint(), this.text()];
        if (width >= 2n ** 32n || height >= 2n ** 32n) throw new Malformed('an image is too large');
        if (!['srgb', 'display-p3'].includes(colorSpace)) throw new Malformed('there is no such colour space');
        const bytes = this.blob();
        if (BigInt(bytes.length) !== 4n * width * height) throw new Malformed('an image has another length');
        const image = new ImageValue(Number(width), Number(height), colorSpace, bytes.slice());
        this.number(image);
        return image;
      }
      case 0x9d: {
        const [owner, kind] = [OWNERS[this.byte()], KINDS[this.byte()]];
        if (!owner || !kind) throw new Malformed('a reference has an unknown owner or kind');
        return new Reference(owner, kind, this.varint());
      }
      case 0x9e: {
        const number = this.varint();
        // The object itself is missing while its own tag is still being read: a view can't be its buffer.
        if (number >= this.objects.length) throw new Malformed('there is no object of that number');
        return this.objects[Number(number)];
      }
      case 0xa0: {
        const owner = OWNERS[this.byte()];
        if (!owner) throw new Malformed('a posted object has an unknown owner');
        return new Posted(owner, this.varint());
      }
      case 0x9f: {
        const [owner, kind] = [OWNERS[this.byte()], HANDLE_KINDS[this.byte()]];
        if (!owner || !kind) throw new Malformed('a handle has an unknown owner or kind');
        const id = this.varint();
        const isUndefined = this.bytes[this.at] === 0x80;
        const description = this.item(depth + 1);
        if (owner === 'receiver' && !isUndefined) throw new Malformed('a handle of an object of the receiver has a description');
        return new Handle(owner, kind, id, description);
      }
      default: throw new Malformed('there is no such tag');
    }
  }

  error(depth) {
    const number = this.number(undefined);
    const flag = this.byte();
    if (flag > 1) throw new Malformed('the flag of an error is not 0 or 1');
    const count = this.count(2);
    const error = makeError(this.string(), this.string(), this.string());
    this.objects[number] = error;
    if (flag === 1) define(error, 'cause', this.item(depth + 1), false);
    return this.properties(error, count, depth);
  }

  viewOfBuffer(depth) {
    const number = this.number(undefined);
    const type = VIEWS[this.byte()];
    if (!type) throw new Malformed('there is no such type of views');
    const [offset, lengthPlus1] = [this.varint(), this.varint()];
    const buffer = this.item(depth + 1);
    if (!isBuffer(buffer)) throw new Malformed('a view is not of a buffer');
    const [name, size] = type;
    const follows = lengthPlus1 === 0n;
    const end = offset + (follows ? 0n : (lengthPlus1 - 1n) * BigInt(size));
    if (follows && !buffer.resizable) throw new Malformed('a view follows a buffer of fixed length');
    if (offset % BigInt(size) !== 0n) throw new Malformed('the offset of a view is not aligned');
    if (end > BigInt(buffer.byteLength)) throw new Malformed('a view reaches beyond its buffer');
    const view = makeView(name, buffer, Number(offset), follows ? undefined : Number(lengthPlus1) - 1);
    return (this.objects[number] = view);
  }
}

// ---- Writing ----

/** Encodes a value in the form that section 17 requires of writers. */
export function encode(value) {
  const writer = new Writer();
  writer.item(value, 0);
  return concat(...writer.parts);
}

class Writer {
  parts = [];
  keys = new Map(); // the lowest number of each key that is text
  keysWritten = 0;
  numbers = new Map(); // of objects

  bytes(...bytes) {
    this.parts.push(Uint8Array.from(bytes));
  }

  varint(number) {
    let rest = BigInt(number);
    for (; rest > 0x7fn; rest >>= 7n) this.bytes(Number(rest & 0x7fn) | 0x80);
    this.bytes(Number(rest));
  }

  f64(number) {
    const bytes = new Uint8Array(8);
    // The bits of a NaN are unspecified in JavaScript; the format recommends these.
    if (Number.isNaN(number)) bytes.set([0xf8, 0x7f], 6);
    else viewOf(bytes).setFloat64(0, number, true);
    this.parts.push(bytes);
  }

  blob(bytes) {
    this.varint(bytes.length);
    this.parts.push(bytes.slice());
  }

  /** A tag that contains the count if that fits, otherwise another tag followed by the count. */
  tagged(short, room, long, count) {
    if (count < room) this.bytes(short + count);
    else {
      this.bytes(long);
      this.varint(count);
    }
  }

  string(text) {
    if (text.isWellFormed()) {
      const bytes = utf8(text);
      this.tagged(0x40, 32, 0x8a, bytes.length);
      this.parts.push(bytes);
    } else {
      this.bytes(0x8b);
      this.varint(text.length);
      for (let i = 0; i < text.length; i++) this.parts.push(little(2, text.charCodeAt(i)));
    }
  }

  symbol(symbol) {
    const name = nameOfWellKnown(symbol);
    const text = name ?? Symbol.keyFor(symbol);
    if (!text?.isWellFormed()) throw new TypeError('a symbol that the other end does not know');
    this.bytes(name === undefined ? 0x8c : 0x8d);
    this.string(text);
  }

  key(key) {
    const text = typeof key === 'string' && key.isWellFormed();
    if (text && this.keys.has(key)) {
      this.varint(this.keys.get(key));
      return;
    }
    this.bytes(0);
    if (typeof key === 'symbol') this.symbol(key);
    else this.string(key);
    if (this.keysWritten < MAX_KEYS) {
      this.keysWritten += 1;
      if (text) this.keys.set(key, this.keysWritten);
    }
  }

  properties(object, keys, depth) {
    for (const key of keys) {
      this.key(key);
      this.item(object[key], depth + 1);
    }
  }

  number(value) {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.bytes(0x87);
      this.f64(value);
    } else if (value < 0) {
      this.bytes(0x86);
      this.varint(-1 - value);
    } else if (value < 64) this.bytes(value);
    else {
      this.bytes(0x85);
      this.varint(value);
    }
  }

  bigint(value) {
    const bytes = [];
    for (let rest = value < 0n ? -value : value; rest > 0n; rest >>= 8n) bytes.push(Number(rest & 0xffn));
    this.bytes(value < 0n ? 0x89 : 0x88);
    this.blob(Uint8Array.from(bytes));
  }

  item(value, depth) {
    if (depth > MAX_DEPTH) throw new RangeError('a value is too deep');
    switch (typeof value) {
      case 'undefined': return this.bytes(0x80);
      case 'boolean': return this.bytes(value ? 0x83 : 0x82);
      case 'number': return this.number(value);
      case 'bigint': return this.bigint(value);
      case 'string': return this.string(value);
      case 'symbol': return this.symbol(value);
      case 'object': return value === null ? this.bytes(0x81) : this.object(value, depth);
      default: throw new TypeError('functions travel as references only');
    }
  }

  object(value, depth) {
    if (value instanceof Reference) {
      this.bytes(0x9d, OWNERS.indexOf(value.owner), KINDS.indexOf(value.kind));
      return this.varint(value.id);
    }
    if (value instanceof Posted) {
      this.bytes(0xa0, OWNERS.indexOf(value.owner));
      return this.varint(value.number);
    }
    if (value instanceof Handle) {
      this.bytes(0x9f, OWNERS.indexOf(value.owner), HANDLE_KINDS.indexOf(value.kind));
      this.varint(value.id);
      return this.item(value.description, depth + 1);
    }
    if (this.numbers.has(value)) {
      this.bytes(0x9e);
      return this.varint(this.numbers.get(value));
    }
    // "Of a buffer of its own": once the buffer has a number, only a view can name it.
    const asBytes = isBytes(value) && !this.numbers.has(value.buffer);
    this.numbers.set(value, this.numbers.size);
    if (asBytes) {
      this.numbers.set(value.buffer, this.numbers.size);
      this.bytes(0x98);
      return this.blob(value);
    }
    return this.newObject(value, depth);
  }

  newObject(value, depth) {
    if (Array.isArray(value)) {
      this.tagged(0x60, 16, 0x90, value.length);
      for (let i = 0; i < value.length; i++) {
        if (i in value) this.item(value[i], depth + 1);
        else this.bytes(0x84);
      }
    } else if (value instanceof Date) {
      this.bytes(0x8e);
      this.f64(value.getTime());
    } else if (value instanceof RegExp) {
      this.bytes(0x8f);
      this.string(value.flags);
      this.varint(value.lastIndex);
      this.string(value.source);
    } else if (value instanceof Map) {
      this.bytes(0x92);
      this.varint(value.size);
      for (const pair of value) for (const item of pair) this.item(item, depth + 1);
    } else if (value instanceof Set) {
      this.bytes(0x93);
      this.varint(value.size);
      for (const item of value) this.item(item, depth + 1);
    } else if (value instanceof Error) {
      const cause = Object.hasOwn(value, 'cause');
      const keys = keysOfError(value);
      this.bytes(0x94, cause ? 1 : 0);
      this.varint(keys.length);
      for (const text of [value.name, value.message, value.stack]) this.string(text);
      if (cause) this.item(value.cause, depth + 1);
      this.properties(value, keys, depth);
    } else if (isBuffer(value)) {
      this.bytes(value.resizable ? 0x97 : 0x96);
      if (value.resizable) this.varint(value.maxByteLength);
      this.blob(bytesOf(value));
    } else if (isView(value)) {
      const { type, offset, length, buffer } = partsOfView(value);
      this.bytes(0x99, VIEWS.findIndex(([name]) => name === type));
      this.varint(offset);
      this.varint(length === undefined ? 0 : length + 1);
      this.item(buffer, depth + 1);
    } else if (value instanceof FileValue) {
      this.bytes(0x9b);
      this.string(value.type);
      this.f64(value.lastModified);
      this.blob(value.bytes);
      this.string(value.name);
    } else if (value instanceof BlobValue) {
      this.bytes(0x9a);
      this.string(value.type);
      this.blob(value.bytes);
    } else if (value instanceof ImageValue) {
      this.bytes(0x9c);
      this.varint(value.width);
      this.varint(value.height);
      this.string(value.colorSpace);
      this.blob(value.bytes);
    } else if ([Boolean, Number, BigInt, String, Symbol].some((Class) => value instanceof Class)) {
      this.bytes(0x95);
      this.item(value.valueOf(), depth + 1);
    } else {
      const keys = keysOfObject(value);
      this.tagged(0x70, 16, 0x91, keys.length);
      this.properties(value, keys, depth);
    }
  }
}
