// The walks over JavaScript's values: `src/js` decides what is read and written, this is how it reaches the values. Only numbers
// cross the boundary in between; text and bytes travel through the memory of wasm.

// What a value is. `src/js/encode.rs` has the same list.
const UNDEFINED = 0, NULL = 1, FALSE = 2, TRUE = 3, NUMBER = 4, STRING = 5, BIGINT = 6, SYMBOL = 7, FUNCTION = 8, SHARED = 9,
  HOLE = 10, THREW = 11, ARRAY = 12, OBJECT = 13, MAP = 14, SET = 15, DATE = 16, REGEXP = 17, ERROR = 18, BOXED = 19, BUFFER = 20,
  BYTES = 21, VIEW = 22, BLOB = 23, FILE = 24, IMAGE = 25, FOREIGN = 26, LOCAL_SYMBOL = 27;

// In the order of the numbers on the wire.
const views = ['DataView', 'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array',
  'Float16Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'];
const viewKinds = new Map(views.map((name, kind) => [name, kind]));

const wellKnown = new Map();
for (const name of Object.getOwnPropertyNames(Symbol))
  if (typeof Symbol[name] === 'symbol') wellKnown.set(Symbol[name], name);

const { prototype: objects } = Object;
const { toString, propertyIsEnumerable } = objects;
const { getPrototypeOf, getOwnPropertySymbols, keys: keysOf, defineProperty } = Object;
const viewName = Object.getOwnPropertyDescriptor(getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get;
const arrays = Array.prototype;

/** Whether objects with this prototype are the program's own, and not the platform's. */
const own = new WeakMap();
const isOwn = proto => {
  for (let next = proto; next && next !== objects; next = getPrototypeOf(next)) {
    let known = own.get(next);
    if (known === undefined) {
      const maker = Object.getOwnPropertyDescriptor(next, 'constructor')?.value;
      known = !(typeof maker === 'function' && /\{\s*\[native code\]\s*\}\s*$/.test(Function.prototype.toString.call(maker)));
      // The root of another realm's objects is native, and yet nobody's.
      if (!known && getPrototypeOf(next) === null && maker.name === 'Object') known = true;
      own.set(next, known);
    }
    if (!known) return false;
  }
  return true;
};

/** Whether a method of a class takes `value` as one of its own: a tag alone proves nothing. */
const takes = (method, value) => {
  try {
    method.call(value);
    return true;
  } catch {
    return false;
  }
};

const getter = (holder, name) => Object.getOwnPropertyDescriptor(holder, name).get;
const proofs = {
  Date: [DATE, Date.prototype.getTime],
  RegExp: [REGEXP, getter(RegExp.prototype, 'source')],
  Map: [MAP, getter(Map.prototype, 'size')],
  Set: [SET, getter(Set.prototype, 'size')],
  ArrayBuffer: [BUFFER, getter(ArrayBuffer.prototype, 'byteLength')],
  Number: [BOXED, Number.prototype.valueOf],
  String: [BOXED, String.prototype.valueOf],
  Boolean: [BOXED, Boolean.prototype.valueOf],
  BigInt: [BOXED, BigInt.prototype.valueOf],
  Symbol: [BOXED, Symbol.prototype.valueOf],
};
const prove = (name, kind) => {
  const holder = globalThis[name]?.prototype;
  const reads = { Blob: 'size', File: 'lastModified', ImageData: 'width' }[name];
  if (holder && Object.getOwnPropertyDescriptor(holder, reads)) proofs[name] = [kind, getter(holder, reads)];
};
prove('Blob', BLOB);
prove('File', FILE);
prove('ImageData', IMAGE);

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The bytes of wasm: a new view when the memory has grown. */
class Memory {
  constructor(memory) {
    this.memory = memory;
    this.view = new Uint8Array(memory.buffer);
  }

  bytes() {
    if (this.view.length === 0) this.view = new Uint8Array(this.memory.buffer);
    return this.view;
  }

  text(at, length) {
    const bytes = this.bytes();
    if (length < 20) {
      let text = '';
      for (let i = at; i < at + length; i++) {
        const byte = bytes[i];
        if (byte > 127) return decoder.decode(bytes.subarray(at, at + length));
        text += String.fromCharCode(byte);
      }
      return text;
    }
    return decoder.decode(bytes.subarray(at, at + length));
  }

  copy(at, length) {
    return this.bytes().slice(at, at + length);
  }
}

/** Walks over a value that is to be written. `value` is the one at hand; `top` the object whose parts come next. */
export class Source {
  constructor(memory) {
    this.memory = new Memory(memory);
    this.keys = new Map();
    this.names = [];
    this.stack = [];
    this.reset();
  }

  reset() {
    this.value = undefined;
    this.thrown = undefined;
    this.top = null;
    this.parts = null;
    this.stack.length = 0;
    this.seen = null;
    this.count = 0;
    this.number_ = 0;
    this.blobs = null;
  }

  begin(value, blobs, lenient) {
    this.reset();
    this.lenient = lenient;
    this.blobs = blobs;
    return this.take(value);
  }

  take(value) {
    this.value = value;
    switch (typeof value) {
      case 'number':
        return NUMBER;
      case 'string':
        return STRING;
      case 'object':
        return value === null ? NULL : this.object(value);
      case 'boolean':
        return value ? TRUE : FALSE;
      case 'undefined':
        return UNDEFINED;
      case 'bigint':
        return BIGINT;
      case 'symbol':
        return wellKnown.has(value) || Symbol.keyFor(value) !== undefined ? SYMBOL : LOCAL_SYMBOL;
      default:
        return FUNCTION;
    }
  }

  object(value) {
    if (this.seen === null) this.seen = new Map();
    else {
      const number = this.seen.get(value);
      if (number !== undefined) {
        this.number_ = number;
        return SHARED;
      }
    }
    let kind;
    try {
      kind = this.classify(value);
    } catch (error) {
      this.thrown = error;
      return THREW;
    }
    if (kind !== FOREIGN) {
      this.seen.set(value, this.count++);
      if (kind === BYTES) this.seen.set(value.buffer, this.count++);
    }
    return kind;
  }

  classify(value) {
    if (Array.isArray(value)) return ARRAY;
    const proto = getPrototypeOf(value);
    if (ArrayBuffer.isView(value)) {
      const { buffer } = value;
      if (!(buffer instanceof ArrayBuffer) && toString.call(buffer) !== '[object ArrayBuffer]') return FOREIGN;
      const whole =
        viewName.call(value) === 'Uint8Array' && value.byteLength === buffer.byteLength && !buffer.resizable && !this.seen.has(buffer);
      return whole ? BYTES : VIEW;
    }
    const name = toString.call(value).slice(8, -1);
    const proof = proofs[name];
    if (proof && takes(proof[1], value)) return proof[0];
    if (value instanceof Error || name === 'Error' || (name === 'DOMException' && 'message' in value)) return ERROR;
    if (proto === objects || proto === null) return OBJECT;
    if (this.lenient && typeof value.toJSON === 'function') return FOREIGN;
    if (isOwn(proto)) return OBJECT;
    return FOREIGN;
  }

  /** What a foreign object is called. */
  describe() {
    const { value } = this;
    return value?.constructor?.name || toString.call(value).slice(8, -1);
  }

  /** A foreign object as its own data, or what its `toJSON` gives; its kind. */
  plain() {
    const { value } = this;
    try {
      if (typeof value.toJSON === 'function') {
        const plain = value.toJSON();
        return plain === value ? this.take(null) : this.take(plain);
      }
    } catch (error) {
      this.thrown = error;
      return THREW;
    }
    this.seen.set(value, this.count++);
    return OBJECT;
  }

  /** The value at hand becomes the one whose parts come next; how many these are. */
  enter(kind) {
    this.stack.push(this.top, this.parts);
    const { value } = this;
    this.top = value;
    try {
      switch (kind) {
        case ARRAY:
          this.parts = value;
          return value.length;
        case MAP: {
          const parts = (this.parts = []);
          for (const [key, item] of Map.prototype.entries.call(value)) parts.push(key, item);
          return parts.length / 2;
        }
        case SET:
          this.parts = [...Set.prototype.values.call(value)];
          return this.parts.length;
        case ERROR: {
          const skipped = ['name', 'message', 'stack', 'cause'];
          this.parts = Reflect.ownKeys(value).filter(key => !skipped.includes(key) && this.sendable(key));
          if (!(value instanceof Error)) this.parts = this.parts.filter(key => propertyIsEnumerable.call(value, key));
          return this.parts.length;
        }
        default: {
          const parts = (this.parts = keysOf(value));
          const symbols = getOwnPropertySymbols(value);
          for (let i = 0; i < symbols.length; i++)
            if (propertyIsEnumerable.call(value, symbols[i]) && this.sendable(symbols[i])) parts.push(symbols[i]);
          return parts.length;
        }
      }
    } catch (error) {
      this.thrown = error;
      return -1;
    }
  }

  sendable(key) {
    return typeof key === 'string' || wellKnown.has(key) || Symbol.keyFor(key) !== undefined;
  }

  leave() {
    this.parts = this.stack.pop();
    this.top = this.stack.pop();
  }

  /** The element of an array, of a set, or one half of a map's entry. */
  item(index) {
    const { parts } = this;
    let value;
    try {
      value = parts[index];
      if (value === undefined && parts === this.top && !(index in parts)) return HOLE;
    } catch (error) {
      this.thrown = error;
      return THREW;
    }
    return this.take(value);
  }

  /** The number of a property's key; -1 for a symbol, -2 for a text that has none. Both are then the value at hand. */
  key(index) {
    const key = this.parts[index];
    if (typeof key === 'symbol') {
      this.value = key;
      return -1;
    }
    const number = this.keys.get(key);
    if (number !== undefined) return number;
    this.value = key;
    if (this.names.length >= 1024 || key.length > 64) return -2;
    this.keys.set(key, this.names.length);
    this.names.push(key);
    return this.names.length - 1;
  }

  /** Makes the text of a numbered key the value at hand. */
  keyText(number) {
    this.value = this.names[number];
  }

  property(index) {
    let value;
    try {
      value = this.top[this.parts[index]];
    } catch (error) {
      this.thrown = error;
      return THREW;
    }
    return this.take(value);
  }

  number() {
    return this.value;
  }

  /** Number of an object that was there before. */
  shared() {
    return this.number_;
  }

  /**
   * Writes the text at hand as UTF-8; how many bytes. -1: it has lone surrogates. -2 and less: it may take that many bytes
   * less two, which is more than there is room for.
   */
  text(at, room) {
    const { value } = this;
    const { length } = value;
    const bytes = this.memory.bytes();
    if (length <= room && length < 40) {
      let i = 0;
      for (; i < length; i++) {
        const unit = value.charCodeAt(i);
        if (unit > 127) break;
        bytes[at + i] = unit;
      }
      if (i === length) return length;
    }
    if (!(value.isWellFormed?.() ?? wellFormed(value))) return -1;
    if (length * 3 > room) return -2 - length * 3;
    return encoder.encodeInto(value, bytes.subarray(at, at + room)).written;
  }

  /** Length of the text at hand in UTF-16 code units. */
  units() {
    return this.value.length;
  }

  unit(index) {
    return this.value.charCodeAt(index);
  }

  /** Whether the symbol at hand is registered; its name is the value at hand then. */
  symbol() {
    const name = wellKnown.get(this.value);
    const registered = name === undefined;
    this.value = registered ? Symbol.keyFor(this.value) : name;
    return registered;
  }

  /** The bigint at hand as hexadecimal digits; whether it is negative. */
  bigint() {
    const negative = this.value < 0n;
    this.value = (negative ? -this.value : this.value).toString(16);
    return negative;
  }

  date() {
    return Date.prototype.getTime.call(this.value);
  }

  /** Parts of special objects, by number; the value at hand is the object until `part` is called, and its part then. */
  part(which) {
    const object = this.value;
    this.whole = object;
    try {
      switch (which) {
        case 0:
          return this.take(object.flags);
        case 1:
          return this.take(object.source);
        case 2:
          return this.take(object.lastIndex);
        case 3:
          return this.take(String(object.name));
        case 4:
          return this.take(String(object.message));
        case 5:
          return this.take(typeof object.stack === 'string' ? object.stack : '');
        case 6:
          // The one that a boxed primitive is around.
          return this.take(object.valueOf());
        case 7:
          return this.take(object.buffer);
        case 8:
          return this.take(object.type);
        case 9:
          return this.take(object.name);
        case 10:
          return this.take(object.colorSpace ?? 'srgb');
        default:
          return this.take(object.cause);
      }
    } catch (error) {
      this.thrown = error;
      return THREW;
    }
  }

  /** After `part`: back to the object. */
  back() {
    this.value = this.whole;
  }

  hasCause() {
    return Object.hasOwn(this.value, 'cause');
  }

  /** Numbers of special objects. */
  measure(which) {
    const { value } = this;
    switch (which) {
      case 0:
        return value.byteLength;
      case 1:
        return value.resizable ? value.maxByteLength : -1;
      case 2:
        return viewKinds.get(viewName.call(value) ?? 'DataView') ?? -1;
      case 3:
        return value.byteOffset;
      case 4:
        return follows(value) ? -1 : (value.length ?? value.byteLength);
      case 5:
        return value.lastModified;
      case 6:
        return value.width;
      case 7:
        return value.height;
      case 8:
        return this.blobBytes()?.byteLength ?? -1;
      default:
        return value.data.byteLength;
    }
  }

  /** The bytes of a buffer, a view, an image or a blob, to be written at `at`. */
  copy(at) {
    const { value } = this;
    let bytes;
    if (ArrayBuffer.isView(value)) bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    else if (value.data && !(value instanceof ArrayBuffer)) bytes = new Uint8Array(value.data.buffer, value.data.byteOffset, value.data.byteLength);
    else bytes = new Uint8Array(this.blobBytes() ?? value);
    this.memory.bytes().set(bytes, at);
  }

  /** What a blob holds, where it can be read by now. */
  blobBytes() {
    const { value } = this;
    if (typeof Blob !== 'function' || !(value instanceof Blob)) return undefined;
    let bytes = this.blobs?.get(value);
    if (!bytes && typeof FileReaderSync === 'function') bytes = new FileReaderSync().readAsArrayBuffer(value);
    return bytes;
  }

  /** What was thrown, in words. */
  why() {
    try {
      return String(this.thrown?.message ?? this.thrown);
    } catch {
      return 'something that cannot be shown';
    }
  }
}

const wellFormed = text => !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);

/** Whether a view follows the length of its buffer. JavaScript tells it only by what resizing does. */
const follows = view => {
  const { buffer } = view;
  if (!buffer.resizable) return false;
  const size = view.BYTES_PER_ELEMENT ?? 1;
  const end = view.byteOffset + view.byteLength;
  const was = buffer.byteLength;
  // Only a view that reaches the end can.
  if (was - end >= size) return false;
  if (was + size <= buffer.maxByteLength) {
    buffer.resize(was + size);
    const follows = view.byteOffset + view.byteLength !== end;
    buffer.resize(was);
    return follows;
  }
  if (view.byteLength === 0) return false;
  // Shrunk, a view of a fixed length is out of bounds: it has no length, or says so. What is cut off is put back.
  const cut = new Uint8Array(buffer.slice(end - 1));
  let byLength = false;
  try {
    buffer.resize(end - 1);
    byLength = view.byteLength !== 0 || view.byteOffset !== 0;
  } catch {
    // Out of bounds.
  }
  buffer.resize(was);
  new Uint8Array(buffer).set(cut, end - 1);
  return byLength;
};

/** The blobs in a value, to be awaited before it is written. */
export const blobsIn = async value => {
  const found = new Map();
  const seen = new Set();
  const look = value => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    if (value instanceof Blob) found.set(value, null);
    else if (value instanceof Map) for (const [key, item] of value) look(key), look(item);
    else if (value instanceof Set) for (const item of value) look(item);
    else if (!ArrayBuffer.isView(value) && !(value instanceof ArrayBuffer))
      for (const key of Reflect.ownKeys(value)) {
        const property = Object.getOwnPropertyDescriptor(value, key);
        if (property && 'value' in property) look(property.value);
      }
  };
  look(value);
  for (const blob of found.keys()) found.set(blob, await blob.arrayBuffer());
  return found;
};

// Where a value that has been read goes.
const ROOT = 0, ELEMENTS = 1, PROPERTIES = 2, ENTRIES = 3, MEMBERS = 4, CAUSE = 5, INSIDE = 6, UNDER = 7;

/** Builds a value as it is read. `key` of each function is the number of a property's key; it means nothing outside of objects. */
export class Target {
  constructor(memory) {
    this.memory = new Memory(memory);
    this.keys = [];
    this.stack = [];
    this.texts = [];
    this.begin();
  }

  begin() {
    this.result = undefined;
    this.mode = ROOT;
    this.top = null;
    this.extra = undefined;
    this.half = false;
    this.stack.length = 0;
    this.texts.length = 0;
    this.objects = [];
  }

  end() {
    const { result } = this;
    this.begin();
    return result;
  }

  /** Numbers a key. */
  intern(at, length) {
    return this.keys.push(this.memory.text(at, length)) - 1;
  }

  internUnits(at, length) {
    return this.keys.push(this.wide(at, length)) - 1;
  }

  internSymbol(registered, at, length) {
    return this.keys.push(this.symbolOf(registered, at, length)) - 1;
  }

  /** Forgets the keys from a number on. */
  forget(from) {
    this.keys.length = from;
  }

  put(key, value) {
    switch (this.mode) {
      case PROPERTIES: {
        const name = this.keys[key];
        if (name === '__proto__' || this.extra) defineProperty(this.top, name, { value, writable: true, enumerable: !this.extra?.has(name), configurable: true });
        else this.top[name] = value;
        return;
      }
      case ELEMENTS:
        this.top[this.extra++] = value;
        return;
      case ENTRIES:
        if (this.half) {
          this.half = false;
          this.top.set(this.extra, value);
        } else {
          this.half = true;
          this.extra = value;
        }
        return;
      case MEMBERS:
        this.top.add(value);
        return;
      case CAUSE:
        defineProperty(this.top, 'cause', { value, writable: true, enumerable: false, configurable: true });
        this.mode = PROPERTIES;
        return;
      case INSIDE: {
        const boxed = Object(value);
        const { number, key: outer } = this.extra;
        this.objects[number] = boxed;
        this.close();
        this.put(outer, boxed);
        return;
      }
      case UNDER: {
        const { kind, offset, length, number, key: outer } = this.extra;
        const Class = globalThis[views[kind]];
        if (!Class) throw new TypeError(`this platform has no ${views[kind]}`);
        const view = length < 0 ? new Class(value, offset) : new Class(value, offset, length);
        this.objects[number] = view;
        this.close();
        this.put(outer, view);
        return;
      }
      default:
        this.result = value;
    }
  }

  stepIn(mode, top, extra) {
    this.stack.push(this.mode, this.top, this.extra, this.half);
    this.mode = mode;
    this.top = top;
    this.extra = extra;
    this.half = false;
  }

  /** The object that was begun last is complete. */
  close() {
    const { stack } = this;
    this.half = stack.pop();
    this.extra = stack.pop();
    this.top = stack.pop();
    this.mode = stack.pop();
  }

  simple(key, kind) {
    this.put(key, kind === 0 ? undefined : kind === 1 ? null : kind === 3);
  }

  number(key, value) {
    this.put(key, value);
  }

  string(key, at, length) {
    this.put(key, this.memory.text(at, length));
  }

  stringUnits(key, at, length) {
    this.put(key, this.wide(at, length));
  }

  wide(at, length) {
    const bytes = this.memory.copy(at, length);
    const units = new Uint16Array(bytes.buffer);
    let text = '';
    for (let i = 0; i < units.length; i += 4096) text += String.fromCharCode(...units.subarray(i, i + 4096));
    return text;
  }

  bigint(key, negative, at, length) {
    const bytes = this.memory.bytes();
    let digits = '0x0';
    const parts = [];
    for (let i = at + length - 1; i >= at; i--) parts.push(bytes[i].toString(16).padStart(2, '0'));
    digits += parts.join('');
    const value = BigInt(digits);
    this.put(key, negative ? -value : value);
  }

  symbolOf(registered, at, length) {
    const name = this.memory.text(at, length);
    if (registered) return Symbol.for(name);
    if (typeof Symbol[name] !== 'symbol') throw new TypeError(`this platform has no Symbol.${name}`);
    return Symbol[name];
  }

  symbol(key, registered, at, length) {
    this.put(key, this.symbolOf(registered, at, length));
  }

  shared(key, number) {
    const object = this.objects[number];
    if (!object) throw new TypeError('a view or a boxed value contains itself');
    this.put(key, object);
  }

  made(key, object) {
    this.objects.push(object);
    this.put(key, object);
  }

  array(key) {
    const array = [];
    this.made(key, array);
    this.stepIn(ELEMENTS, array, 0);
  }

  hole() {
    this.extra++;
    // Assigning the length is what makes holes at the end.
    if (this.top.length < this.extra) this.top.length = this.extra;
  }

  object(key) {
    const object = {};
    this.made(key, object);
    this.stepIn(PROPERTIES, object, undefined);
  }

  map(key) {
    const map = new Map();
    this.made(key, map);
    this.stepIn(ENTRIES, map, undefined);
  }

  set(key) {
    const set = new Set();
    this.made(key, set);
    this.stepIn(MEMBERS, set, undefined);
  }

  date(key, milliseconds) {
    this.made(key, new Date(milliseconds));
  }

  /** Text that a later function takes. */
  say(at, length) {
    this.texts.push(this.memory.text(at, length));
  }

  sayUnits(at, length) {
    this.texts.push(this.wide(at, length));
  }

  regexp(key, lastIndex) {
    const [source, flags] = this.texts.splice(0);
    const regexp = new RegExp(source, flags);
    regexp.lastIndex = lastIndex;
    this.made(key, regexp);
  }

  error(key, hasCause) {
    const [name, message, stack] = this.texts.splice(0);
    const error = errorOf(name, message);
    try {
      defineProperty(error, 'stack', { value: stack, writable: true, enumerable: false, configurable: true });
    } catch {
      // A platform may refuse: its own stack is then all there is.
    }
    this.made(key, error);
    // `errors` is hidden in errors of the platform too.
    this.stepIn(hasCause ? CAUSE : PROPERTIES, error, hidden);
  }

  boxed(key) {
    const number = this.objects.push(null) - 1;
    this.stepIn(INSIDE, null, { number, key });
  }

  buffer(key, at, length, max) {
    if (max < 0) return this.made(key, this.memory.copy(at, length).buffer);
    const buffer = new ArrayBuffer(length, { maxByteLength: max });
    new Uint8Array(buffer).set(this.memory.bytes().subarray(at, at + length));
    this.made(key, buffer);
  }

  bytes(key, at, length) {
    const bytes = this.memory.copy(at, length);
    this.objects.push(bytes);
    this.objects.push(bytes.buffer);
    this.put(key, bytes);
  }

  view(key, kind, offset, length) {
    const number = this.objects.push(null) - 1;
    this.stepIn(UNDER, null, { kind, offset, length, number, key });
  }

  blob(key, at, length) {
    const [type] = this.texts.splice(0);
    this.made(key, new Blob([this.memory.copy(at, length)], { type }));
  }

  file(key, lastModified, at, length) {
    const [type, name] = this.texts.splice(0);
    this.made(key, new File([this.memory.copy(at, length)], name, { type, lastModified }));
  }

  image(key, width, height, at, length) {
    const [colorSpace] = this.texts.splice(0);
    if (typeof ImageData !== 'function') throw new TypeError('this platform has no ImageData');
    const pixels = new Uint8ClampedArray(this.memory.copy(at, length).buffer);
    this.made(key, new ImageData(pixels, width, height, { colorSpace }));
  }
}

const hidden = new Set(['errors']);

const errorOf = (name, message) => {
  const Class = globalThis[name];
  if (name === 'AggregateError') return new AggregateError([], message);
  if (typeof Class === 'function' && (Class === Error || Class.prototype instanceof Error) && name !== 'DOMException') {
    const error = new Error(message);
    // Classes of the program may want other arguments than a message: none of their code runs.
    Object.setPrototypeOf(error, Class.prototype);
    return error;
  }
  if (typeof DOMException === 'function' && domNames.has(name)) return new DOMException(message, name);
  const error = new Error(message);
  if (name !== 'Error') defineProperty(error, 'name', { value: name, writable: true, enumerable: false, configurable: true });
  return error;
};

const domNames = new Set(['AbortError', 'TimeoutError', 'DataCloneError', 'InvalidStateError', 'NotSupportedError', 'NotFoundError',
  'SyntaxError', 'SecurityError', 'NetworkError', 'QuotaExceededError', 'NotAllowedError', 'InvalidAccessError', 'HierarchyRequestError',
  'WrongDocumentError', 'InvalidCharacterError', 'NoModificationAllowedError', 'InUseAttributeError', 'InvalidModificationError',
  'NamespaceError', 'TypeMismatchError', 'URLMismatchError', 'InvalidNodeTypeError', 'EncodingError', 'NotReadableError', 'UnknownError',
  'ConstraintError', 'DataError', 'TransactionInactiveError', 'ReadOnlyError', 'VersionError', 'OperationError', 'IndexSizeError']);
domNames.delete('SyntaxError');
