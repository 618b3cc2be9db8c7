// What the codec refuses: values that cannot be sent, code of the program that throws, and malformed bytes.
import { unhex } from './codec.kit.mjs';
import { skip } from './suite.mjs';

export default (test, { encode, decode, again, refuses, lost, equal, deepEqual, throws }) => {
  test('codec: values that cannot be sent are refused with their path', () => {
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

  test('codec: lenient encoding omits unsendable values and returns their paths', () => {
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

  test('codec: code of the program that throws makes `encode` throw its error', () => {
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
    // Node.js creates the message when it is first read.
    const { stack } = error;
    for (const part of ['name', 'message']) Object.defineProperty(error, part, { get() { throw new Error('not that'); } });
    const back = again(error);
    deepEqual([back.message, back.name, back.stack], ['', '', stack]);
    equal(again(Object.assign(new Error(), { name: 5 })).message, '');
  });

  test('codec: getters may change objects while they are encoded', () => {
    const object = { get a() { delete this.b; return 1; }, b: 2, get c() { this.d = 4; return 3; } };
    deepEqual(again(object), { a: 1, b: undefined, c: 3 });
    const list = [1, 2, 3];
    Object.defineProperty(list, 0, { get() { list.length = 1; return 0; } });
    equal(again(list).length, 3);
    const bytes = new Uint8Array(8);
    const lose = [bytes, { get x() { structuredClone(bytes.buffer, { transfer: [bytes.buffer] }); return 1; } }];
    // The bytes are those at the time of reading.
    deepEqual(again(lose), [new Uint8Array(8), { x: 1 }]);
    // A getter that uses the codec itself.
    deepEqual(again({ get inner() { try { return again([1]); } catch { return [1]; } } }), { inner: [1] });
  });

  test('codec: objects with a misleading `Symbol.toStringTag` are encoded by their class', () => {
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

  test('codec: lack of memory is reported as such, not as malformed bytes', () => {
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
};
