// Values between JavaScript and Python: as text that both can read. `python/pyscript/values.py` is the other half.
//
// Interpreters convert values by themselves, each in its own way: MicroPython cuts integers off at 32 bits, Pyodide gives proxies of what
// it does not know. So a value crosses as JSON, in which objects with the key `$` stand for what JSON has not. What has no text at all,
// such as bytes, is left with a number, under which the other side fetches it.

export class Values {
  #left = new Map();
  #next = 1;

  /** Leaves a value for the other side; gives its number. */
  leave(value) {
    const number = this.#next++;
    this.#left.set(number, value);
    return number;
  }

  /** What was left under a number; once. */
  take(number) {
    const value = this.#left.get(number);
    this.#left.delete(number);
    return value;
  }

  /**
   * The text of a value.
   *
   * @throws {TypeError} when it contains itself
   */
  pack(value) {
    return JSON.stringify(this.#packed(value, []));
  }

  /** The value of a text. */
  unpack(text) {
    return this.#unpacked(JSON.parse(text));
  }

  #packed(value, above) {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'undefined':
        return null;
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0) ? value : { $: 'float', v: Object.is(value, -0) ? '-0.0' : String(value) };
      case 'bigint':
        return { $: 'int', v: String(value) };
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
    const proto = Object.getPrototypeOf(value);
    if (proto !== null && proto !== Object.prototype) return { $: 'js', v: this.leave(value) };
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
        return BigInt(v);
      case 'float':
        return Number(v.replace('inf', 'Infinity'));
      case 'date':
        return new Date(v);
      case 'set':
        return new Set(this.#unpacked(v));
      case 'dict':
        return new Map(this.#unpacked(v));
      case 'array':
        return new ARRAYS[found.t](this.take(v).slice().buffer);
      default:
        return this.take(v);
    }
  }
}

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
