// Encodes values in one pass.
//
// Getters, proxies and `toJSON` of the program run during the walk and may encode other values. A nested encoder writes to the same room, behind the bytes of
// the one that it interrupts.
import {
  ARRAY, BIGINT, BLOB, BOXED, BUFFER, BYTES, DATE, ERROR, FALSE, FILE, FLOAT, HANDLE, HOLE, IMAGE, INTEGER, LONG_ARRAY, LONG_OBJECT, LONG_STRING, MAP,
  MAX_DEPTH, MOST_KEYS, NEGATIVE, NEGATIVE_BIGINT, NULL, OBJECT, POSTED, REFERENCE, REGEXP, REGISTERED, RESIZABLE, SET, SHARED, STRING, TOO_COSTLY, TRUE, UNDEFINED,
  VIEW, VIEWS, WELL_KNOWN, WIDE_STRING, hiddenKeys, isWellFormed, mayContain,
} from './format.js';
import { classOf, isBuffer, isHollow, isInBounds, isOrdinary, isTracking, methodFor, nameOfView, unboxed } from './classes.js';
import { Refusal, isOverflow } from './refusal.js';

const { prototype: objects, keys: keysOf, hasOwn, getPrototypeOf, getOwnPropertySymbols } = Object;
const { propertyIsEnumerable } = objects;
const { isArray } = Array;
const { isView } = ArrayBuffer;
const { isSafeInteger } = Number;
const getTime = Date.prototype.getTime;
const eachOfMap = Map.prototype.forEach;
const eachOfSet = Set.prototype.forEach;

const wellKnown = new Map(
  ['asyncIterator', 'hasInstance', 'isConcatSpreadable', 'iterator', 'match', 'matchAll', 'replace', 'search', 'species', 'split', 'toPrimitive',
    'toStringTag', 'unscopables'].map(name => [Symbol[name], name]));

const encoder = globalThis.TextEncoder && new TextEncoder();

const big = new BigUint64Array(1);
const bigBytes = new Uint8Array(big.buffer);

/** Property of objects that cannot be sent. Its value names the object in the error. */
const unsendable = Symbol.for('coincide:unsendable');

/** Memory that encoders write to. `bytes` and `data` are views of all of it. */
export class Room {
  bytes = new Uint8Array(0);
  data = new DataView(this.bytes.buffer);
  /** The innermost active encoder. */
  active = null;
  /** Whether encoders send large buffers from where they are: see `buffers` of `Encoder`. */
  lends = false;

  /** Grows `bytes` to at least this length, with its contents. Throws if there is too little memory. */
  grow(length) {
    const bytes = new Uint8Array(Math.max(length, 2 * this.bytes.length, SMALL));
    bytes.set(this.bytes);
    this.bytes = bytes;
    this.data = new DataView(bytes.buffer);
  }

  /** Frees large memory. Called while no encoder is active. */
  shrink() {
    if (this.bytes.length > LARGE) this.bytes = new Uint8Array(0);
  }
}

/** Encodes values into a room. Caches keys between payloads. */
export class Encoder {
  /**
   * @param room a `Room`
   * @param references holds objects that are not copied. `known(object)` is called for each object first, `outgoing(value)` for each value that cannot be
   * copied. Both return `[owner, kind, id]` for a reference, `[owner, kind, id, description]` for a handle, or undefined. `unsent(references)` receives their
   * results if the value is refused. The optional `advice` ends the error for a function.
   */
  constructor(room, references) {
    this.room = room;
    this.references = references;
    this.bytes = room.bytes;
    this.data = room.data;
    /** Where the payload begins, and the position of the next item. */
    this.start = 0;
    this.at = 0;
    /** The encoder that this one interrupts. */
    this.outer = null;
    this.isBusy = false;
    /** For each buffer that is not copied into the payload: the offset where its bytes belong, and a view of it. Null without any. */
    this.buffers = null;
    this.lenient = false;
    /** Whether a part was left out. */
    this.lost = false;
    /** Whether to throw at the first part that is left out. */
    this.tracing = false;
    this.blobs = undefined;
    /** Decides which objects are posted beside the payload; undefined if none are. See `posted/sending.js` of the package. */
    this.posting = undefined;
    this.parcel = null;
    this.costly = 0;
    /** References and handles in the last payload. */
    this.given = [];
    /** Objects in the order of their numbers. With more than `FEW_OBJECTS`, `numbers` maps objects to numbers. */
    this.few = new Array(FEW_OBJECTS).fill(null);
    this.counted = 0;
    this.numbers = null;
    /** Keys by text: `keys` are cached between payloads, `passing` belong to this payload. */
    this.keys = new Map();
    this.passing = new Map();
    this.payload = 0;
    this.numbered = 0;
    /** By depth, the keys of the last object at that depth. */
    this.shapes = [];
  }

  /**
   * Encodes a value. Its bytes are those from `start` to `at`, until an encoder writes to the room again.
   *
   * Throws a `Refusal`, whose path begins with `root`, if a part of the value cannot be sent. With `lenient`, functions, symbols and objects of the
   * platform become `undefined`, the result of their `toJSON` or their own data, and `lost` is set. `blobs` holds the bytes of blobs, as `blobsIn` returns
   * them. `posting.take(object, this)` is called for each object of the platform that is not copied. It returns `[owner, number]` if the object is posted, and
   * adds it to `parcel`.
   */
  encode(value, root, lenient = false, blobs = undefined, posting = undefined) {
    const { room } = this;
    const outer = room.active;
    this.begin(outer);
    room.active = this;
    this.lenient = lenient;
    this.blobs = blobs;
    this.posting = posting;
    try {
      this.value(value, 0);
      if (this.buffers !== null) {
        checkBuffers(this.buffers, root);
        // Room for the list of buffers behind the payload.
        this.ensure(6 * this.buffers.length);
      }
      if (!mayContain(this.costly, this.lentBytes() + this.at - this.start)) throw new Refusal(TOO_COSTLY);
    } catch (error) {
      this.unsent();
      throw Refusal.of(error).from(root);
    } finally {
      room.active = outer;
      if (outer !== null) outer.refresh();
      this.end();
    }
  }

  /** Where a nested encoder begins. Never 0, because taking a payload at 0 may take the whole room. */
  get nested() {
    return this.at + 1;
  }

  begin(outer) {
    this.isBusy = true;
    this.refresh();
    this.start = this.at = outer === null ? 0 : outer.nested;
    this.buffers = null;
    this.parcel = null;
    this.lost = false;
    this.costly = 0;
    this.numbered = 0;
    if (this.given.length > 0) this.given = [];
    this.payload++;
    if (this.keys.size >= MOST_KEPT) {
      this.keys.clear();
      this.shapes = [];
    }
  }

  end() {
    this.isBusy = false;
    for (let i = Math.min(this.counted, FEW_OBJECTS) - 1; i >= 0; i--) this.few[i] = null;
    this.counted = 0;
    this.numbers = null;
    this.blobs = undefined;
    this.posting = undefined;
    if (this.passing.size > 0) this.passing.clear();
  }

  /** Bytes of the buffers that are not copied into the payload. */
  lentBytes() {
    let sum = 0;
    for (let i = 1; i < this.buffers?.length; i += 2) sum += this.buffers[i].length;
    return sum;
  }

  /** Takes back the references of a payload that is not sent. */
  unsent() {
    if (this.given.length > 0) this.references.unsent?.(this.given);
    this.given = [];
  }

  /** The path of the first part that `lenient` leaves out. Encodes the value again. */
  traced(value, root, blobs, posting) {
    this.tracing = true;
    try {
      this.encode(value, root, true, blobs, posting);
      this.unsent();
      return root;
    } catch (refusal) {
      return refusal.path(root);
    } finally {
      this.tracing = false;
    }
  }

  refresh() {
    this.bytes = this.room.bytes;
    this.data = this.room.data;
  }

  /**
   * Makes room for more bytes. Each item begins with this call, because code of the program may detach or enlarge the room. Methods that write a few bytes do
   * not check again.
   */
  ensure(more) {
    // A view of detached memory has the length 0.
    if (this.at + more > this.bytes.length) this.enlarge(this.at + more);
  }

  enlarge(length) {
    if (length > this.room.bytes.length) {
      try {
        this.room.grow(length);
      } catch (error) {
        throw isOverflow(error) ? Refusal.of(error) : Refusal.ofMemory();
      }
    }
    this.refresh();
  }

  value(value, depth) {
    if (depth > MAX_DEPTH) throw tooDeep();
    this.ensure(FEW);
    switch (typeof value) {
      case 'number':
        if (value >>> 0 === value && value < 0x40 && (value !== 0 || 1 / value > 0)) this.bytes[this.at++] = value;
        else this.number(value);
        return;
      case 'string':
        return this.text(value);
      case 'object':
        if (value === null) this.bytes[this.at++] = NULL;
        else this.object(value, depth);
        return;
      case 'boolean':
        this.bytes[this.at++] = value ? TRUE : FALSE;
        return;
      case 'undefined':
        this.bytes[this.at++] = UNDEFINED;
        return;
      case 'bigint':
        return this.bigint(value);
      case 'symbol':
        if (!this.symbol(value)) this.uncopied(value, LOCAL_SYMBOL, depth);
        return;
      default:
        this.uncopied(value, `a function cannot be sent${this.references?.advice ?? ''}`, depth);
    }
  }

  /** A number that does not fit into its tag. */
  number(value) {
    if (value >>> 0 === value && value >= 0x40) {
      this.bytes[this.at++] = INTEGER;
      this.varint(value);
    } else if (isSafeInteger(value) && (value !== 0 || 1 / value > 0)) {
      this.bytes[this.at++] = value < 0 ? NEGATIVE : INTEGER;
      this.varint(value < 0 ? -value - 1 : value);
    } else {
      this.bytes[this.at++] = FLOAT;
      this.float(value);
    }
  }

  float(value) {
    const { data, at } = this;
    // All NaNs have one encoding.
    if (value === value) data.setFloat64(at, value, true);
    else {
      data.setUint32(at, 0, true);
      data.setUint32(at + 4, 0x7ff80000, true);
    }
    this.at += 8;
  }

  /** An integer up to 2^53 - 1. */
  varint(value) {
    const { bytes } = this;
    for (; value > 0x7fffffff; value = Math.floor(value / 128)) bytes[this.at++] = (value % 128) | 0x80;
    for (; value > 0x7f; value >>>= 7) bytes[this.at++] = (value & 0x7f) | 0x80;
    bytes[this.at++] = value;
  }

  tagged(tag, number) {
    this.bytes[this.at++] = tag;
    this.varint(number);
  }

  /** Writes a string. Leaves room for a few more bytes. */
  text(value) {
    const { length } = value;
    if (length > LONGEST_BY_HAND) return this.longText(value);
    this.ensure(3 * length + FEW);
    const { bytes } = this;
    // Assumes one byte per code unit, as in ASCII.
    const head = length < 32 ? 1 : 2;
    const start = this.at + head;
    let at = start;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit < 0x80) bytes[at++] = unit;
      else if (unit < 0x800) {
        bytes[at++] = 0xc0 | (unit >> 6);
        bytes[at++] = 0x80 | (unit & 0x3f);
      } else if (unit < 0xd800 || unit > 0xdfff) {
        bytes[at++] = 0xe0 | (unit >> 12);
        bytes[at++] = 0x80 | ((unit >> 6) & 0x3f);
        bytes[at++] = 0x80 | (unit & 0x3f);
      } else {
        const code = value.codePointAt(i++);
        if (code < 0x10000) return this.wide(value);
        bytes[at++] = 0xf0 | (code >> 18);
        bytes[at++] = 0x80 | ((code >> 12) & 0x3f);
        bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
        bytes[at++] = 0x80 | (code & 0x3f);
      }
    }
    this.head(at - start, head);
  }

  longText(value) {
    if (!isWellFormed(value)) return this.wide(value);
    const { length } = value;
    const head = 1 + sizeOf(length);
    const start = this.at + head;
    // Text that is not ASCII takes up to 3 bytes per code unit.
    let room = length;
    let at = start;
    for (let read = 0; read < length; ) {
      this.enlargeFor(at + room + FEW);
      const done = encoder.encodeInto(read > 0 ? value.slice(read) : value, this.bytes.subarray(at, at + room));
      read += done.read;
      at += done.written;
      room = 3 * (length - read);
    }
    this.head(at - start, head);
    this.ensure(FEW);
  }

  /** Writes the tag and the length of a text before its bytes, for which `head` bytes were left free. */
  head(length, head) {
    const { bytes, at } = this;
    const needed = length < 32 ? 1 : 1 + sizeOf(length);
    if (needed !== head) bytes.copyWithin(at + needed, at + head, at + head + length);
    if (length < 32) bytes[this.at++] = STRING + length;
    else this.tagged(LONG_STRING, length);
    this.at += length;
  }

  enlargeFor(length) {
    if (length > this.bytes.length) this.enlarge(length);
  }

  /** Text with lone surrogates. */
  wide(value) {
    const { length } = value;
    this.ensure(2 * length + 2 * FEW);
    const { bytes } = this;
    this.tagged(WIDE_STRING, length);
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      bytes[this.at++] = unit & 0xff;
      bytes[this.at++] = unit >> 8;
    }
  }

  bigint(value) {
    const isNegative = value < 0n;
    const magnitude = isNegative ? -value : value;
    const tag = isNegative ? NEGATIVE_BIGINT : BIGINT;
    big[0] = magnitude;
    if (big[0] !== magnitude) return this.longBigint(tag, magnitude.toString(16));
    let length = 8;
    while (length > 0 && bigBytes[length - 1] === 0) length--;
    const { bytes } = this;
    bytes[this.at++] = tag;
    bytes[this.at++] = length;
    for (let i = 0; i < length; i++) bytes[this.at++] = bigBytes[i];
  }

  longBigint(tag, digits) {
    const length = (digits.length + 1) >> 1;
    this.ensure(length + 2 * FEW);
    this.tagged(tag, length);
    const { bytes, at } = this;
    let end = digits.length;
    for (let i = 0; i < length; i++, end -= 2) bytes[at + i] = nibble(digits, end - 1) | (end > 1 ? nibble(digits, end - 2) << 4 : 0);
    this.at += length;
  }

  /** Writes a registered or well-known symbol. Returns false for any other. */
  symbol(value) {
    const name = wellKnown.get(value);
    const key = name ?? Symbol.keyFor(value);
    if (key === undefined) return false;
    if (!isWellFormed(key)) throw new Refusal('a symbol whose key has lone surrogates cannot be sent');
    this.bytes[this.at++] = name === undefined ? REGISTERED : WELL_KNOWN;
    this.text(key);
    return true;
  }

  /** Writes the reference or handle of a value that cannot be copied, or leaves it out. */
  uncopied(value, why, depth) {
    const reference = this.references?.outgoing(value);
    if (reference) return this.reference(reference, depth);
    this.leaveOut(why);
    this.ensure(FEW);
    this.bytes[this.at++] = UNDEFINED;
  }

  /** Writes a reference, or a handle with its description. */
  reference(reference, depth) {
    const [owner, kind, id] = reference;
    const isHandle = reference.length > 3;
    this.given.push(reference);
    this.ensure(FEW);
    const { bytes } = this;
    bytes[this.at++] = isHandle ? HANDLE : REFERENCE;
    bytes[this.at++] = owner;
    bytes[this.at++] = kind;
    this.varint(id);
    if (isHandle) this.value(reference[3], depth + 1);
  }

  /** Records that a part is left out. Throws unless `lenient` allows it. */
  leaveOut(why) {
    if (!this.lenient || this.tracing) throw new Refusal(why);
    this.lost = true;
  }

  /** Writes an object. `isJson`: it is the result of a `toJSON`, so its own `toJSON` is not called. */
  object(value, depth, isJson = false) {
    const known = this.references?.known(value);
    if (known) return this.reference(known, depth);
    const number = this.find(value);
    if (number >= 0) {
      this.ensure(FEW);
      return this.tagged(SHARED, number);
    }
    if (isArray(value)) return this.array(value, depth);
    const proto = getPrototypeOf(value);
    if (proto === objects) return this.offersJson(value, isJson) ? this.json(value, depth) : this.plain(value, depth, this.keysOf(value));
    if (isView(value)) return this.view(value, depth);
    const method = methodFor(value);
    this.ensure(2 * FEW);
    if (method !== undefined) return this[method](value, depth);
    if (value instanceof Error) return this.error(value, depth);
    const what = value[unsendable];
    if (typeof what === 'string') throw new Refusal(`${what} cannot be sent`);
    if (!isOrdinary(proto)) return this.foreign(value, depth, isJson);
    if (this.offersJson(value, isJson)) return this.json(value, depth);
    const keys = this.keysOf(value);
    if (keys.length === 0 && isHollow(value)) this.refuse(value);
    this.plain(value, depth, keys);
  }

  /** An object of the platform. */
  foreign(value, depth, isJson = false) {
    const reference = this.references?.outgoing(value);
    if (reference) return this.reference(reference, depth);
    const posted = this.posting?.take(value, this);
    if (posted) return this.posted(posted);
    if (this.offersJson(value, isJson)) return this.json(value, depth);
    this.refuse(value);
    this.plain(value, depth, this.keysOf(value));
  }

  /** Writes the item of an object that is posted beside the payload. */
  posted([owner, number]) {
    this.ensure(FEW);
    this.bytes[this.at++] = POSTED;
    this.bytes[this.at++] = owner;
    this.varint(number);
  }

  /** Refuses an object of the platform. `lenient` sends its own data. */
  refuse(value) {
    this.leaveOut(`an object of class ${String(value.constructor?.name || classOf(value))} cannot be sent`);
  }

  /** Whether an object is replaced by the result of its `toJSON`. */
  offersJson(value, isJson) {
    return this.lenient && !isJson && typeof value.toJSON === 'function';
  }

  json(value, depth) {
    const plain = value.toJSON();
    if (typeof plain === 'object' && plain !== null) this.object(plain, depth, true);
    else this.value(plain, depth);
  }

  /** The number of an object, or -1. */
  find(value) {
    if (this.numbers !== null) return this.numbers.get(value) ?? -1;
    const { few } = this;
    for (let i = this.counted - 1; i >= 0; i--) if (few[i] === value) return i;
    return -1;
  }

  /** Numbers an object. */
  count(value) {
    const number = this.counted++;
    if (number < FEW_OBJECTS) this.few[number] = value;
    else {
      if (number === FEW_OBJECTS) this.numbers = new Map(this.few.map((object, number) => [object, number]));
      this.numbers.set(value, number);
    }
  }

  array(value, depth) {
    // The `length` of a proxy may be any value.
    const length = value.length >>> 0;
    if (length > MOST_HOLES && isSparse(value, length)) throw new Refusal('an array of hardly anything but holes cannot be sent');
    this.count(value);
    this.ensure(FEW);
    if (length < 16) this.bytes[this.at++] = ARRAY + length;
    else this.tagged(LONG_ARRAY, length);
    let i = 0;
    try {
      for (; i < length; i++) {
        const item = value[i];
        if (item === undefined && !hasOwn(value, i)) {
          this.ensure(1);
          this.bytes[this.at++] = HOLE;
        } else this.value(item, depth + 1);
      }
    } catch (error) {
      throw Refusal.of(error).within(i);
    }
  }

  keysOf(value) {
    return this.withSymbols(keysOf(value), value);
  }

  withSymbols(keys, value) {
    const symbols = getOwnPropertySymbols(value);
    for (let i = 0; i < symbols.length; i++) {
      const symbol = symbols[i];
      const isKnown = wellKnown.has(symbol) || Symbol.keyFor(symbol) !== undefined;
      if (isKnown && propertyIsEnumerable.call(value, symbol)) keys.push(symbol);
    }
    return keys;
  }

  plain(value, depth, keys) {
    this.count(value);
    this.ensure(FEW);
    const { length } = keys;
    if (length < 16) this.bytes[this.at++] = OBJECT + length;
    else this.tagged(LONG_OBJECT, length);
    this.properties(value, keys, depth + 1);
  }

  /** Writes properties. Objects at the same depth often have the same keys in the same order. */
  properties(value, keys, depth) {
    const shape = (this.shapes[depth] ??= []);
    let i = 0;
    try {
      for (; i < keys.length; i++) {
        const key = keys[i];
        let known = shape[i];
        if (known === undefined || known.text !== key) {
          known = this.keyOf(key);
          if (known.isKept && i < MOST_PLACES) shape[i] = known;
        }
        this.ensure(FEW);
        if (known.payload === this.payload && known.number > 0) this.bytes[this.at++] = known.number;
        else this.keyInFull(known);
        this.value(value[key], depth);
      }
    } catch (error) {
      throw Refusal.of(error).within(keys[i]);
    }
  }

  /** The entry of a key. */
  keyOf(text) {
    let known = this.keys.get(text) ?? this.passing.get(text);
    if (known === undefined) {
      const isKept = typeof text === 'string' && text.length <= LONGEST_KEPT && this.keys.size < MOST_KEPT;
      known = { text, isKept, bytes: null, payload: 0, number: 0 };
      (isKept ? this.keys : this.passing).set(text, known);
    }
    return known;
  }

  keyInFull(key) {
    const { text, bytes } = key;
    const number = this.numbered < MOST_KEYS ? ++this.numbered : 0;
    key.payload = this.payload;
    this.bytes[this.at++] = 0;
    if (bytes !== null) {
      key.number = number;
      this.ensure(bytes.length + FEW);
      const { bytes: room, at } = this;
      for (let i = 0; i < bytes.length; i++) room[at + i] = bytes[i];
      this.at += bytes.length;
    } else if (typeof text === 'symbol') this.symbol(text);
    else {
      const start = this.at;
      this.text(text);
      // Text with lone surrogates has no number, like symbols, and is written in full each time.
      if (this.bytes[start] === WIDE_STRING) return;
      key.number = number;
      key.bytes = this.bytes.slice(start, this.at);
    }
  }

  map(value, depth) {
    const parts = [];
    eachOfMap.call(value, (item, key) => parts.push(key, item));
    this.count(value);
    this.tagged(MAP, parts.length >> 1);
    this.parts(parts, 2, depth);
  }

  set(value, depth) {
    const parts = [];
    eachOfSet.call(value, part => parts.push(part));
    this.count(value);
    this.tagged(SET, parts.length);
    this.parts(parts, 1, depth);
  }

  parts(parts, perEntry, depth) {
    let i = 0;
    try {
      for (; i < parts.length; i++) this.value(parts[i], depth + 1);
    } catch (error) {
      throw Refusal.of(error).within(Math.floor(i / perEntry));
    }
  }

  date(value) {
    this.count(value);
    this.bytes[this.at++] = DATE;
    this.float(getTime.call(value));
  }

  regexp(value) {
    const { source, flags, lastIndex } = value;
    this.count(value);
    this.ensure(FEW);
    this.bytes[this.at++] = REGEXP;
    this.name(`${flags}`);
    // The format holds integers from 0. Other values are sent as 0.
    this.varint(isSafeInteger(lastIndex) && lastIndex > 0 ? lastIndex : 0);
    this.text(`${source}`);
  }

  /** Writes a string that must be well-formed in the format. Replaces lone surrogates. */
  name(text) {
    this.text(isWellFormed(text) ? text : text.replace(/\p{Surrogate}/gu, '\ufffd'));
  }

  error(value, depth) {
    const keys = keysOf(value).filter(key => !errorParts.has(key));
    for (const key of hiddenKeys()) if (hasOwn(value, key) && !keys.includes(key)) keys.push(key);
    this.withSymbols(keys, value);
    const hasCause = hasOwn(value, 'cause');
    const name = textOf(value, 'name'), message = textOf(value, 'message'), stack = textOf(value, 'stack');
    this.count(value);
    this.ensure(2 * FEW);
    this.bytes[this.at++] = ERROR;
    this.bytes[this.at++] = hasCause ? 1 : 0;
    this.varint(keys.length);
    this.text(name);
    this.text(message);
    this.text(stack);
    if (hasCause) {
      try {
        this.value(value.cause, depth + 1);
      } catch (error) {
        throw Refusal.of(error).within('cause');
      }
    }
    this.properties(value, keys, depth + 1);
  }

  boxed(value, depth) {
    const primitive = unboxed(value);
    if (typeof primitive === 'symbol' && !wellKnown.has(primitive) && Symbol.keyFor(primitive) === undefined)
      return this.uncopied(value, LOCAL_SYMBOL, depth);
    this.count(value);
    this.ensure(FEW);
    this.bytes[this.at++] = BOXED;
    this.value(primitive, depth + 1);
  }

  buffer(value) {
    let copied;
    try {
      // With a length, so that the view does not track the buffer.
      copied = new Uint8Array(value, 0, value.byteLength);
    } catch {
      throw new Refusal('an `ArrayBuffer` that was transferred cannot be sent');
    }
    const { resizable, maxByteLength } = value;
    this.count(value);
    this.ensure(FEW);
    if (resizable) {
      this.costly++;
      this.tagged(RESIZABLE, maxByteLength);
    } else this.bytes[this.at++] = BUFFER;
    this.copy(copied);
  }

  /** Writes a length and the bytes. Leaves room for a few more. Large buffers are not copied. */
  copy(copied) {
    const { length } = copied;
    if (length >= LENT && this.room.lends && (this.buffers?.length ?? 0) < 2 * MOST_LENT) {
      this.ensure(2 * FEW);
      this.varint(length);
      (this.buffers ??= []).push(this.at - this.start, copied);
      return;
    }
    this.ensure(length + 2 * FEW);
    this.varint(length);
    this.bytes.set(copied, this.at);
    this.at += length;
  }

  view(value, depth) {
    const { buffer } = value;
    if (!isBuffer(buffer)) return this.foreign(value, depth);
    if (!isInBounds(value)) throw new Refusal('a view of a buffer that was transferred or has shrunk cannot be sent');
    const name = nameOfView.call(value) ?? 'DataView';
    if (name === 'Uint8Array' && value.byteLength === buffer.byteLength && !buffer.resizable && this.find(buffer) < 0) {
      this.count(value);
      this.count(buffer);
      this.ensure(FEW);
      this.bytes[this.at++] = BYTES;
      return this.copy(new Uint8Array(buffer));
    }
    const kind = VIEWS.indexOf(name);
    if (kind < 0) throw new Refusal('a view of an unknown type cannot be sent');
    const { byteOffset } = value;
    const length = isTracking(value, buffer) ? -1 : (value.length ?? value.byteLength);
    this.count(value);
    this.ensure(3 * FEW);
    this.bytes[this.at++] = VIEW;
    this.bytes[this.at++] = kind;
    this.varint(byteOffset);
    this.varint(length + 1);
    this.value(buffer, depth + 1);
  }

  blob(value) {
    const bytes = this.bytesOfBlob(value);
    const { type } = value;
    this.count(value);
    this.costly++;
    this.ensure(FEW);
    this.bytes[this.at++] = BLOB;
    this.name(`${type}`);
    this.copy(bytes);
  }

  file(value) {
    const bytes = this.bytesOfBlob(value);
    const { type, name, lastModified } = value;
    this.count(value);
    this.costly++;
    this.ensure(FEW);
    this.bytes[this.at++] = FILE;
    this.name(`${type}`);
    this.float(lastModified);
    this.copy(bytes);
    this.text(`${name}`);
  }

  bytesOfBlob(value) {
    let bytes = this.blobs?.get(value);
    if (!bytes && typeof FileReaderSync === 'function') bytes = new FileReaderSync().readAsArrayBuffer(value);
    if (!bytes) throw Refusal.ofBlobs();
    return new Uint8Array(bytes);
  }

  image(value) {
    const { width, height, data, colorSpace = 'srgb' } = value;
    if (data.byteLength !== 4 * width * height) throw new Refusal('an `ImageData` with pixels of more than 4 bytes cannot be sent');
    this.count(value);
    this.ensure(2 * FEW);
    this.bytes[this.at++] = IMAGE;
    this.varint(width);
    this.varint(height);
    this.name(`${colorSpace}`);
    this.copy(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
}

/** Throws a `Refusal` if a buffer was detached or shrunk since the payload was encoded. */
export const checkBuffers = (buffers, root) => {
  for (let i = 1; i < buffers?.length; i += 2)
    if (buffers[i].length === 0) throw new Refusal('an `ArrayBuffer` in it was transferred, or has shrunk, while it was read').from(root);
};

const errorParts = new Set(['name', 'message', 'stack', 'cause']);

/** A string property of an error; empty if it is not a string or reading it throws. */
const textOf = (error, part) => {
  try {
    const text = error[part];
    return typeof text === 'string' ? text : '';
  } catch {
    return '';
  }
};

/** Size of a varint in bytes. */
const sizeOf = number => {
  let size = 1;
  for (; number > 0x7f; number = Math.floor(number / 128)) size++;
  return size;
};

/** Whether an array has an element in less than 1 of 64 places. Probes 64 places first, because listing the keys of a long array is slow. */
const isSparse = (array, length) => {
  for (let i = 0; i < 64; i++) if (!hasOwn(array, Math.floor((i * length) / 64))) return keysOf(array).length < length / 64;
  return false;
};

const nibble = (digits, at) => {
  const digit = digits.charCodeAt(at);
  return digit > 0x39 ? digit - 0x57 : digit - 0x30;
};

const tooDeep = () => new Refusal(`values are nested too deep: ${MAX_DEPTH} levels at most can be sent`);

const LOCAL_SYMBOL = 'a symbol cannot be sent unless it is registered or well known';

/** Maximum number of cached keys, and their maximum length in code units. */
const MOST_KEPT = 1024, LONGEST_KEPT = 64;

/** Maximum number of keys cached for each depth. */
const MOST_PLACES = 32;

/** Number of objects above which they are looked up in a map. */
const FEW_OBJECTS = 12;

/** Bytes that are enough for a tag, two small numbers and a varint or float. */
const FEW = 16;

/** Longest text in code units that is not encoded by the platform. */
const LONGEST_BY_HAND = 47;

/** Length above which an array must not be sparse. */
const MOST_HOLES = 1 << 16;

/**
 * Minimum size in bytes of a buffer that is not copied into the payload, and maximum number of such buffers. `web/src/buffers.rs` has the same limit. In Node.js,
 * this reduces the time of an echo from 64 KiB on, and not at 16 KiB.
 */
const LENT = 1 << 15, MOST_LENT = 32;

/** Minimum size of a room, and maximum size of one that is kept, in bytes. */
const SMALL = 1 << 12, LARGE = 1 << 22;
