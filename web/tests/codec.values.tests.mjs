// Values that the codec of JavaScript encodes and decodes. For `encode`, `decode` and the rest of `kit`, see `codec.kit.mjs`.
import { hex, unhex } from './codec.kit.mjs';
import { skip } from './suite.mjs';

export default (test, { encode, decode, again, refuses, blobs, assert, equal, deepEqual, throws }) => {
  test('codec: encodes and decodes primitives', () => {
    for (const value of [undefined, null, true, false, 0, -0, 1, 63, 64, -1, 2 ** 24 - 1, 2 ** 24, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53 - 1,
      2 ** 53, -(2 ** 53), 1.5, NaN, Infinity, -Infinity, Number.MIN_VALUE, Number.MAX_VALUE, '', 'a', 'é', '€', '😀', 'a'.repeat(31),
      'a'.repeat(32), 'ż'.repeat(47), 'ż'.repeat(48), 'x'.repeat(4096), 'x'.repeat(4097), '😀'.repeat(5000), 'a\u0000b', '\ufeffbom',
      0n, 1n, -1n, 2n ** 63n, -(2n ** 64n), 2n ** 64n - 1n, 2n ** 64n, 3n ** 1000n, -(7n ** 2000n),
      Symbol.iterator, Symbol.asyncIterator, Symbol.for('key'), Symbol.for('')]) {
      const back = again(value);
      assert(Object.is(back, value), `${String(value).slice(0, 50)} became ${String(back).slice(0, 50)}`);
    }
  });

  test('codec: encodes and decodes strings with lone surrogates', () => {
    for (const text of ['\ud800', 'a\udc00b', '\ud800\ud800\udc00', 'x'.repeat(100) + '\udfff', 'y'.repeat(9000) + '\ud800', 'abc\ud83d'])
      equal(again(text), text);
    deepEqual(again({ 'k\ud800': 1, ok: '\udc00' }), { 'k\ud800': 1, ok: '\udc00' });
    deepEqual(again([{ 'k\ud800': 1 }, { 'k\ud800': 2 }]), [{ 'k\ud800': 1 }, { 'k\ud800': 2 }]);
  });

  test('codec: encodes and decodes bigints of all lengths', () => {
    for (const bits of [63, 64, 65, 100, 4095, 4096, 4097, 8191, 8192, 16_384, 32_767, 100_001, 1_000_000])
      for (const value of [1n << BigInt(bits), (1n << BigInt(bits)) - 12345n, -(7n << BigInt(bits - 4))]) assert(again(value) === value, `${bits} bits`);
  });

  test('codec: encodes and decodes arrays with holes', () => {
    deepEqual(again([]), []);
    const holes = again([, 1, , undefined, ,]);
    equal(holes.length, 5);
    deepEqual(Object.keys(holes), ['1', '3']);
    equal(again(new Array(20)).length, 20);
    deepEqual(again(Array.from({ length: 300 }, (_, i) => i)), Array.from({ length: 300 }, (_, i) => i));
    refuses([new Array(4e9)], 'args[0]: an array of hardly anything but holes cannot be sent');
    class List extends Array {}
    const list = again(List.of(1, 2));
    equal(Object.getPrototypeOf(list), Array.prototype);
  });

  test('codec: encodes and decodes plain objects', () => {
    deepEqual(again({ a: 1, 'b c': { d: [null] }, 5: 'x', '': 0 }), { a: 1, 'b c': { d: [null] }, 5: 'x', '': 0 });
    deepEqual(Object.keys(again({ b: 1, a: 2, 1: 3 })), ['1', 'b', 'a']);
    const bare = Object.assign(Object.create(null), { x: 1 });
    deepEqual(again(bare), { x: 1 });
    const symbols = again({ [Symbol.for('s')]: 1, [Symbol.toStringTag]: 'T', [Symbol('local')]: 2 });
    equal(symbols[Symbol.for('s')], 1);
    equal(symbols[Symbol.toStringTag], 'T');
    equal(Object.getOwnPropertySymbols(symbols).length, 2);
    const hidden = Object.defineProperty({ a: 1 }, 'b', { value: 2, enumerable: false });
    deepEqual(Object.keys(again(hidden)), ['a']);
    class Point {
      constructor() {
        this.x = 1;
      }
      get y() {
        return 2;
      }
    }
    const point = again(new Point());
    equal(Object.getPrototypeOf(point), Object.prototype);
    deepEqual(point, { x: 1 });
    deepEqual(again({ get got() { return [1]; } }), { got: [1] });
    const many = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`key number ${i}`, i]));
    deepEqual(again(many), many);
    deepEqual(again([many, many].map(each => ({ ...each }))), [many, many]);
    const long = 'long'.repeat(100);
    deepEqual(again([{ [long]: 1 }, { [long]: 2 }]), [{ [long]: 1 }, { [long]: 2 }]);
    deepEqual(again(Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, i]))).k16, 16);
  });

  test('codec: decoded keys such as `constructor` are own properties', () => {
    const sent = JSON.parse('{"__proto__": {"evil": 1}, "constructor": 2, "toString": 3, "hasOwnProperty": 4}');
    const back = again(sent);
    equal(Object.getPrototypeOf(back), Object.prototype);
    equal(back.evil, undefined);
    deepEqual(Object.keys(back), ['__proto__', 'constructor', 'toString', 'hasOwnProperty']);
    deepEqual(Object.getOwnPropertyDescriptor(back, '__proto__').value, { evil: 1 });
    const error = Object.assign(new Error('e'), { code: 1 });
    Object.defineProperty(error, '__proto__', { value: { evil: 1 }, enumerable: true });
    equal(again(error).evil, undefined);
    assert(again(error) instanceof Error, 'an error');
  });

  test('codec: encodes and decodes dates and regular expressions', () => {
    equal(again(new Date(123456.789)).getTime(), 123456);
    assert(Number.isNaN(again(new Date(NaN)).getTime()), 'an invalid date');
    const regexp = /a(b)\/[/]/giy;
    regexp.lastIndex = 7;
    const back = again(regexp);
    equal(String(back), String(regexp));
    equal(back.lastIndex, 7);
    equal(String(again(new RegExp(''))), '/(?:)/');
  });

  test('codec: encodes and decodes maps and sets with keys and values of all kinds', () => {
    const key = {};
    const map = again(new Map([[key, key], [1, 'one'], [NaN, undefined], [[1], new Set([new Map()])]]));
    const entries = [...map];
    equal(entries[0][0], entries[0][1]);
    equal(map.get(1), 'one');
    assert(map.has(NaN), 'NaN');
    equal([...entries[3][1]][0].size, 0);
    class Named extends Map {}
    equal(again(new Named([[1, 2]])).get(1), 2);
  });

  test('codec: objects keep their keys when key numbers are reused', () => {
    const records = n => Array.from({ length: 3 }, (_, i) => ({ id: i, [`name ${n}`]: { id: 'inner', at: n }, at: i }));
    for (let n = 0; n < 1500; n++) deepEqual(again(records(n)), records(n));
    deepEqual(again([{ a: 1, b: 2 }, { b: 3, a: 4 }, { a: 5 }, { [Symbol.iterator]: 6, a: 7 }, { b: 8 }]), [
      { a: 1, b: 2 },
      { b: 3, a: 4 },
      { a: 5 },
      { [Symbol.iterator]: 6, a: 7 },
      { b: 8 },
    ]);
    throws(() => again([{ id: 1, at: () => {} }]));
    deepEqual(again(records(0)), records(0));
  });

  test('codec: keeps shared identity and cycles', () => {
    const cycle = { list: [] };
    cycle.me = cycle;
    cycle.list.push(cycle.list, cycle);
    const back = again(cycle);
    equal(back.me, back);
    equal(back.list[0], back.list);
    equal(back.list[1], back);
    const many = Array.from({ length: 100 }, (_, i) => ({ i }));
    const both = again([many, [...many].reverse()]);
    for (let i = 0; i < 100; i++) equal(both[0][i], both[1][99 - i]);
    const date = new Date(1), regexp = /x/, boxed = Object(1), error = new Error('e'), set = new Set(), map = new Map();
    const u8 = new Uint8Array(3), view = new DataView(new ArrayBuffer(8), 2);
    const objects = [date, regexp, boxed, error, set, map, u8, view, u8.buffer, view.buffer];
    set.add(set);
    map.set(map, error);
    error.cause = objects;
    const [first, second] = again([objects, [...objects]]);
    for (let i = 0; i < objects.length; i++) equal(first[i], second[i]);
    equal(first[3].cause, first);
    equal(first[6].buffer, first[8]);
    equal(first[7].buffer, first[9]);
  });

  test('codec: encodes and decodes errors', () => {
    const error = Object.assign(new TypeError('no', { cause: new RangeError('deep') }), { code: 'E_NO', list: [1] });
    const back = again(error);
    assert(back instanceof TypeError, 'TypeError');
    equal(back.message, 'no');
    equal(back.stack, error.stack);
    equal(back.code, 'E_NO');
    deepEqual(back.list, [1]);
    assert(back.cause instanceof RangeError, 'the cause');
    deepEqual(Object.keys(back), ['code', 'list']);
    assert(!Object.hasOwn(again(new Error('x')), 'cause'), 'no cause');
    assert(Object.hasOwn(again(new Error('x', { cause: undefined })), 'cause'), 'an undefined cause');
    for (const Class of [Error, EvalError, RangeError, ReferenceError, SyntaxError, URIError]) {
      equal(Object.getPrototypeOf(again(new Class('m'))), Class.prototype);
      equal(again(new Class('m')).name, Class.name);
    }
    const aggregate = again(new AggregateError([new Error('1'), 2], 'both'));
    assert(aggregate instanceof AggregateError, 'AggregateError');
    equal(aggregate.errors[0].message, '1');
    equal(aggregate.errors[1], 2);
    equal(aggregate.message, 'both');
    deepEqual(Object.keys(aggregate), []);
  });

  test('codec: errors of classes of the program become errors of the nearest known class', () => {
    class Unknown extends Error {
      constructor(message) {
        super(message);
        this.name = 'Unknown';
      }
    }
    const unknown = again(new Unknown('u'));
    equal(Object.getPrototypeOf(unknown), Error.prototype);
    equal(unknown.name, 'Unknown');
    equal(unknown.message, 'u');
    globalThis.KnownError = class KnownError extends Error {
      constructor() {
        throw new Error('no code of the program may run');
      }
    };
    try {
      const known = Object.setPrototypeOf(new Error('k'), KnownError.prototype);
      known.name = 'KnownError';
      assert(again(known) instanceof KnownError, 'KnownError');
    } finally {
      delete globalThis.KnownError;
    }
    const notError = again(Object.assign(new Error('m'), { name: 'Array' }));
    equal(Object.getPrototypeOf(notError), Error.prototype);
    equal(notError.name, 'Array');
  });

  test('codec: encodes and decodes each DOMException', () => {
    const back = again(new DOMException('gone', 'AbortError'));
    assert(back instanceof DOMException, 'DOMException');
    equal(back.name, 'AbortError');
    equal(back.message, 'gone');
    equal(back.code, 20);
    equal(again(new DOMException('own', 'Special')).name, 'Special');
  });

  test('codec: encodes and decodes objects around primitives', () => {
    for (const value of [1, -0, 'text', true, false, 12n, Symbol.for('s')]) {
      const back = again(Object(value));
      equal(typeof back, 'object');
      assert(Object.is(back.valueOf(), value), String(value));
    }
  });

  test('codec: encodes and decodes ImageData', () => {
    if (typeof ImageData !== 'function') return skip('this platform has no ImageData');
    const image = new ImageData(2, 3);
    image.data[5] = 77;
    const back = again(image);
    assert(back instanceof ImageData, 'ImageData');
    deepEqual([back.width, back.height, back.data[5], back.colorSpace], [2, 3, 77, image.colorSpace]);
  });

  test('codec: encodes and decodes blobs and files', async () => {
    const blob = new Blob(['some ', 'text'], { type: 'text/plain' });
    const file = new File([Uint8Array.of(1, 2)], 'ż.bin', { type: 'x/y', lastModified: 123 });
    const value = { list: [blob, file], map: new Map([['again', blob]]), get late() { return file; } };
    // Where bytes of blobs cannot be read synchronously, they are awaited.
    const back = decode(encode(value, { blobs: await blobs(value) }));
    const [b, f] = back.list;
    assert(b instanceof Blob && !(b instanceof File), 'Blob');
    equal(await b.text(), 'some text');
    equal(b.type, 'text/plain');
    equal(back.map.get('again'), b);
    assert(f instanceof File, 'File');
    deepEqual([f.name, f.type, f.lastModified, hex(new Uint8Array(await f.arrayBuffer()))], ['ż.bin', 'x/y', 123, '0102']);
    equal(back.late, f);
    if (typeof FileReaderSync === 'function') return;
    refuses([blob], 'the bytes of a blob have to be awaited');
  });

  test('codec: nesting is limited in both directions', () => {
    const nest = levels => {
      let value = 1;
      for (let i = 0; i < levels; i++) value = i % 2 ? [value] : { v: value };
      return value;
    };
    let back = again(nest(256));
    for (let i = 0; i < 256; i++) back = back.v ?? back[0];
    equal(back, 1);
    const message = levels => {
      try {
        return encode(nest(levels)), 'sent';
      } catch (error) {
        return error.message;
      }
    };
    for (const levels of [257, 10_000, 100_000]) assert(message(levels).endsWith(': values are nested too deep: 256 levels at most can be sent'), message(levels).slice(-100));
    deepEqual(again([1]), [1]);
  });

  test('codec: encodes many objects with ever new keys in bounded memory', () => {
    for (let i = 0; i < 5000; i++) {
      const value = { [`key${i}`]: i, same: { [`key${i}`]: i } };
      deepEqual(again(value), value);
      if (i % 7 === 0) refuses([{ [`refused${i}`]: () => 1 }], `args[0].refused${i}: a function cannot be sent`);
      if (i % 11 === 0) throws(() => decode(unhex('7200414b0100')));
    }
  });

  test('codec: encodes and decodes large values', () => {
    const bytes = new Uint8Array(5 << 20).fill(7);
    const back = again([bytes, 'x'.repeat(3 << 20), 'ż'.repeat(1 << 20)]);
    equal(back[0].length, bytes.length);
    equal(back[0][bytes.length - 1], 7);
    equal(back[1].length, 3 << 20);
    equal(back[2], 'ż'.repeat(1 << 20));
    const records = Array.from({ length: 20_000 }, (_, i) => ({ id: i, name: `name ${i}`, score: i / 7, ok: i % 2 === 0 }));
    deepEqual(again(records), records);
  });
};
