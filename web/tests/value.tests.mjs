// Values that cross the link in both directions, on each tier.
import { skip } from './suite.mjs';

export default (register, { coincide, worker, tier, assert, equal, deepEqual, rejects }) => {
  const test = (name, body) => register(`${tier}: values: ${name}`, body);
  // Where a worker can't block, its calls give promises.
  const { Worker } = coincide({ tier, promises: tier === 'messages' });
  let link;
  const started = () =>
    (link ??= (async () => {
      const w = new Worker(worker('all'));
      w.proxy.give = value => value;
      await w.ready;
      return w;
    })());

  /** There and back, starting at main; and from the worker to main and back, inside of that. */
  const both = async value => {
    const w = await started();
    const { value: back, thrown } = await w.proxy.call('give', value);
    if (thrown) throw thrown;
    return back;
  };
  const survives = (name, make) => test(`${name} cross the link unchanged`, async () => deepEqual(await both(make()), make()));

  survives('primitives', () => [
    undefined, null, true, false, 0, -0, 1, -1, 63, 64, 1.5, NaN, Infinity, -Infinity, 2 ** 53, -(2 ** 53), 1e300, 5e-324, '', 'a', 'é', '😀',
    'x'.repeat(100), 'é'.repeat(1000),
  ]);
  survives('bigints', () => [0n, 1n, -1n, 2n ** 64n, -(2n ** 70n), 2n ** 1000n - 1n, -(2n ** 1000n)]);
  survives('strings with lone surrogates', () => ['\ud800', 'a\udc00b', '\udc00\ud800', { '\ud800': 1 }]);
  survives('symbols that both ends know', () => [Symbol.iterator, Symbol.for('x'), { [Symbol.for('y')]: 1, [Symbol.iterator]: 2 }]);
  survives('dates and regular expressions', () => {
    const regexp = /a(b)?/giu;
    regexp.lastIndex = 3;
    return [new Date(0), new Date(1.5e12), new Date(NaN), regexp, /\//, new RegExp('')];
  });
  survives('arrays with holes', () => [[, 1], [1, , 2], [, ,], new Array(5)]);
  survives('objects', () => ({ a: 1, 'b c': { d: [{}] }, 1: 2, '': 0, ['__proto__']: 3, constructor: 4 }));
  survives('more keys than have numbers', () => Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`key${i}`, { [`key${i}`]: i }])));
  survives('long keys', () => ({ ['k'.repeat(500)]: 1, more: { ['k'.repeat(500)]: 2 } }));
  survives('maps and sets', () => [new Map([[1, 'a'], [{ k: 1 }, new Set([1, 'x', [2]])]]), new Set(), new Map()]);
  survives('boxed primitives', () => [Object(1), Object('ab'), Object(false), Object(5n), Object(Symbol.iterator)]);
  survives('buffers and views', () => {
    const { buffer } = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
    return [
      buffer, new Uint8Array(buffer), new Uint8Array(buffer, 2, 3), new Int16Array(buffer, 2, 2), new DataView(buffer, 1, 4),
      new Float64Array([1.5, NaN]), new BigInt64Array([-1n]), new BigUint64Array(2), new Uint8ClampedArray([1, 2]), new Float32Array(0),
      new Int8Array([-1]), new Uint16Array([1]), new Int32Array([-5]), new Uint32Array([5]),
    ];
  });

  test('identity and cycles are kept', async () => {
    const shared = { x: 1 };
    const value = { a: shared, b: shared, list: [shared], map: new Map([[shared, shared]]) };
    value.me = value;
    const back = await both(value);
    assert(back.a === back.b && back.list[0] === back.a && back.me === back && back.map.get(back.a) === back.a);
    const { buffer } = new Uint8Array([1, 2, 3, 4]);
    const [whole, part, again] = await both([buffer, new Uint8Array(buffer, 1, 2), new Uint16Array(buffer)]);
    assert(part.buffer === whole && again.buffer === whole);
    part[0] = 9;
    equal(new Uint8Array(whole)[1], 9);
  });

  test('resizable buffers stay resizable, and views follow them', async () => {
    if (!ArrayBuffer.prototype.resize) return skip('this platform has no resizable buffers');
    const buffer = new ArrayBuffer(4, { maxByteLength: 16 });
    const [back, view, fixed] = await both([buffer, new Uint8Array(buffer, 1), new Uint8Array(buffer, 0, 4)]);
    equal(back.maxByteLength, 16);
    back.resize(8);
    equal(view.length, 7);
    equal(fixed.length, 4);
  });

  test('errors keep class, message, stack, cause and properties', async () => {
    const make = () => [
      new Error('plain'), new TypeError('type', { cause: new RangeError('range') }), Object.assign(new SyntaxError('s'), { code: 1, deep: [{}] }),
      new EvalError(''), new URIError('u'), new ReferenceError('r', { cause: 'text' }),
      new AggregateError([new Error('one'), 2], 'many'), new DOMException('dom', 'AbortError'),
    ];
    const back = await both(make());
    for (const [i, expected] of make().entries()) {
      const error = back[i];
      equal(error.constructor.name, expected.constructor.name);
      deepEqual([error.name, error.message, error.cause], [expected.name, expected.message, expected.cause]);
      deepEqual(error.errors, expected.errors);
      deepEqual([error.code, error.deep], [expected.code, expected.deep]);
      assert(error instanceof Error && typeof error.stack === 'string');
    }
    class MyError extends Error {
      name = 'MyError';
    }
    const mine = await both(new MyError('own').cause ?? Object.assign(new MyError('own'), { extra: 1 })).catch(error => error);
    deepEqual([mine.name, mine.message, mine.extra], ['MyError', 'own', 1]);
  });

  test('blobs and files keep their contents and types', async () => {
    if (typeof File !== 'function') return skip('this platform has no File');
    const w = await started();
    w.proxy.make = () => ({ blob: new Blob(['hi'], { type: 'text/plain' }), file: new File(['abc'], 'n.txt', { lastModified: 5 }) });
    const back = await w.proxy.echo((await w.proxy.call('make')).value);
    deepEqual([back.blob.type, await back.blob.text()], ['text/plain', 'hi']);
    deepEqual([back.file.name, back.file.lastModified, await back.file.text()], ['n.txt', 5, 'abc']);
    assert(back.file instanceof File && !(back.blob instanceof File));
  });

  test('ImageData crosses in both directions', async () => {
    if (typeof ImageData !== 'function') return skip('this platform has no ImageData');
    const image = new ImageData(new Uint8ClampedArray([1, 2, 3, 4, 5, 6, 7, 8]), 2, 1);
    const back = await both(image);
    deepEqual([back.width, back.height, back.colorSpace ?? 'srgb', [...back.data]], [2, 1, 'srgb', [1, 2, 3, 4, 5, 6, 7, 8]]);
  });

  test('a value that cannot be sent is refused with its path, and the link remains usable', async () => {
    const w = await started();
    const refused = async (value, path) => {
      const error = await rejects(async () => w.proxy.echo(value));
      equal(error.name, 'DataCloneError');
      assert(error.message.includes(path), error.message);
    };
    await refused(() => {}, 'args[0]');
    await refused({ a: [1, { b: Symbol('local') }] }, 'args[0].a[1].b');
    await refused(new Map([[1, { f() {} }]]), 'args[0][0].f');
    await refused([new WeakMap()], 'args[0][0]: an object of class WeakMap');
    await refused({ p: Promise.resolve() }, 'args[0].p');
    await refused({ 'odd key': () => {} }, 'args[0]["odd key"]');
    await refused({ get bad() { throw new Error('from a getter'); } }, 'from a getter');
    await refused(new Proxy({}, { ownKeys() { throw new Error('from a trap'); } }), 'from a trap');
    await refused(Object.assign(new Error('e'), { f() {} }), 'args[0].f');
    let deep = {};
    for (let i = 0; i < 10_000; i++) deep = { deep };
    await refused(deep, 'nested');
    equal(await w.proxy.echo(1), 1);
  });

  test('a thrown value that cannot be sent is described', async () => {
    const w = await started();
    const local = Symbol('local');
    const deep = Array.from({ length: 400 }).reduce((cause, _, i) => new Error(`level ${i}`, { cause }), undefined);
    const broken = new RangeError('unread');
    const { stack } = broken;
    Object.defineProperties(broken, {
      message: { get() { throw new Error('no message'); } },
      detail: { get() { throw new Error('no detail'); }, enumerable: true },
      code: { value: 7, enumerable: true },
    });
    const nested = new TypeError('outer', { cause: broken });
    const endless = {};
    endless.endless = Array.from({ length: 400 }).reduce(inner => [inner], 1);
    w.proxy.throws = name => {
      throw { function: function named() {}, symbol: local, deep, broken, nested, endless, weak: new WeakMap(), nothing: undefined, text: 'text' }[name];
    };
    const thrown = async name => (await w.proxy.call('throws', name)).thrown;
    assert((await thrown('function')).startsWith('function named('), 'a function');
    equal(await thrown('symbol'), 'Symbol(local)');
    equal(await thrown('nothing'), undefined);
    equal(await thrown('text'), 'text');
    equal(typeof (await thrown('endless')), 'string');
    const error = await thrown('broken');
    deepEqual([error instanceof RangeError, error.message, error.code, 'detail' in error], [true, '', 7, false]);
    assert(error.stack.startsWith(stack), error.stack);
    const outer = await thrown('nested');
    deepEqual([outer instanceof TypeError, outer.message, outer.cause instanceof RangeError, outer.cause.code], [true, 'outer', true, 7]);
    const top = await thrown('deep');
    deepEqual([top.message, top.cause.message, top.cause.cause.message], ['level 399', 'level 398', 'level 397']);
  });

  test('nesting up to the limit crosses', async () => {
    let deep = 1;
    for (let i = 0; i < 250; i++) deep = [deep];
    deepEqual(await both(deep), deep);
  });

  /** As many bytes as that, and a check of what has become of them. */
  const megabytes = count => {
    const bytes = new Uint8Array(count << 20);
    for (let i = 0; i < bytes.length; i += 4096) bytes[i] = i >> 12;
    const same = back => {
      equal(back.length, bytes.length);
      for (let i = 0; i < bytes.length; i += 4096) if (back[i] !== bytes[i]) throw new Error(`byte ${i} differs`);
    };
    return [bytes, same];
  };

  test('64 MiB cross in both directions', async () => {
    const w = await started();
    const [bytes, same] = megabytes(64);
    same(await w.proxy.echo(bytes));
  });

  test('a blocking call returns 64 MiB', async () => {
    const w = await started();
    const [bytes, same] = megabytes(64);
    w.proxy.large = () => bytes;
    same((await w.proxy.call('large')).value);
  });

  test('getters call the package during encoding', async () => {
    const w = await started();
    w.proxy.plain = () => ({ a: 1, b: { a: 2 } });
    const value = { a: 1, get b() { return w.proxy.echo({ a: 5, b: 6, c: 7 }) && { c: 2, a: 3 }; }, c: 4 };
    deepEqual(await w.proxy.echo(value), { a: 1, b: { c: 2, a: 3 }, c: 4 });
  });
};
