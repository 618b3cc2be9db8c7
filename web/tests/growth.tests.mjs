// Time and memory of encoding and decoding are linear in the size of a value, for each kind of value: ten small values are compared with
// one of ten times the size. `memory()` returns the size of wasm's memory in bytes.
import { skip } from './suite.mjs';

export default (test, { encode, decode, blobs, memory, assert, throws }) => {
  const list = (length, make) => Array.from({ length }, (_, i) => make(i));
  const error = (i, cause) => new Error(`error ${i}`, { cause });

  /** A function that makes a value of a size, and the small size. Both sizes stay below 1 MiB of words, beyond which the codec keeps no buffers. */
  const kinds = {
    'strings of ASCII': [n => 'x'.repeat(n), 1 << 20],
    'strings of two bytes a letter': [n => 'ż'.repeat(n), 1 << 18],
    'strings of surrogate pairs': [n => '😀'.repeat(n), 1 << 17],
    'strings of lone surrogates': [n => '\ud800'.repeat(n), 1 << 15],
    'strings with a lone surrogate at the end': [n => `${'x'.repeat(n)}\ud800`, 1 << 15],
    'bigints': [n => (1n << BigInt(n)) - 12345n, 80_000],
    'negative bigints': [n => -(3n << BigInt(n)), 80_000],
    'many bigints': [n => list(n, i => 2n ** 70n + BigInt(i)), 2000],
    'arrays of integers': [n => list(n, i => i), 20_000],
    'arrays of numbers': [n => list(n, i => i + 0.5), 5000],
    'arrays with holes': [n => Object.assign(new Array(n), Object.fromEntries(list(n / 4, i => [4 * i, 1]))), 8_000],
    'arrays of holes': [n => list(n / 1000, () => new Array(1000)), 20_000],
    'an array of holes': [n => new Array(n), 6_500],
    'arrays of strings': [n => list(n, i => `text ${i}`), 5000],
    'records': [n => list(n, i => ({ id: i, name: `name ${i}`, ok: true })), 2000],
    'objects of many keys': [n => Object.fromEntries(list(n, i => [`key ${i}`, i])), 2000],
    'objects of many symbols': [n => Object.fromEntries(list(n, i => [Symbol.for(`key ${i}`), i])), 1000],
    'objects of indices': [n => Object.fromEntries(list(n, i => [i * 1000, i])), 2000],
    'objects of long keys': [n => Object.fromEntries(list(n, i => [`${'k'.repeat(100)}${i}`, i])), 1000],
    'objects of different keys': [n => list(n, i => ({ [`a${i}`]: i, [`b${i}`]: i })), 1000],
    'maps': [n => new Map(list(n, i => [i, {}])), 2000],
    'sets': [n => new Set(list(n, i => `member ${i}`)), 5000],
    'shared references': [n => { const one = {}; return list(n, () => one); }, 8000],
    'shared references to many': [n => { const many = list(n, () => ({})); return [many, many.toReversed?.() ?? [...many].reverse()]; }, 5000],
    'nesting': [n => list(n / 200, () => list(200, i => i).reduce(inner => [inner], 1)), 20_000],
    'symbols': [n => list(n, i => Symbol.for(`symbol ${i}`)), 2000],
    'dates': [n => list(n, i => new Date(i)), 5000],
    'regular expressions': [n => list(n, i => new RegExp(`a${i}`)), 2000],
    'boxed primitives': [n => list(n, i => Object(i)), 2000],
    'errors': [n => list(n, i => error(i)), 500],
    'errors with causes': [n => list(n / 100, () => list(100, i => i).reduce((cause, i) => error(i, cause), undefined)), 500],
    'exceptions of the platform': [n => list(n, () => new DOMException('gone', 'AbortError')), 300],
    'a typed array': [n => new Uint8Array(n), 1 << 20],
    'many typed arrays': [n => list(n, () => new Uint8Array(1)), 1000],
    'many views of a buffer': [n => { const buffer = new ArrayBuffer(8 * n); return list(n, i => new Float64Array(buffer, 8 * i, 1)); }, 2000],
    'many buffers': [n => list(n, () => new ArrayBuffer(1)), 1000],
    'views that follow a resizable buffer': [n => {
      const buffer = new ArrayBuffer(1 << 16, { maxByteLength: 1 << 16 });
      return list(n, i => new Uint8Array(buffer, i));
    }, 500],
    'large blobs': [n => list(n, () => new Blob([new Uint8Array(2048)])), 30],
    'large files': [n => list(n, i => new File([new Uint8Array(2048)], `${i}`)), 30],
    'images': [n => list(n, () => new ImageData(4, 4)), 100],
  };
  const missing = {
    'views that follow a resizable buffer': () => !ArrayBuffer.prototype.resize,
    'large files': () => typeof File !== 'function',
    'images': () => typeof ImageData !== 'function',
  };

  /** Milliseconds of `times` runs of an action. */
  const time = (times, action) => {
    const start = performance.now();
    for (let i = 0; i < times; i++) action();
    return performance.now() - start;
  };

  /** Fails if a large run takes much longer than ten small ones. Measures again before it fails, because the machine may be busy. */
  const compare = (what, small, large) => {
    let [ten, one] = [Infinity, Infinity];
    for (let tries = 0; tries < 8; tries++) {
      ten = Math.min(ten, time(10, small));
      one = Math.min(one, time(1, large));
      // Quadratic time is ten times as much. Clocks are coarse in some browsers.
      if (one <= MOST_GROWTH * ten + 3) return;
    }
    throw new Error(`${what}: ten times the size takes ${(10 * one / ten).toFixed(1)} times as long (${one.toFixed(1)} ms against ${(ten / 10).toFixed(1)} ms)`);
  };

  for (const [name, [make, size]] of Object.entries(kinds))
    test(`growth: time and memory are linear in the size: ${name}`, async () => {
      if (missing[name]?.()) return skip(`this platform has no ${name}`);
      const [small, large] = await Promise.all([size, 10 * size].map(async size => {
        const value = make(size);
        const options = { blobs: await blobs(value) };
        return { value, options, bytes: encode(value, options) };
      }));
      assert(large.bytes.length <= 13 * small.bytes.length, `${large.bytes.length} bytes against ${small.bytes.length}`);
      const before = memory();
      compare('encoding', () => encode(small.value, small.options), () => encode(large.value, large.options));
      compare('decoding', () => decode(small.bytes), () => decode(large.bytes));
      const grown = memory() - before;
      assert(grown <= MOST_MEMORY * large.bytes.length + (4 << 20), `${large.bytes.length} bytes take ${grown} bytes of memory`);
    });

  test('growth: a bigint of 8 MB takes no more memory than bytes', () => {
    let value;
    try {
      value = 1n << 64_000_000n;
    } catch {
      return skip('this platform has no such bigint');
    }
    const before = memory();
    const bytes = encode(value);
    assert(decode(bytes) === value, 'another bigint');
    const grown = memory() - before;
    assert(grown <= 5 * bytes.length, `${bytes.length} bytes take ${grown} bytes of memory`);
  });

  test('growth: a bigint that the platform cannot represent is refused', () => {
    const bytes = new Uint8Array((1 << 27) + 6).fill(1);
    // 2^27 + 1 bytes: slightly more than any engine represents.
    bytes.set([0x88, 0x81, 0x80, 0x80, 0x40]);
    const { message } = throws(() => decode(bytes));
    assert(message.includes('this platform has no bigint of 134217729 bytes'), message);
  });

  test('growth: many small objects that are costly to create are refused, in both directions', async () => {
    const text = 'more than 1,024 blobs, files and resizable buffers cannot be sent in one value if they hold less than a KiB each';
    const counts = async (make, item) => {
      const array = (count, item) => Uint8Array.from([0x90, (count & 0x7f) | 0x80, count >> 7, ...list(count, () => item).flat()]);
      const value = list(1100, make);
      const options = { blobs: await blobs(value) };
      assert(throws(() => encode(value, options)).message === `args: ${text}`, 'sent');
      assert(throws(() => decode(array(1100, item))).message.endsWith(text), 'received');
      const some = value.slice(0, 1000);
      assert(decode(encode(some, options)).length === 1000 && decode(array(1000, item)).length === 1000, 'fewer');
    };
    await counts(() => new Blob([]), [0x9a, 0x40, 0]);
    if (typeof File === 'function') await counts(() => new File([], ''), [0x9b, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40]);
    if (ArrayBuffer.prototype.resize) await counts(() => new ArrayBuffer(0, { maxByteLength: 1 }), [0x97, 1, 0]);
  });
};

const MOST_GROWTH = 4;

/** Most bytes of memory for each byte of a payload: one-byte numbers become words of four bytes. */
const MOST_MEMORY = 16;
