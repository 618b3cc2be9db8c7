// The codec of values, as JavaScript sees it. `kit` is what the platform provides: `encode(value, options)` gives bytes, and
// `decode(bytes)` a value; `blobs(value)` awaits the bytes of blobs; `lost()` is the path of what the last `encode` left out;
// `vectors()` gives `proto/vectors/values.json`; and the assertions of `suite.mjs`.

import { codecKit } from './codec.kit.mjs';
import { skip } from './suite.mjs';

export default (test, { encode, encodeApart, decode, blobs, lost, vectors, assert, equal, deepEqual, throws }) => {
  const again = (value, options) => decode(encode(value, options));
  const hex = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
  const unhex = text => Uint8Array.from(text.match(/../g) ?? [], pair => parseInt(pair, 16));
  const refuses = (value, text, options) => {
    let error;
    try {
      encode(value, options);
    } catch (thrown) {
      error = thrown;
    }
    assert(error, `${text}: was sent`);
    equal(error.message, text);
    // And all goes on.
    deepEqual(again({ a: [1] }), { a: [1] });
  };

  test('codec: primitives', () => {
    for (const value of [undefined, null, true, false, 0, -0, 1, 63, 64, -1, 2 ** 24 - 1, 2 ** 24, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53 - 1,
      2 ** 53, -(2 ** 53), 1.5, NaN, Infinity, -Infinity, Number.MIN_VALUE, Number.MAX_VALUE, '', 'a', 'é', '€', '😀', 'a'.repeat(31),
      'a'.repeat(32), 'ż'.repeat(47), 'ż'.repeat(48), 'x'.repeat(4096), 'x'.repeat(4097), '😀'.repeat(5000), 'a\u0000b', '\ufeffbom',
      0n, 1n, -1n, 2n ** 63n, -(2n ** 64n), 2n ** 64n - 1n, 2n ** 64n, 3n ** 1000n, -(7n ** 2000n),
      Symbol.iterator, Symbol.asyncIterator, Symbol.for('key'), Symbol.for('')]) {
      const back = again(value);
      assert(Object.is(back, value), `${String(value).slice(0, 50)} became ${String(back).slice(0, 50)}`);
    }
  });

  test('codec: strings with lone surrogates', () => {
    for (const text of ['\ud800', 'a\udc00b', '\ud800\ud800\udc00', 'x'.repeat(100) + '\udfff', 'y'.repeat(9000) + '\ud800', 'abc\ud83d'])
      equal(again(text), text);
    deepEqual(again({ 'k\ud800': 1, ok: '\udc00' }), { 'k\ud800': 1, ok: '\udc00' });
    deepEqual(again([{ 'k\ud800': 1 }, { 'k\ud800': 2 }]), [{ 'k\ud800': 1 }, { 'k\ud800': 2 }]);
  });

  test('codec: bigints of all lengths', () => {
    for (const bits of [63, 64, 65, 100, 4095, 4096, 4097, 8191, 8192, 16_384, 32_767, 100_001, 1_000_000])
      for (const value of [1n << BigInt(bits), (1n << BigInt(bits)) - 12345n, -(7n << BigInt(bits - 4))]) assert(again(value) === value, `${bits} bits`);
  });

  test('codec: arrays, with holes', () => {
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

  test('codec: plain objects', () => {
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

  test('codec: keys that all objects have are own ones', () => {
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

  test('codec: Date and RegExp', () => {
    equal(again(new Date(123456.789)).getTime(), 123456);
    assert(Number.isNaN(again(new Date(NaN)).getTime()), 'an invalid date');
    const regexp = /a(b)\/[/]/giy;
    regexp.lastIndex = 7;
    const back = again(regexp);
    equal(String(back), String(regexp));
    equal(back.lastIndex, 7);
    equal(String(again(new RegExp(''))), '/(?:)/');
  });

  test('codec: Map and Set, keys and values of all kinds', () => {
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

  test('codec: objects whose keys are at the places of others, and after keys were forgotten', () => {
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

  test('codec: shared identity and cycles', () => {
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

  test('codec: errors', () => {
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

  test('codec: errors of classes of the program', () => {
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

  test('codec: DOMException', () => {
    const back = again(new DOMException('gone', 'AbortError'));
    assert(back instanceof DOMException, 'DOMException');
    equal(back.name, 'AbortError');
    equal(back.message, 'gone');
    equal(back.code, 20);
    equal(again(new DOMException('own', 'Special')).name, 'Special');
  });

  test('codec: objects around primitives', () => {
    for (const value of [1, -0, 'text', true, false, 12n, Symbol.for('s')]) {
      const back = again(Object(value));
      equal(typeof back, 'object');
      assert(Object.is(back.valueOf(), value), String(value));
    }
  });

  test('codec: buffers', () => {
    const buffer = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer;
    equal(hex(new Uint8Array(again(buffer))), '0102030405060708');
    equal(again(new ArrayBuffer(0)).byteLength, 0);
    if (!ArrayBuffer.prototype.resize) return skip('this platform has no resizable buffers');
    const resizable = new ArrayBuffer(3, { maxByteLength: 10 });
    new Uint8Array(resizable).set([7, 8, 9]);
    const back = again(resizable);
    assert(back.resizable && back.maxByteLength === 10, 'resizable');
    equal(hex(new Uint8Array(back)), '070809');
  });

  test('codec: views', () => {
    const buffer = Uint8Array.from({ length: 32 }, (_, i) => i).buffer;
    for (const View of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array,
      BigInt64Array, BigUint64Array, DataView, globalThis.Float16Array ?? Int8Array])
      for (const view of [new View(buffer), new View(buffer, 8), new View(buffer, 16, 1), new View(buffer, 8, 0), new View(new ArrayBuffer(0))]) {
        const back = again(view);
        equal(Object.getPrototypeOf(back), View.prototype);
        deepEqual([back.byteOffset, back.byteLength, back.buffer.byteLength], [view.byteOffset, view.byteLength, view.buffer.byteLength]);
        equal(hex(new Uint8Array(back.buffer)), hex(new Uint8Array(view.buffer)));
      }
    const [a, b, whole] = again([new Uint8Array(buffer, 4, 4), new Float32Array(buffer, 4, 1), buffer]);
    equal(a.buffer, whole);
    equal(b.buffer, whole);
    const [u8, same] = again([new Uint8Array(buffer), buffer]);
    equal(u8.buffer, same);
    class Bytes extends Uint8Array {}
    equal(hex(again(new Bytes([1, 2]))), '0102');
  });

  test('codec: views that follow the length of their buffer', () => {
    if (!ArrayBuffer.prototype.resize) return skip('this platform has no resizable buffers');
    for (const [length, max] of [[8, 16], [8, 8], [8, 9], [1, 1], [4, 4], [0, 8]])
      for (const View of length % 4 ? [Uint8Array, DataView] : [Uint8Array, Uint32Array, DataView]) {
        const make = () => {
          const buffer = new ArrayBuffer(length, { maxByteLength: max });
          new Uint8Array(buffer).fill(9);
          return buffer;
        };
        const tracking = new View(make());
        const fixed = new View(make(), 0, Math.floor(length / (View.BYTES_PER_ELEMENT ?? 1)));
        for (const view of [tracking, fixed]) {
          const back = again(view);
          equal(hex(new Uint8Array(view.buffer)), '09'.repeat(length));
          equal(hex(new Uint8Array(back.buffer)), '09'.repeat(length));
          equal(back.byteLength, view.byteLength);
          for (const each of [view, back]) each.buffer.resize(max);
          equal(back.byteLength, view.byteLength);
        }
      }
    const buffer = new ArrayBuffer(8, { maxByteLength: 8 });
    const view = new Uint8Array(buffer, 4, 4);
    buffer.resize(2);
    refuses([view], 'args[0]: a view of a buffer that was transferred or has shrunk cannot be sent');
  });

  test('codec: what was transferred is refused', () => {
    const bytes = new Uint8Array(8);
    const { buffer } = bytes;
    structuredClone(buffer, { transfer: [buffer] });
    refuses([{ buffer }], 'args[0].buffer: an `ArrayBuffer` that was transferred cannot be sent');
    refuses([bytes], 'args[0]: a view of a buffer that was transferred or has shrunk cannot be sent');
  });

  test('codec: ImageData', () => {
    if (typeof ImageData !== 'function') return skip('this platform has no ImageData');
    const image = new ImageData(2, 3);
    image.data[5] = 77;
    const back = again(image);
    assert(back instanceof ImageData, 'ImageData');
    deepEqual([back.width, back.height, back.data[5], back.colorSpace], [2, 3, 77, image.colorSpace]);
  });

  test('codec: Blob and File', async () => {
    const blob = new Blob(['some ', 'text'], { type: 'text/plain' });
    const file = new File([Uint8Array.of(1, 2)], 'ż.bin', { type: 'x/y', lastModified: 123 });
    const value = { list: [blob, file], map: new Map([['again', blob]]), get late() { return file; } };
    // Where bytes of blobs can't be had at once, they have to be awaited.
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

  test('codec: what cannot be sent is refused with its path', () => {
    const odd = { 'odd key': 1 };
    refuses([1, { items: [0, 0, 0, { on() {} }] }], 'args[1].items[3].on: a function cannot be sent');
    refuses([class {}], 'args[0]: a function cannot be sent');
    refuses([{ 'odd key': [Symbol('local')] }], 'args[0]["odd key"][0]: a symbol cannot be sent unless it is registered or well known');
    refuses([new Map([[1, 2], [3, { f: () => 1 }]])], 'args[0][1].f: a function cannot be sent');
    refuses([new Set([1, () => 1])], 'args[0][1]: a function cannot be sent');
    refuses([new Error('e', { cause: { f() {} } })], 'args[0].cause.f: a function cannot be sent');
    refuses([Object.assign(new Error('e'), { f() {} })], 'args[0].f: a function cannot be sent');
    refuses([{ [Symbol.iterator]: () => 1 }], 'args[0]["Symbol.iterator"]: a function cannot be sent');
    refuses([{ [Symbol.for('k')]: () => 1 }], 'args[0]["Symbol.for(\\"k\\")"]: a function cannot be sent');
    refuses([Object(Symbol('local'))], 'args[0]: a symbol cannot be sent unless it is registered or well known');
    refuses(() => 1, 'result: a function cannot be sent', { root: 'result' });
    refuses([{ a: 1 }, Symbol.for('x\ud800')], 'args[1]: a symbol whose key has lone surrogates cannot be sent');
    deepEqual(again(odd), odd);
  });

  test('codec: objects of the platform are refused', () => {
    const { port1, port2 } = new MessageChannel();
    port1.close(), port2.close();
    const objects = { WeakMap: new WeakMap(), WeakSet: new WeakSet(), WeakRef: new WeakRef({}), Promise: Promise.resolve(), MessagePort: port1,
      AbortController: new AbortController(), URL: new URL('http://x/'), Generator: (function* () {})(), ReadableStream: new ReadableStream() };
    if (typeof SharedArrayBuffer === 'function') {
      objects.SharedArrayBuffer = new SharedArrayBuffer(8);
      refuses([{ x: new Uint8Array(objects.SharedArrayBuffer) }], 'args[0].x: an object of class Uint8Array cannot be sent');
    }
    if (typeof document === 'object') objects.HTMLBodyElement = document.body;
    for (const [name, object] of Object.entries(objects)) {
      const text = name === 'Generator' ? 'GeneratorFunction' : name;
      let message;
      throws(() => {
        try {
          encode([{ x: object }]);
        } catch (error) {
          message = error.message;
          throw error;
        }
      });
      if (name !== 'Generator') equal(message, `args[0].x: an object of class ${text} cannot be sent`);
    }
    class Mine extends Promise {}
    throws(() => encode([Mine.resolve()]));
    for (const iterator of [new Map().entries(), [].values(), ''[Symbol.iterator](), new Set().values()]) throws(() => encode([iterator]));
  });

  test('codec: leniency leaves out what cannot be sent, and says where', () => {
    const lenient = { lenient: true, root: 'result' };
    deepEqual(again({ f() {}, v: 1, s: Symbol('x') }, lenient), { f: undefined, v: 1, s: undefined });
    equal(lost(), 'result.f');
    equal(again(() => 1, lenient), undefined);
    equal(lost(), 'result');
    deepEqual(again([1, { x: new WeakMap() }], lenient), [1, { x: {} }]);
    equal(lost(), 'result[1].x');
    equal(again(Promise.resolve(), lenient) instanceof Promise, false);
    equal(again(new URL('http://x/y'), lenient), 'http://x/y');
    equal(lost(), undefined);
    equal(again({ a: Object(Symbol('local')) }, lenient).a, undefined);
    deepEqual(again([new Map([[() => 1, Symbol('x')]])], lenient), [new Map([[undefined, undefined]])]);
    class Point {
      constructor() {
        this.x = 1;
      }
    }
    deepEqual(again(new Point(), lenient), { x: 1 });
    equal(lost(), undefined);
    class Money {
      toJSON() {
        return { euro: 1 };
      }
    }
    deepEqual(again([new Money()], lenient), [{ euro: 1 }]);
    equal(lost(), undefined);
    deepEqual(again([new Money()]), [{}]);
    const self = { toJSON() { return this; } };
    deepEqual(again(self, lenient), { toJSON: undefined });
    refuses({ get x() { throw new Error('inside'); } }, 'result.x: reading it has thrown: inside', lenient);
  });

  test('codec: code of the program that throws', () => {
    refuses([{ get x() { throw new TypeError('inside'); } }], 'args[0].x: reading it has thrown: inside');
    refuses([{ a: [{ get x() { throw 'text'; } }] }], 'args[0].a[0].x: reading it has thrown: text');
    refuses([{ get x() { throw null; } }], 'args[0].x: reading it has thrown: null');
    refuses([{ get x() { throw { get message() { throw 1; } }; } }], 'args[0].x: reading it has thrown: something that cannot be shown');
    const trap = name => new Proxy({ a: 1 }, { [name]() { throw new Error(name); } });
    for (const name of ['ownKeys', 'get', 'getPrototypeOf']) throws(() => encode([{ p: trap(name) }]));
    const revoked = Proxy.revocable([], {});
    revoked.revoke();
    throws(() => encode([revoked.proxy]));
    deepEqual(again(new Proxy({ a: 1 }, {})), { a: 1 });
    deepEqual(again(new Proxy([1, 2], {})), [1, 2]);
    throws(() => encode([new Proxy([], { get: () => 4e9 })]));
    const error = new RangeError('e');
    // Node puts the message there when it is first asked for.
    const { stack } = error;
    for (const part of ['name', 'message']) Object.defineProperty(error, part, { get() { throw new Error('not that'); } });
    const back = again(error);
    deepEqual([back.message, back.name, back.stack], ['', '', stack]);
    equal(again(Object.assign(new Error(), { name: 5 })).message, '');
  });

  test('codec: getters that change what is around them', () => {
    const object = { get a() { delete this.b; return 1; }, b: 2, get c() { this.d = 4; return 3; } };
    deepEqual(again(object), { a: 1, b: undefined, c: 3 });
    const list = [1, 2, 3];
    Object.defineProperty(list, 0, { get() { list.length = 1; return 0; } });
    equal(again(list).length, 3);
    const bytes = new Uint8Array(8);
    const lose = [bytes, { get x() { structuredClone(bytes.buffer, { transfer: [bytes.buffer] }); return 1; } }];
    // Bytes are those of the moment in which they were read.
    deepEqual(again(lose), [new Uint8Array(8), { x: 1 }]);
    // One that uses the codec itself.
    deepEqual(again({ get inner() { try { return again([1]); } catch { return [1]; } } }), { inner: [1] });
  });

  test('codec: tags that lie', () => {
    for (const tag of ['Map', 'Date', 'ArrayBuffer', 'Error', 'RegExp', 'Number', 'Blob', 'DOMException'])
      deepEqual(again({ [Symbol.toStringTag]: tag, a: 1 })[Symbol.toStringTag], tag);
    class Fake {
      get [Symbol.toStringTag]() {
        return 'Map';
      }
    }
    deepEqual(again(Object.assign(new Fake(), { a: 1 })), { a: 1 });
    deepEqual(again(Object.create(Map.prototype), { lenient: true }), {});
  });

  test('codec: nesting', () => {
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

  test('codec: many values of ever new keys', () => {
    for (let i = 0; i < 5000; i++) {
      const value = { [`key${i}`]: i, same: { [`key${i}`]: i } };
      deepEqual(again(value), value);
      if (i % 7 === 0) refuses([{ [`refused${i}`]: () => 1 }], `args[0].refused${i}: a function cannot be sent`);
      if (i % 11 === 0) throws(() => decode(unhex('7200414b0100')));
    }
  });

  test('codec: large values', () => {
    const bytes = new Uint8Array(5 << 20).fill(7);
    const back = again([bytes, 'x'.repeat(3 << 20), 'ż'.repeat(1 << 20)]);
    equal(back[0].length, bytes.length);
    equal(back[0][bytes.length - 1], 7);
    equal(back[1].length, 3 << 20);
    equal(back[2], 'ż'.repeat(1 << 20));
    const records = Array.from({ length: 20_000 }, (_, i) => ({ id: i, name: `name ${i}`, score: i / 7, ok: i % 2 === 0 }));
    deepEqual(again(records), records);
  });

  test('codec: large buffers are left where they are, as the contents of their items', () => {
    const large = new Uint8Array(1 << 15).fill(7);
    const whole = encode([1, large, 'x', large.buffer]);
    const [bytes, buffers] = encodeApart([1, large, 'x', large.buffer]);
    equal(bytes.length, whole.length - large.length);
    deepEqual([buffers.length, buffers[0], buffers[1].buffer === large.buffer], [2, 6, true]);
    const [, back, , again] = decode(bytes, [buffers[0], large.slice()]);
    assert(back.buffer === again && back[0] === 7);
    // At most 32 of them, and no smaller ones.
    equal(encodeApart(Array.from({ length: 40 }, () => new Uint8Array(1 << 15)))[1].length, 64);
    equal(encodeApart(new Uint8Array((1 << 15) - 1))[1], null);
  });

  test('codec: segments are contents of items, or malformed', () => {
    const three = () => Uint8Array.of(0x61, 0x62, 0x63);
    const long = () => new Uint8Array(32).fill(0x61);
    // Bytes without their segments, and what is decoded.
    for (const [bytes, segments, expected] of [
      [[0x43], [1, three()], 'abc'],
      [[0x8a, 32], [2, long()], 'a'.repeat(32)],
      [[0x8b, 1], [2, Uint8Array.of(0, 0xd8)], '\ud800'],
      [[0x96, 3], [2, three()], three().buffer],
      [[0x98, 3], [2, three()], three()],
      [[0x99, 2, 0, 3, 0x96, 3], [6, three()], three().subarray(0, 2)],
      [[0x62, 0x98, 3, 0x43], [3, three(), 4, three()], [three(), 'abc']],
      [[0x71, 0, 0x8a, 32, 5], [4, long()], { ['a'.repeat(32)]: 5 }],
      [[0x8c, 0x43], [2, three()], Symbol.for('abc')],
    ])
      deepEqual(decode(Uint8Array.from(bytes), segments), expected);
    for (const [name, bytes, segments] of [
      ['no item', [], [0, three()]],
      ['a place before an item', [0x98, 3], [0, three()]],
      ['a place before a length', [0x98, 3], [1, three()]],
      ['a part of a content', [0x98, 4, 0x64], [2, three()]],
      ['more than a content', [0x98, 2], [2, three()]],
      ['two contents', [0x98, 3], [2, three(), 2, three()]],
      ['a place behind the value', [0x05], [1, three()]],
      ['a place behind the bytes', [0x05], [9, three()]],
      ['a bigint', [0x88, 3], [2, three()]],
      ['numbers', [0x63], [1, three()]],
      ['a string in other bytes', [0x43, 0x61, 0x62, 0x63], [2, three()]],
      ['a string that is not UTF-8', [0x41], [1, Uint8Array.of(0xff)]],
      ['bytes that are missing behind it', [0x62, 0x98, 3], [3, three()]],
    ]) {
      const { message } = throws(() => decode(Uint8Array.from(bytes), segments));
      assert(message.startsWith('malformed payload: '), `${name}: ${message}`);
    }
  });

  test('codec: lack of memory is told apart from malformed bytes', () => {
    if (!ArrayBuffer.prototype.resize) return skip('this platform has no resizable ArrayBuffer');
    // A buffer that may grow to 2^52 bytes.
    const error = throws(() => decode(Uint8Array.of(0x97, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 8, 0)));
    equal(error.isOutOfMemory, true);
    equal(throws(() => decode(Uint8Array.of(0x97))).isOutOfMemory, undefined);
  });

  test('codec: malformed bytes are refused', () => {
    for (const text of ['', '41', '61', '84', '9e00', '950060', '99050002960100', '9902010260', '7100', '0000', '8b0100', '9d000201'])
      throws(() => decode(unhex(text)));
    const deep = new Uint8Array(300).fill(0x61);
    throws(() => decode(deep));
    deepEqual(again({ a: 1 }), { a: 1 });
  });

  // A value in the notation of section 17 of the specification.
  const make = (notation, objects) => {
    if (typeof notation !== 'object' || notation === null) return notation;
    const number = objects.length;
    const text = part => (typeof part === 'object' ? make(part, []) : part);
    const into = (object, properties) => {
      for (const [key, part] of properties)
        Object.defineProperty(object, text(key), { value: make(part, objects), writable: true, enumerable: true, configurable: true });
      return object;
    };
    const made = object => {
      objects[number] = object;
      return object;
    };
    if (Array.isArray(notation)) {
      const list = made([]);
      notation.forEach((part, index) => {
        list.length = index + 1;
        if (part?.$hole) return;
        list[index] = make(part, objects);
      });
      return list;
    }
    const [[kind, part]] = Object.entries(notation);
    switch (kind) {
      case '$undefined': return undefined;
      case '$number': return Number(part);
      case '$bigint': return BigInt(part);
      case '$utf16': return String.fromCharCode(...part);
      case '$symbol': return Symbol.for(part);
      case '$wellKnown': {
        if (!Symbol[part]) throw skipped;
        return Symbol[part];
      }
      case '$date': return made(new Date(make(part, [])));
      case '$regexp': {
        let regexp;
        try {
          regexp = new RegExp(text(part.source), part.flags);
        } catch {
          throw skipped;
        }
        if (regexp.source !== text(part.source) || regexp.flags !== part.flags) throw skipped;
        regexp.lastIndex = part.lastIndex;
        return made(regexp);
      }
      case '$object': return into(made({}), part);
      case '$map': {
        const map = made(new Map());
        for (const [key, item] of part) {
          const from = make(key, objects);
          map.set(from, make(item, objects));
        }
        if (map.size !== part.length) throw skipped;
        return map;
      }
      case '$set': {
        const set = made(new Set());
        for (const item of part) set.add(make(item, objects));
        if (set.size !== part.length) throw skipped;
        return set;
      }
      case '$error': {
        const error = made(new Error(text(part.message)));
        // What Firefox and WebKit say of the place here.
        for (const place of ['fileName', 'lineNumber', 'columnNumber', 'line', 'column', 'sourceURL']) delete error[place];
        const set = (key, value) => Object.defineProperty(error, key, { value, writable: true, enumerable: false, configurable: true });
        set('name', text(part.class));
        set('stack', text(part.stack));
        if ('cause' in part) set('cause', make(part.cause, objects));
        return into(error, part.properties ?? []);
      }
      case '$boxed': {
        objects[number] = null;
        return made(Object(make(part, objects)));
      }
      case '$buffer': {
        const bytes = unhex(part.bytes);
        if (part.max === undefined) return made(bytes.buffer);
        let buffer;
        try {
          buffer = new ArrayBuffer(bytes.length, { maxByteLength: part.max });
        } catch {
          throw skipped;
        }
        if (!buffer.resizable) throw skipped;
        new Uint8Array(buffer).set(bytes);
        return made(buffer);
      }
      case '$bytes': {
        const bytes = made(unhex(part));
        objects.push(bytes.buffer);
        return bytes;
      }
      case '$view': {
        objects[number] = null;
        const buffer = make(part.buffer, objects);
        const View = globalThis[part.type];
        if (!View) throw skipped;
        try {
          return made(part.length === undefined ? new View(buffer, part.offset) : new View(buffer, part.offset, part.length));
        } catch {
          throw skipped;
        }
      }
      case '$image': {
        if (typeof ImageData !== 'function' || part.width === 0 || part.height === 0) throw skipped;
        // Without this property a platform knows one colour space only.
        if (part.colorSpace !== 'srgb' && !('colorSpace' in ImageData.prototype)) throw skipped;
        return made(new ImageData(new Uint8ClampedArray(unhex(part.bytes).buffer), part.width, part.height, { colorSpace: part.colorSpace }));
      }
      case '$blob': return made(new Blob([unhex(part.bytes)], { type: part.type }));
      case '$file':
        // The platform replaces lone surrogates in names of files.
        if (part.name.$utf16) throw skipped;
        return made(new File([unhex(part.bytes)], text(part.name), { type: part.type, lastModified: make(part.lastModified, []) }));
      case '$shared': return objects[part];
      case '$posted': {
        if (!Number.isSafeInteger(Number(part.number))) throw skipped;
        return posted(['sender', 'receiver'].indexOf(part.owner), Number(part.number));
      }
      case '$reference': return { reference: numbersOf(part, ['object', 'array', 'function', 'symbol']) };
      case '$handle': {
        const numbers = numbersOf(part, ['function', 'methods', 'exposed', 'stream', 'signal', 'controller']);
        return { reference: [...numbers, make(part.description, objects)] };
      }
      default: throw skipped;
    }
  };
  /** Objects of the platform in the place of posted ones, and what stands for them. */
  const items = new WeakMap();
  const posted = (...item) => {
    const object = new Headers();
    items.set(object, item);
    return object;
  };

  /** Owner, kind and id of a reference or handle. */
  const numbersOf = ({ owner, kind, id }, kinds) => {
    if (!Number.isSafeInteger(Number(id))) throw skipped;
    return [['sender', 'receiver'].indexOf(owner), kinds.indexOf(kind), Number(id)];
  };
  const skipped = new Error('this platform has no such value');

  test('codec: the vectors are written and read', async () => {
    const { valid, readable, invalid } = await vectors();
    const { encode, decode } = codecKit({
      known: ({ reference }) => reference,
      outgoing: () => undefined,
      incoming: (...reference) => ({ reference }),
      handle: (...reference) => ({ reference }),
    });
    const left = [];
    const each = async (cases, check) => {
      for (const { name, value: notation, bytes } of cases) {
        let value;
        try {
          value = make(notation, []);
        } catch (error) {
          if (error !== skipped) throw new Error(`${name}: ${error.stack}`);
          left.push(name);
          continue;
        }
        const write = async value => hex(encode(value, { blobs: await blobs(value), posting: { take: object => items.get(object) } }));
        const [written, rewritten] = [await write(value), await write(decode(unhex(bytes), undefined, { incoming: posted }))];
        assert(check(written, rewritten, bytes), `${name}: ${written} is written, and ${rewritten} again, where ${bytes} was read`);
      }
    };
    await each(valid, (written, rewritten, bytes) => written === bytes && rewritten === bytes);
    await each(readable, (written, rewritten) => rewritten === written);
    assert(left.length < valid.length / 10, `this platform has no ${left.join(', ')}`);
    for (const { name, bytes } of invalid) {
      let refused = false;
      try {
        decode(unhex(bytes));
      } catch {
        refused = true;
      }
      assert(refused, `read though malformed: ${name}`);
    }
  });
};
