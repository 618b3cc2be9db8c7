// How `src/js` reaches the values of JavaScript. A crossing between wasm and JavaScript costs more than most items do, so each walk is
// one call: `Source` tells a whole value in words of 32 bits, `Target` builds a value from such words. What may be sent, and how
// it is written, is decided in Rust.
//
// A word is a kind in its lowest 8 bits and a number in the others; more words, or bytes filled up to words, may follow.

// What a source tells; `encode.rs` has the same list.
const UNDEFINED = 0, NULL = 1, FALSE = 2, TRUE = 3, HOLE = 4, SMALL = 5, FLOAT = 6, TEXT = 7, TEXT_HELD = 8, TEXT_WIDE = 9,
  BIGINT = 10, BIGINT_LONG = 11, REGISTERED = 12, WELL_KNOWN = 13, SHARED = 14, ARRAY = 15, OBJECT = 16, MAP = 17, SET = 18,
  DATE = 19, REGEXP = 20, ERROR = 21, BOXED = 22, BUFFER = 23, BYTES = 24, VIEW = 25, BLOB = 26, FILE = 27, IMAGE = 28,
  REFERENCE = 29, KEY = 30, NEW_KEY = 31, LOOSE_KEY = 32, FORGET = 33, FUNCTION = 34, LOCAL_SYMBOL = 35, FOREIGN = 36,
  THREW = 37, TOO_DEEP = 38, UNREAD_BLOB = 39, DETACHED = 40, OUT_OF_BOUNDS = 41, SPARSE = 42, UNKNOWN_VIEW = 43, UNKNOWN_PIXELS = 44,
  UNSENDABLE = 45;

// In the order of their numbers on the wire.
const views = ['DataView', 'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array',
  'Float16Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'];

const wellKnown = new Map(
  ['asyncIterator', 'hasInstance', 'isConcatSpreadable', 'iterator', 'match', 'matchAll', 'replace', 'search', 'species', 'split', 'toPrimitive',
    'toStringTag', 'unscopables'].map(name => [Symbol[name], name]));

const { prototype: objects, keys: keysOf, hasOwn, getPrototypeOf, getOwnPropertySymbols, getOwnPropertyDescriptor, defineProperty } = Object;
const { toString, propertyIsEnumerable } = objects;
const { isArray } = Array;
const { isView } = ArrayBuffer;
const { fromCharCode } = String;
const { prototype: arrays } = Array;
const { slice } = arrays;
const { structuredClone } = globalThis;
const typedArrays = getPrototypeOf(Uint8Array.prototype);
const typedArrayName = getOwnPropertyDescriptor(typedArrays, Symbol.toStringTag).get;
const source = Function.prototype.toString;

const getter = (Class, name) => getOwnPropertyDescriptor(Class.prototype, name).get;
const fails = (method, value) => {
  try {
    method.call(value);
    return false;
  } catch {
    return true;
  }
};

/** Classes by the names of their instances: a method of `Source`, and a function that fails for what is no such instance. */
const classes = new Map([
  ['Date', ['date', Date.prototype.getTime]],
  ['RegExp', ['regexp', getter(RegExp, 'global')]],
  ['Map', ['map', getter(Map, 'size')]],
  ['Set', ['set', getter(Set, 'size')]],
  ['ArrayBuffer', ['buffer', getter(ArrayBuffer, 'byteLength')]],
  ['Error', ['error', function() { if (Symbol.toStringTag in this) throw this; }]],
]);
for (const Class of [Boolean, Number, String, Symbol, BigInt]) classes.set(Class.name, ['boxed', Class.prototype.valueOf]);
for (const [name, method, property] of [['Blob', 'blob', 'size'], ['File', 'file', 'lastModified'], ['ImageData', 'image', 'width'], ['DOMException', 'error', 'code']])
  if (typeof globalThis[name] === 'function') classes.set(name, [method, getter(globalThis[name], property)]);

/** Whether a function is the platform's own: native, or, as in Node, one of the globals that are hidden from loops. */
const isPlatforms = member => {
  if (typeof member !== 'function') return false;
  if (/\{\s*\[native code\]\s*\}\s*$/.test(source.call(member))) return true;
  const { name } = member;
  const global = typeof name === 'string' && getOwnPropertyDescriptor(globalThis, name);
  return Boolean(global) && !global.enumerable && globalThis[name] === member;
};

/** Prototypes: whether their instances are ordinary objects. */
const ordinary = new WeakMap();

/** Whether instances are ordinary objects: no class in the chain is the platform's own. */
const isOrdinary = proto => {
  for (let next = proto; next !== null && next !== objects; next = getPrototypeOf(next)) {
    let known = ordinary.get(next);
    if (known === undefined) {
      const constructor = getOwnPropertyDescriptor(next, 'constructor')?.value;
      // The root of another realm's objects is native, and its instances are ordinary. Iterators have no constructor.
      const isRoot = getPrototypeOf(next) === null && constructor?.name === 'Object';
      known = isRoot || !(isPlatforms(constructor) || isPlatforms(getOwnPropertyDescriptor(next, 'next')?.value));
      ordinary.set(next, known);
    }
    if (!known) return false;
  }
  return true;
};

/** Whether an instance without properties hides its data: a `Proxy` does, which only `structuredClone` tells apart. */
const isHollow = value => typeof structuredClone === 'function' && fails(structuredCloneOfThis, value);
function structuredCloneOfThis() {
  structuredClone(this);
}

const isInBounds = view => !fails(typedArrayName.call(view) === undefined ? getter(DataView, 'byteLength') : typedArrays.keys, view);

/** Whether a view follows the length of its buffer, which JavaScript tells only by what resizing does. */
const isTracking = (view, buffer) => {
  if (!buffer.resizable) return false;
  const size = view.BYTES_PER_ELEMENT ?? 1;
  const end = view.byteOffset + view.byteLength;
  const length = buffer.byteLength;
  // One that follows reaches as far as it can.
  if (length - end >= size) return false;
  if (length + size <= buffer.maxByteLength) {
    buffer.resize(length + size);
    const tracking = view.byteOffset + view.byteLength !== end;
    buffer.resize(length);
    return tracking;
  }
  if (view.byteLength === 0) return false;
  const cut = new Uint8Array(buffer.slice(end - 1));
  buffer.resize(end - 1);
  const tracking = isInBounds(view);
  buffer.resize(length);
  new Uint8Array(buffer).set(cut, end - 1);
  return tracking;
};

const isWellFormed = text => text.isWellFormed?.() ?? !/\p{Surrogate}/u.test(text);

/** What was thrown, in words. */
const inWords = thrown => {
  try {
    return String(thrown?.message ?? thrown).slice(0, 1000);
  } catch {
    return 'something that cannot be shown';
  }
};

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const float = new Float64Array(1);
const halves = new Uint32Array(float.buffer);
const big = new BigUint64Array(float.buffer);

/** What has this property cannot be sent; its value is what to call it. */
const unsendable = Symbol.for('coincide:unsendable');

/** Thrown when the last word tells why the value cannot be sent. */
const stop = {};

/** Thrown when there are too many words. */
const full = {};

/** Tells what a value consists of. */
export class Source {
  constructor(memory, deepest, references) {
    this.memory = memory;
    this.heap = new Uint8Array(memory.buffer);
    this.deepest = deepest;
    this.references = references;
    // References in the value, in case that it isn't sent.
    this.given = [];
    this.keys = new Map();
    // By depth, which words the keys had that the last objects had at each place.
    this.shapes = [];
    this.tape(new ArrayBuffer(SMALL_TAPE));
    this.length = 0;
    // Where a value is to begin: whatever is thrown stands in its place.
    this.begun = 0;
    this.lenient = false;
    this.blobs = undefined;
    // Objects by their numbers, as a list while these are few.
    this.few = [];
    this.numbers = null;
    // What is fetched by its number later: long texts and bytes.
    this.held = [];
  }

  /**
   * Writes the words of a value to memory at `at`, if there is room for them: how many bytes these are. All code of the program that
   * has a say in the value runs in here. -1: it is larger than there is memory for.
   */
  walk(value, blobs, lenient, at, room) {
    this.length = this.begun = 0;
    this.given.length = 0;
    this.blobs = blobs;
    this.lenient = lenient;
    try {
      if (this.keys.size >= MOST_KEYS) {
        this.forget();
        this.put(FORGET);
      }
      try {
        this.value(value, 0);
      } catch (error) {
        if (error === full) return -1;
        if (error !== stop) this.threw(error);
      }
      const length = this.length << 2;
      if (length <= room) this.fetch(at);
      return length;
    } catch {
      return -1;
    } finally {
      this.few.length = 0;
      this.numbers = null;
      this.blobs = undefined;
    }
  }

  threw(error) {
    this.length = this.begun;
    this.ensure(FEW);
    this.put(THREW);
    this.text(inWords(error));
  }

  fetch(at) {
    const { length, words, bytes } = this;
    const heap = this.bytesOf();
    if (length < 32) {
      for (let i = 0, end = length << 2; i < end; i++) heap[at + i] = bytes[i];
    } else heap.set(bytes.subarray(0, length << 2), at);
    if (words.length << 2 > LARGE_TAPE) this.tape(new ArrayBuffer(SMALL_TAPE));
  }

  bytesOf() {
    if (this.heap.length === 0) this.heap = new Uint8Array(this.memory.buffer);
    return this.heap;
  }

  tape(buffer) {
    this.words = new Uint32Array(buffer);
    this.bytes = new Uint8Array(buffer);
  }

  /** Makes room for words: `put` and its like don't look. What begins a value or a key does, for the few that follow. */
  ensure(more) {
    const { words } = this;
    if (this.length + more <= words.length) return;
    if (this.length + more > MOST_WORDS) throw full;
    this.tape(new ArrayBuffer(Math.max(words.length * 2, this.length + more) << 2));
    this.words.set(words);
  }

  put(kind, number = 0) {
    this.words[this.length++] = kind | (number << 8);
  }

  putWord(word) {
    this.words[this.length++] = word;
  }

  putFloat(value) {
    float[0] = value;
    this.words[this.length++] = halves[0];
    this.words[this.length++] = halves[1];
  }

  stop(kind) {
    this.put(kind);
    throw stop;
  }

  value(value, depth) {
    this.ensure(FEW);
    this.begun = this.length;
    if (depth > this.deepest) this.stop(TOO_DEEP);
    switch (typeof value) {
      case 'number':
        if (value >>> 0 === value && value < 0x1000000 && (value !== 0 || 1 / value > 0)) return this.put(SMALL, value);
        this.put(FLOAT);
        return this.putFloat(value);
      case 'string':
        return this.text(value);
      case 'object':
        return value === null ? this.put(NULL) : this.object(value, depth);
      case 'boolean':
        return this.put(value ? TRUE : FALSE);
      case 'undefined':
        return this.put(UNDEFINED);
      case 'bigint':
        return this.bigint(value);
      case 'symbol':
        return this.symbol(value) || this.uncopied(value, LOCAL_SYMBOL);
      default:
        return this.uncopied(value, FUNCTION);
    }
  }

  text(value) {
    const { length } = value;
    if (length > LONGEST_INLINE && isWellFormed(value)) return this.textHeld(value);
    this.ensure(2 + length + FEW);
    const { bytes } = this;
    const start = (this.length + 1) << 2;
    let at = start;
    if (length < 48) {
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
    } else {
      if (!isWellFormed(value)) return this.wide(value);
      at += encoder.encodeInto(value, bytes.subarray(start)).written;
    }
    this.words[this.length] = TEXT | ((at - start) << 8);
    this.length = (at + 3) >> 2;
  }

  /** Well-formed text that is fetched later. */
  textHeld(value) {
    this.ensure(3 + FEW);
    this.put(TEXT_HELD);
    this.putWord(this.held.push(value) - 1);
    this.putWord(value.length);
  }

  /** Text with lone surrogates. */
  wide(value) {
    const { length } = value;
    this.ensure(3 + (length >> 1) + FEW);
    this.words[this.length++] = TEXT_WIDE;
    this.words[this.length++] = length;
    for (let i = 0; i < length; i += 2)
      this.words[this.length++] = value.charCodeAt(i) | (i + 1 < length ? value.charCodeAt(i + 1) << 16 : 0);
  }

  bigint(value) {
    const isNegative = value < 0n;
    const magnitude = isNegative ? -value : value;
    big[0] = magnitude;
    if (big[0] !== magnitude) {
      this.put(BIGINT_LONG, isNegative);
      const digits = magnitude.toString(16);
      return digits.length > LONGEST_INLINE ? this.textHeld(digits) : this.text(digits);
    }
    const [low, high] = halves;
    this.put(BIGINT, isNegative);
    this.putWord(low);
    this.putWord(high);
  }

  /** Whether both ends can know the symbol. */
  symbol(value) {
    const name = wellKnown.get(value);
    const key = name ?? Symbol.keyFor(value);
    if (key === undefined) return false;
    this.put(name === undefined ? REGISTERED : WELL_KNOWN);
    this.text(key);
    return true;
  }

  /** What can't be copied: a reference, if references are kept; otherwise Rust decides what comes of it. */
  uncopied(value, kind) {
    const reference = this.references?.outgoing(value);
    if (reference) return this.reference(reference);
    this.put(kind);
    if (!this.lenient) throw stop;
  }

  reference(reference) {
    const [owner, kind, id] = reference;
    this.given.push(reference);
    this.put(REFERENCE, owner | (kind << 8));
    this.putFloat(id);
  }

  /** `isJson`: it is what a `toJSON` gave, so its own `toJSON` is not called. */
  object(value, depth, isJson = false) {
    const known = this.references?.known(value);
    if (known) return this.reference(known);
    const number = this.find(value);
    if (number >= 0) {
      this.put(SHARED);
      return this.putWord(number);
    }
    if (isArray(value)) return this.array(value, depth);
    const proto = getPrototypeOf(value);
    if (proto === objects) return this.offersJson(value, isJson) ? this.json(value, depth) : this.plain(value, depth);
    if (isView(value)) return this.view(value, depth);
    const entry = classes.get(toString.call(value).slice(8, -1));
    if (entry && !fails(entry[1], value)) return this[entry[0]](value, depth);
    if (value instanceof Error) return this.error(value, depth);
    if (typeof value[unsendable] === 'string') this.unsendable(value[unsendable]);
    if (!isOrdinary(proto)) return this.foreign(value, depth, isJson);
    if (this.offersJson(value, isJson)) return this.json(value, depth);
    const keys = this.keysOf(value);
    if (keys.length === 0 && isHollow(value)) this.refuse(value);
    this.plain(value, depth, keys);
  }

  /** An object that says that it can't be sent, and what it is. */
  unsendable(what) {
    this.put(UNSENDABLE);
    this.text(what);
    throw stop;
  }

  /** An object of the platform. */
  foreign(value, depth, isJson = false) {
    const reference = this.references?.outgoing(value);
    if (reference) return this.reference(reference);
    if (this.offersJson(value, isJson)) return this.json(value, depth);
    this.refuse(value);
    this.plain(value, depth);
  }

  /** An object that cannot be sent as what it is. Leniency sends its own data. */
  refuse(value) {
    const name = String(value.constructor?.name || toString.call(value).slice(8, -1));
    this.put(FOREIGN);
    this.text(name);
    if (!this.lenient) throw stop;
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

  find(value) {
    if (this.numbers === null) return this.few.indexOf(value);
    const number = this.numbers.get(value);
    return number === undefined ? -1 : number;
  }

  /** Numbers an object. */
  count(value) {
    const { few, numbers } = this;
    if (numbers !== null) numbers.set(value, numbers.size);
    else if (few.push(value) > 12) this.numbers = new Map(few.map((object, number) => [object, number]));
  }

  array(value, depth) {
    // A proxy may say anything.
    const length = value.length >>> 0;
    // Each hole takes a word and a byte.
    if (length > MOST_HOLES && keysOf(value).length < length / 64) this.stop(SPARSE);
    this.count(value);
    this.put(ARRAY);
    this.putWord(length);
    for (let i = 0; i < length; i++) {
      this.begun = this.length;
      const item = value[i];
      if (item === undefined && !hasOwn(value, i)) {
        this.ensure(1);
        this.put(HOLE);
      } else this.value(item, depth + 1);
    }
  }

  keysOf(value) {
    return this.withSymbols(keysOf(value), value);
  }

  plain(value, depth, keys = this.keysOf(value)) {
    this.count(value);
    this.put(OBJECT);
    this.putWord(keys.length);
    this.properties(value, keys, depth + 1);
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

  /** Objects at the same depth tend to have the same keys at the same places: their words are remembered. */
  properties(value, keys, depth) {
    const shape = (this.shapes[depth] ??= { keys: [], words: [] });
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (shape.keys[i] === key) {
        this.ensure(FEW);
        this.words[this.length++] = shape.words[i];
      } else if (this.key(key) && i < MOST_PLACES) {
        shape.keys[i] = key;
        shape.words[i] = this.words[this.length - 1];
      }
      this.begun = this.length;
      this.value(value[key], depth);
    }
  }

  /** Whether it has a number already. */
  key(key) {
    this.ensure(FEW);
    const number = this.keys.get(key);
    if (number !== undefined) {
      this.put(KEY, number);
      return true;
    }
    if (typeof key === 'symbol') {
      this.symbol(key);
      return false;
    }
    if (key.length <= LONGEST_KEY && this.keys.size < MOST_KEYS) {
      this.keys.set(key, this.keys.size);
      this.put(NEW_KEY);
    } else this.put(LOOSE_KEY);
    this.text(key);
    return false;
  }

  map(value, depth) {
    const parts = [];
    Map.prototype.forEach.call(value, (item, key) => parts.push(key, item));
    this.count(value);
    this.put(MAP);
    this.putWord(parts.length >> 1);
    for (const part of parts) this.value(part, depth + 1);
  }

  set(value, depth) {
    const parts = [];
    Set.prototype.forEach.call(value, part => parts.push(part));
    this.count(value);
    this.put(SET);
    this.putWord(parts.length);
    for (const part of parts) this.value(part, depth + 1);
  }

  date(value) {
    this.count(value);
    this.put(DATE);
    this.putFloat(Date.prototype.getTime.call(value));
  }

  regexp(value) {
    const { source, flags, lastIndex } = value;
    this.count(value);
    this.put(REGEXP);
    this.putFloat(typeof lastIndex === 'number' ? lastIndex : 0);
    this.text(flags);
    this.text(source);
  }

  error(value, depth) {
    const keys = keysOf(value).filter(key => !errorParts.has(key));
    for (const key of hiddenParts) if (hasOwn(value, key) && !keys.includes(key)) keys.push(key);
    this.withSymbols(keys, value);
    const hasCause = hasOwn(value, 'cause');
    this.count(value);
    this.put(ERROR, hasCause);
    this.putWord(keys.length);
    for (const part of ['name', 'message', 'stack']) this.text(textOf(value, part));
    this.begun = this.length;
    if (hasCause) this.value(value.cause, depth + 1);
    this.properties(value, keys, depth + 1);
  }

  boxed(value, depth) {
    const primitive = classes.get(toString.call(value).slice(8, -1))[1].call(value);
    if (typeof primitive === 'symbol' && !wellKnown.has(primitive) && Symbol.keyFor(primitive) === undefined)
      return this.uncopied(value, LOCAL_SYMBOL);
    this.count(value);
    this.put(BOXED);
    this.value(primitive, depth + 1);
  }

  buffer(value) {
    let bytes;
    try {
      bytes = new Uint8Array(value);
    } catch {
      this.stop(DETACHED);
    }
    this.count(value);
    this.put(BUFFER);
    this.hold(bytes);
    this.putFloat(value.resizable ? value.maxByteLength : -1);
  }

  hold(bytes) {
    this.putWord(this.held.push(bytes) - 1);
    this.putFloat(bytes.byteLength);
  }

  view(value, depth) {
    const { buffer } = value;
    if (!(buffer instanceof ArrayBuffer) && fails(classes.get('ArrayBuffer')[1], buffer)) return this.foreign(value, depth);
    if (!isInBounds(value)) this.stop(OUT_OF_BOUNDS);
    const name = typedArrayName.call(value) ?? 'DataView';
    const isBytes = name === 'Uint8Array' && value.byteLength === buffer.byteLength && !buffer.resizable && this.find(buffer) < 0;
    if (isBytes) {
      this.count(value);
      this.count(buffer);
      this.put(BYTES);
      return this.hold(value);
    }
    const kind = views.indexOf(name);
    if (kind < 0) this.stop(UNKNOWN_VIEW);
    const { byteOffset } = value;
    const length = isTracking(value, buffer) ? -1 : (value.length ?? value.byteLength);
    this.count(value);
    this.put(VIEW, kind);
    this.putFloat(byteOffset);
    this.putFloat(length);
    this.value(buffer, depth + 1);
  }

  blob(value) {
    const bytes = this.bytesOfBlob(value);
    const { type } = value;
    this.count(value);
    this.put(BLOB);
    this.text(type);
    this.hold(bytes);
  }

  file(value) {
    const bytes = this.bytesOfBlob(value);
    const { type, name, lastModified } = value;
    this.count(value);
    this.put(FILE);
    this.text(type);
    this.text(name);
    this.putFloat(lastModified);
    this.hold(bytes);
  }

  bytesOfBlob(value) {
    let bytes = this.blobs?.get(value);
    if (!bytes && typeof FileReaderSync === 'function') bytes = new FileReaderSync().readAsArrayBuffer(value);
    if (!bytes) this.stop(UNREAD_BLOB);
    return new Uint8Array(bytes);
  }

  image(value) {
    const { width, height, data, colorSpace = 'srgb' } = value;
    if (data.byteLength !== 4 * width * height) this.stop(UNKNOWN_PIXELS);
    this.count(value);
    this.put(IMAGE);
    this.text(colorSpace);
    this.putWord(width);
    this.putWord(height);
    this.hold(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  /** Copies held bytes to memory. False: there are not as many any more. */
  copy(number, at, length) {
    const bytes = this.held[number];
    if (bytes.byteLength !== length) return false;
    this.bytesOf().set(bytes, at);
    return true;
  }

  /** Copies held text from a code unit on to memory, as much as there is room for: how many bytes; `read` says how many units. */
  copyText(number, from, at, room) {
    const text = this.held[number];
    const { read, written } = encoder.encodeInto(from > 0 ? text.slice(from) : text, this.bytesOf().subarray(at, at + room));
    this.read = read;
    return written;
  }

  unitsRead() {
    return this.read;
  }

  /** Lets go of what was held. If the value isn't sent, of the keys as well, which Rust may not have come to know. */
  release(unsent) {
    this.held.length = 0;
    if (!unsent) return;
    this.forget();
    if (this.given.length > 0) this.references?.unsent?.(this.given.splice(0));
  }

  forget() {
    this.keys.clear();
    this.shapes = [];
  }
}

const errorParts = new Set(['name', 'message', 'stack', 'cause']);

/** Where an error was made, as its own properties: `lineNumber` and its like in Firefox, `line` and its like in WebKit. They cannot be listed. */
const places = Object.getOwnPropertyNames(new Error()).filter(name => !errorParts.has(name));

/** What an error sends although it cannot be listed. */
const hiddenParts = ['errors', ...places];

/** A string property of an error. Empty if it is not a string, or if reading it throws. */
const textOf = (error, part) => {
  try {
    const text = error[part];
    return typeof text === 'string' ? text : '';
  } catch {
    return '';
  }
};

// A source numbers so many keys, of so many code units at most.
const MOST_KEYS = 1024, LONGEST_KEY = 64;

// So many places of keys are remembered for each depth.
const MOST_PLACES = 32;

// Beyond, offsets in bytes are no integers of 32 bits any more.
const MOST_WORDS = 1 << 28;

// More words than what begins a value or follows a text.
const FEW = 8;

// In bytes.
const SMALL_TAPE = 1 << 12, LARGE_TAPE = 1 << 20;

// Longer texts go to their place directly.
const LONGEST_INLINE = 4096;

// A longer array may not consist of hardly anything else.
const MOST_HOLES = 1 << 16;

/** Looks for blobs only. */
class Finder extends Source {
  constructor(deepest) {
    super({ buffer: new ArrayBuffer(0) }, deepest);
    this.found = new Map();
  }

  bytesOfBlob(blob) {
    this.found.set(blob, null);
    return new Uint8Array(0);
  }

  /** Without leniency the walk would end there; what cannot be sent is reported when the value is encoded. */
  foreign(value, depth, isJson) {
    if (this.offersJson(value, isJson)) this.json(value, depth);
    else this.put(UNDEFINED);
  }

  uncopied() {
    this.put(UNDEFINED);
  }

  refuse() {}
}

/** Whether there is stack for some more levels of a value. Engines count it by frames, so this makes some. */
export const hasRoom = () => {
  try {
    descend(FRAMES, 0, 0, 0, 0, 0, 0, 0);
    return true;
  } catch {
    return false;
  }
};
const descend = (left, a, b, c, d, e, f, g) => (left > 0 ? descend(left - 1, b, c, d, e, f, g, a) + 1 : 0);
const FRAMES = 200;

/** The bytes of the blobs in a value, by blob, when all have been read. */
export const blobsIn = async (value, deepest, lenient) => {
  const finder = new Finder(deepest);
  finder.walk(value, undefined, lenient, 0, 0);
  const { found } = finder;
  for (const blob of found.keys()) found.set(blob, await blob.arrayBuffer());
  return found;
};

// What a target is told; `decode.rs` has the same list.
const IS_UNDEFINED = 0, IS_NULL = 1, IS_FALSE = 2, IS_TRUE = 3, IS_HOLE = 4, IS_SMALL = 5, IS_NUMBER = 6, IS_ASCII = 7, IS_TEXT = 8,
  IS_WIDE = 9, IS_BIGINT = 10, IS_BIGINT_LONG = 11, IS_REGISTERED = 12, IS_WELL_KNOWN = 13, IS_SHARED = 14, IS_ARRAY = 15,
  IS_OBJECT = 16, IS_MAP = 17, IS_SET = 18, IS_DATE = 19, IS_REGEXP = 20, IS_ERROR = 21, IS_BOXED = 22, IS_BUFFER = 23,
  IS_RESIZABLE = 24, IS_BYTES = 25, IS_VIEW = 26, IS_BLOB = 27, IS_FILE = 28, IS_IMAGE = 29, IS_REFERENCE = 30;

// The lowest bits of the word of a key.
const KNOWN_KEY = 0, KEPT_KEY = 1, PASSING_KEY = 2, PASSED_KEY = 3;

/** Builds the value that it is told. */
export class Target {
  constructor(memory, references) {
    this.memory = memory;
    this.references = references;
    this.heap = new Uint8Array(memory.buffer);
    this.words = new Uint32Array(memory.buffer);
    this.data = new DataView(memory.buffer);
    this.keys = bareArray();
    // The payload for which each key was last looked up in the prototype of all objects.
    this.checked = new Int32Array(MOST_KEYS);
    this.payload = 0;
    this.passing = bareArray();
    // Objects by their numbers.
    this.objects = bareArray();
    this.sharing = false;
    this.at = 0;
  }

  /** The value whose words begin at `at`; undefined, and `failed`, when the platform can't make it. */
  build(at, forget, sharing) {
    this.refresh();
    if (forget) this.keys.length = 0;
    this.at = at >>> 2;
    this.sharing = sharing;
    this.failed = false;
    this.payload = (this.payload + 1) | 0;
    try {
      return this.value();
    } catch (error) {
      this.failed = true;
      this.thrown = error;
      this.keys.length = 0;
      return undefined;
    } finally {
      if (this.objects.length > 0) this.objects = bareArray();
      if (this.passing.length > 0) this.passing = bareArray();
    }
  }

  hasFailed() {
    return this.failed;
  }

  /** Why it has failed. */
  why() {
    const why = inWords(this.thrown);
    this.thrown = undefined;
    return why;
  }

  refresh() {
    if (this.heap.length > 0) return;
    this.heap = new Uint8Array(this.memory.buffer);
    this.words = new Uint32Array(this.memory.buffer);
    this.data = new DataView(this.memory.buffer);
  }

  float() {
    const value = this.data.getFloat64(this.at * 4, true);
    this.at += 2;
    return value;
  }

  value() {
    const word = this.words[this.at++];
    switch (word & 0xff) {
      case IS_UNDEFINED:
        return undefined;
      case IS_NULL:
        return null;
      case IS_FALSE:
        return false;
      case IS_TRUE:
        return true;
      case IS_SMALL:
        return word >>> 8;
      case IS_NUMBER:
        return this.float();
      case IS_ASCII:
        return this.ascii(this.words[this.at++], word >>> 8);
      case IS_ARRAY:
        return this.array();
      case IS_OBJECT: {
        const object = {};
        if (this.sharing) this.made(object);
        const { keys, checked, payload } = this;
        for (let left = this.words[this.at++]; left > 0; left--) {
          const word = this.words[this.at++];
          const key = (word & 3) !== KNOWN_KEY ? this.key(word) : checked[word >>> 2] === payload ? keys[word >>> 2] : this.known(word >>> 2);
          // An accessor of all objects must not run.
          if (typeof key === 'object') define(object, key.name, this.value());
          else object[key] = this.value();
        }
        return object;
      }
      default:
        return this.rare(word & 0xff, word >>> 8);
    }
  }

  rare(kind, number) {
    switch (kind) {
      case IS_TEXT:
        return this.text();
      case IS_WIDE:
        return this.wide();
      case IS_BIGINT: {
        const magnitude = this.data.getBigUint64(this.at * 4, true);
        this.at += 2;
        return number ? -magnitude : magnitude;
      }
      case IS_BIGINT_LONG: {
        const magnitude = this.magnitude();
        return number ? -magnitude : magnitude;
      }
      case IS_REGISTERED:
        return Symbol.for(this.value());
      case IS_WELL_KNOWN:
        return symbolNamed(this.value());
      case IS_SHARED:
        return this.objects[this.words[this.at++]];
      case IS_MAP: {
        const map = this.made(new Map());
        for (let left = this.words[this.at++]; left > 0; left--) {
          const key = this.value();
          map.set(key, this.value());
        }
        return map;
      }
      case IS_SET: {
        const set = this.made(new Set());
        for (let left = this.words[this.at++]; left > 0; left--) set.add(this.value());
        return set;
      }
      case IS_DATE:
        return this.made(new Date(this.float()));
      case IS_REGEXP: {
        const lastIndex = this.float();
        const source = this.value();
        const regexp = new RegExp(source, this.value());
        regexp.lastIndex = lastIndex;
        return this.made(regexp);
      }
      case IS_ERROR:
        return this.error(number);
      case IS_REFERENCE: {
        const object = this.references.incoming(number & 0xff, number >>> 8, this.float());
        this.refresh();
        return object;
      }
      default: {
        // Those that contain another item get their number before that.
        const { objects } = this;
        const place = objects.length;
        this.made(null);
        return (objects[place] = this.binary(kind, number));
      }
    }
  }

  binary(kind, number) {
    switch (kind) {
      case IS_BOXED:
        return Object(this.value());
      case IS_BUFFER:
        return this.copy().buffer;
      case IS_RESIZABLE: {
        const maxByteLength = this.float();
        const bytes = this.bytes();
        const buffer = new ArrayBuffer(bytes.length, { __proto__: null, maxByteLength });
        if (!buffer.resizable) throw new TypeError('this platform has no resizable ArrayBuffer');
        new Uint8Array(buffer).set(bytes);
        return buffer;
      }
      case IS_BYTES: {
        const bytes = this.copy();
        this.made(bytes.buffer);
        return bytes;
      }
      case IS_VIEW: {
        const offset = this.float(), length = this.float();
        const View = globalThis[views[number]];
        if (!View) throw new TypeError(`this platform has no ${views[number]}`);
        const buffer = this.value();
        return length < 0 ? new View(buffer, offset) : new View(buffer, offset, length);
      }
      case IS_BLOB: {
        const bytes = this.copy();
        return new Blob([bytes], { __proto__: null, type: this.value() });
      }
      case IS_FILE: {
        const bytes = this.copy();
        const lastModified = this.float();
        const type = this.value();
        return new File([bytes], this.value(), { __proto__: null, type, lastModified });
      }
      case IS_IMAGE: {
        const bytes = this.copy();
        const width = this.words[this.at++], height = this.words[this.at++];
        const colorSpace = this.value();
        const image = new ImageData(new Uint8ClampedArray(bytes.buffer), width, height, { __proto__: null, colorSpace });
        if ((image.colorSpace ?? 'srgb') !== colorSpace) throw new TypeError(`this platform has no ImageData in ${colorSpace}`);
        return image;
      }
      default:
        throw new TypeError(`the kind ${kind} is unknown`);
    }
  }

  /** Numbers an object. */
  made(object) {
    const { objects } = this;
    objects[objects.length] = object;
    return object;
  }

  array() {
    const length = this.words[this.at++];
    if (length > zeros.length) return this.long(length);
    // The arguments of most calls.
    if (length === 1 && !this.sharing && this.words[this.at] !== IS_HOLE) return [this.value()];
    // Elements that are there are assigned to, whatever the prototypes of all arrays have.
    const array = slice.call(zeros, 0, length);
    if (this.sharing) this.made(array);
    for (let i = 0; i < length; i++) {
      if (this.words[this.at] === IS_HOLE) {
        this.at++;
        delete array[i];
      } else array[i] = this.value();
    }
    return array;
  }

  long(length) {
    const array = [];
    if (this.sharing) this.made(array);
    const isSafe = !hasIndices(arrays) && !hasIndices(objects);
    for (let i = 0; i < length; i++) {
      if (this.words[this.at] === IS_HOLE) {
        this.at++;
        // What makes holes at the end, too.
        if (i + 1 === length || this.words[this.at] !== IS_HOLE) array.length = i + 1;
      } else if (isSafe) array[i] = this.value();
      else define(array, i, this.value());
    }
    return array;
  }

  /** A key that isn't a kept one. */
  key(word) {
    if ((word & 3) === PASSED_KEY) return this.passing[word >>> 2];
    const key = keyOf(this.value());
    const { keys, passing } = this;
    if ((word & 3) === PASSING_KEY) passing[passing.length] = key;
    else {
      this.checked[keys.length] = this.payload;
      keys[keys.length] = key;
    }
    return key;
  }

  /** A key that was kept by an earlier payload: the prototype of all objects may have changed since. */
  known(number) {
    const kept = this.keys[number];
    this.checked[number] = this.payload;
    return (this.keys[number] = keyOf(typeof kept === 'object' ? kept.name : kept));
  }

  error(hasCause) {
    const name = this.value(), message = this.value(), stack = this.value();
    const error = this.made(withoutStack(name, message));
    // They name this file.
    for (const place of places) Reflect.deleteProperty(error, place);
    if (error.name !== name) hide(error, 'name', name);
    hide(error, 'stack', stack);
    if (hasCause) hide(error, 'cause', this.value());
    const unlisted = name === 'AggregateError' ? hiddenParts : places;
    for (let left = this.words[this.at++]; left > 0; left--) {
      const word = this.words[this.at++];
      const kept = (word & 3) === KNOWN_KEY ? this.keys[word >>> 2] : this.key(word);
      const key = typeof kept === 'object' ? kept.name : kept;
      if (unlisted.includes(key)) hide(error, key, this.value());
      else define(error, key, this.value());
    }
    return error;
  }

  /** Text without any character beyond ASCII. For a short one a decoder is slow, and so is adding up single characters. */
  ascii(at, length) {
    const { heap } = this;
    const end = at + length;
    if (length > 32) return decoder.decode(heap.subarray(at, end));
    let text = '';
    for (; at + 8 <= end; at += 8)
      text += fromCharCode(heap[at], heap[at + 1], heap[at + 2], heap[at + 3], heap[at + 4], heap[at + 5], heap[at + 6], heap[at + 7]);
    if (at + 4 <= end) {
      text += fromCharCode(heap[at], heap[at + 1], heap[at + 2], heap[at + 3]);
      at += 4;
    }
    switch (end - at) {
      case 3:
        return text + fromCharCode(heap[at], heap[at + 1], heap[at + 2]);
      case 2:
        return text + fromCharCode(heap[at], heap[at + 1]);
      case 1:
        return text + fromCharCode(heap[at]);
      default:
        return text;
    }
  }

  text() {
    return decoder.decode(this.bytes());
  }

  wide() {
    const { buffer } = this.copy();
    const units = new Uint16Array(buffer);
    let text = '';
    for (let at = 0; at < units.length; at += 4096) text += fromCharCode.apply(null, units.subarray(at, at + 4096));
    return text;
  }

  magnitude() {
    const bytes = this.bytes();
    try {
      return bytes.length > LARGEST_JOINED ? bigintOf(bytes) : joined(bytes);
    } catch {
      throw new RangeError(`this platform has no bigint of ${bytes.length} bytes`);
    }
  }

  bytes() {
    const at = this.words[this.at++];
    const length = this.words[this.at++];
    return this.heap.subarray(at, at + length);
  }

  copy() {
    const at = this.words[this.at++];
    const length = this.words[this.at++];
    return this.heap.slice(at, at + length);
  }

  /** Forgets all keys. */
  forget() {
    this.keys.length = 0;
  }
}

/** The bigint whose magnitude this is, read from hexadecimal digits. */
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

/** The same, put together from halves: WebKit reads digits in quadratic time. */
const joined = bytes => {
  const { length } = bytes;
  if (length <= LARGEST_READ) return bigintOf(bytes);
  const half = 1 << (31 - Math.clz32(length - 1));
  return (joined(bytes.subarray(half)) << BigInt(8 * half)) | joined(bytes.subarray(0, half));
};

const hex = new TextEncoder().encode('0123456789abcdef');

// In bytes. Platforms that have larger bigints read digits in linear time.
const LARGEST_READ = 512, LARGEST_JOINED = 1 << 17;

/** A key, in an object if assigning to it could run an accessor of all objects. */
const keyOf = name => (name in objects ? { name } : name);

/** Whether a prototype has elements; keys that are indices come first. */
const hasIndices = proto => /^\d/.test(String(Reflect.ownKeys(proto)[0]));

/** An array of our own, which grows by assigning: no prototype can have a say in that. */
const bareArray = () => Object.setPrototypeOf([], null);

const zeros = new Array(1024).fill(0);

// Without prototypes: descriptors inherit `get` and `set`.
const shown = { __proto__: null, value: undefined, writable: true, enumerable: true, configurable: true };
const hidden = { __proto__: null, value: undefined, writable: true, enumerable: false, configurable: true };

const defined = (object, key, value, descriptor) => {
  descriptor.value = value;
  defineProperty(object, key, descriptor);
  descriptor.value = undefined;
};
const define = (object, key, value) => defined(object, key, value, shown);
const hide = (object, key, value) => defined(object, key, value, hidden);

const symbolNamed = name => {
  if (typeof Symbol[name] !== 'symbol') throw new TypeError(`this platform has no Symbol.${name}`);
  return Symbol[name];
};

/** An error of a class that the platform or the program has under this name; no code of the program runs. */
const errorOf = (name, message) => {
  if (typeof DOMException === 'function' && domNames.has(name)) return new DOMException(message, name);
  const error = message === '' ? new Error() : new Error(message);
  const proto = name === 'Error' ? undefined : getOwnPropertyDescriptor(globalThis, name)?.value?.prototype;
  if (proto instanceof Error) Object.setPrototypeOf(error, proto);
  return error;
};

/** Taking the stack of the place where an error is read is dear, and it has another. */
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

// `SyntaxError` is a class of its own.
const domNames = new Set(['AbortError', 'ConstraintError', 'DataCloneError', 'DataError', 'EncodingError', 'HierarchyRequestError',
  'InUseAttributeError', 'IndexSizeError', 'InvalidAccessError', 'InvalidCharacterError', 'InvalidModificationError',
  'InvalidNodeTypeError', 'InvalidStateError', 'NamespaceError', 'NetworkError', 'NoModificationAllowedError', 'NotAllowedError',
  'NotFoundError', 'NotReadableError', 'NotSupportedError', 'OperationError', 'QuotaExceededError', 'ReadOnlyError', 'SecurityError',
  'TimeoutError', 'TransactionInactiveError', 'TypeMismatchError', 'URLMismatchError', 'UnknownError', 'VersionError',
  'WrongDocumentError']);
