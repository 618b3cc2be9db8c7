// Values between JavaScript and Python: as text that both can read. `python/pyscript/values.py` is the other half.
//
// Interpreters convert values in different ways: MicroPython truncates integers to 32 bits, Pyodide creates proxies of unknown objects. Values therefore
// cross as JSON, in which objects with the key `$` stand for values that JSON lacks. Values without a textual form, such as bytes, are stored under a
// number by which the other side fetches them.

export class Values {
  #left = new Map();
  #next = 1;

  /** Stores a value for the other side. Returns its number. */
  leave(value) {
    const number = this.#next++;
    this.#left.set(number, value);
    return number;
  }

  /** Removes and returns the value with a number. */
  take(number) {
    const value = this.#left.get(number);
    this.#left.delete(number);
    return value;
  }

  /** The argument with which `drop` removes later values. */
  mark() {
    return this.#next;
  }

  /** Removes the values stored since `mark`, because their text cannot be made. */
  drop(mark) {
    for (let number = mark; number < this.#next; number++) this.#left.delete(number);
  }

  /**
   * The text of a value.
   *
   * @throws {TypeError} when it contains itself
   */
  pack(value) {
    if (isJson(value, SHALLOW)) return JSON.stringify(value);
    const before = this.mark();
    try {
      return JSON.stringify(this.#packed(value, []));
    } catch (error) {
      this.drop(before);
      throw error;
    }
  }

  /** The value of a text. */
  unpack(text) {
    const found = JSON.parse(text);
    return text.includes('"$"') ? this.#unpacked(found) : found;
  }

  #packed(value, above) {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'undefined':
        return null;
      case 'number':
        return isJsonNumber(value) ? value : { $: 'float', v: Object.is(value, -0) ? '-0.0' : String(value) };
      case 'bigint':
        return { $: 'int', v: value.toString(16) };
      case 'object':
        return value === null ? null : this.#packedObject(value, above);
      default:
        return { $: 'js', v: this.leave(value) };
    }
  }

  #packedObject(value, above) {
    if (above.includes(value)) throw new TypeError('a value that contains itself cannot be given to Python');
    const bytes = this.#packedBytes(value);
    if (bytes) return bytes;
    const within = [...above, value];
    const inner = item => this.#packed(item, within);
    // Not `map`, which leaves out holes.
    if (Array.isArray(value)) return Array.from(value, inner);
    if (value instanceof Map) return { $: 'dict', v: Array.from(value, ([key, item]) => [inner(key), inner(item)]) };
    if (value instanceof Set) return { $: 'set', v: Array.from(value, inner) };
    if (value instanceof Date) return { $: 'date', v: value.getTime() };
    if (value instanceof Number || value instanceof String || value instanceof Boolean) return inner(value.valueOf());
    if (!isPlainObject(value)) return { $: 'js', v: this.leave(value) };
    const entries = Object.entries(value);
    if ('$' in value) return { $: 'dict', v: entries.map(([key, item]) => [key, inner(item)]) };
    return Object.fromEntries(entries.map(([key, item]) => [key, inner(item)]));
  }

  #packedBytes(value) {
    if (value instanceof ArrayBuffer) return { $: 'bytes', v: this.leave(new Uint8Array(value)) };
    if (!ArrayBuffer.isView(value)) return undefined;
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    const [code] = Object.entries(ARRAYS).find(([, Kind]) => value instanceof Kind) ?? [];
    return code ? { $: 'array', t: code, v: this.leave(bytes) } : { $: 'bytes', v: this.leave(bytes) };
  }

  #unpacked(found) {
    if (typeof found !== 'object' || found === null) return found;
    if (Array.isArray(found)) return found.map(item => this.#unpacked(item));
    const { $: kind, v } = found;
    if (kind === undefined) return Object.fromEntries(Object.entries(found).map(([key, item]) => [key, this.#unpacked(item)]));
    switch (kind) {
      case 'int':
        return v[0] === '-' ? -BigInt(v.slice(1)) : BigInt(v);
      case 'float':
        return Number(v.replace('inf', 'Infinity'));
      case 'date':
        return new Date(v);
      case 'set':
        return new Set(this.#unpacked(v));
      case 'dict':
        return new Map(this.#unpacked(v));
      case 'array':
        return new ARRAYS[found.t](this.take(v).buffer);
      default:
        return this.take(v);
    }
  }
}

/** Whether JSON represents a value completely. */
const isJson = (value, depth) => {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return isJsonNumber(value);
    case 'object':
      if (value === null) return true;
      if (depth === 0) return false;
      // Not `every`, which leaves out holes.
      if (Array.isArray(value)) {
        for (let index = 0; index < value.length; index++) if (!isJson(value[index], depth - 1)) return false;
        return true;
      }
      if (!isPlainObject(value)) return false;
      for (const key of Object.keys(value)) if (key === '$' || !isJson(value[key], depth - 1)) return false;
      return true;
    default:
      return false;
  }
};

/** Integers are integers of Python as far as they are exact: beyond, a number is a `float`, which JSON would not tell. */
const isJsonNumber = value => (Number.isInteger(value) ? Number.isSafeInteger(value) && !Object.is(value, -0) : Number.isFinite(value));

const isPlainObject = value => {
  const proto = Object.getPrototypeOf(value);
  return proto === null || proto === Object.prototype;
};

/** Typed arrays by their code in Python's `array`. Bytes are Python's `bytes`. */
const ARRAYS = {
  b: Int8Array,
  h: Int16Array,
  H: Uint16Array,
  i: Int32Array,
  I: Uint32Array,
  q: BigInt64Array,
  Q: BigUint64Array,
  f: Float32Array,
  d: Float64Array,
};

/** Maximum nesting for `isJson`. Deeper values may contain themselves. */
const SHALLOW = 60;
