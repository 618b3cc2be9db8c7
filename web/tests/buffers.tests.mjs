// Large buffers in calls: their contents, the number of copies, and the memory that remains in use.
import { buffers } from '../modules/memory.js';
import { skip } from './suite.mjs';

export default (register, { inner, worker, tier, memory, assert, equal, deepEqual, rejects }) => {
  const test = (name, body) => register(`${tier}: buffers: ${name}`, body);
  // Main's modules, whose buffers a test can count.
  const { Worker } = inner({ tier, promises: tier === 'messages' });
  const isShared = tier === 'shared-memory';

  const pattern = (length, first = 0) => {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = (i + first) % 251;
    return bytes;
  };
  const isSame = (found, expected) => found.length === expected.length && found.every((byte, i) => byte === expected[i]);
  const isAll = (bytes, byte) => bytes.every(found => found === byte);
  const held = () => buffers.filter(Boolean).length;

  let link;
  const started = () =>
    (link ??= (async () => {
      const w = new Worker(worker('all'));
      w.proxy.give = value => value;
      w.proxy.giveLater = async value => value;
      await w.ready;
      return w;
    })());

  const cut = 100;
  const variants = {
    'a buffer': () => pattern(MIB).buffer,
    'a typed array': () => pattern(MIB),
    'one byte less than the threshold': () => pattern(LENT - 1),
    'as many bytes as the threshold': () => pattern(LENT),
    'one byte more than the threshold': () => [pattern(LENT + 1).buffer, 'behind'],
    'nothing': () => [new ArrayBuffer(0), new Uint8Array(0)],
    'a part of a buffer': () => pattern(MIB).subarray(cut, MIB - cut),
    'elements of eight bytes': () => new Float64Array(MIB / 8).fill(1.5),
    'a DataView of a part': () => new DataView(pattern(MIB).buffer, cut, cut),
    'several in one value': () => ({ a: pattern(LENT, 1), text: 'between', b: [pattern(3 * LENT, 2).buffer, 1.5], c: new Map([[1, pattern(LENT, 3)]]) }),
    'more than a table takes': () => Array.from({ length: 40 }, (_, i) => pattern(LENT, i)),
    'large and small ones': () => [pattern(10), pattern(LENT), pattern(10, 1), 'x'.repeat(2 * LENT), pattern(LENT, 1), { end: true }],
    'more than the ring takes': () => pattern(5 * MIB),
    'pixels of an image': () => (typeof ImageData === 'function' ? new ImageData(100, 100) : undefined),
    'a property of an error': () => [Object.assign(new Error('e'), { bytes: pattern(LENT) })],
  };
  for (const [name, make] of Object.entries(variants))
    test(`arrive in both directions: ${name}`, async () => {
      const w = await started();
      deepEqual(await w.proxy.echo(make()), make());
      for (const give of ['give', 'giveLater']) deepEqual((await w.proxy.call(give, make())).value, make());
    });

  test('a resizable buffer arrives as one, and views follow it', async () => {
    if (!ArrayBuffer.prototype.resize) return skip('this platform has no resizable buffers');
    const w = await started();
    const buffer = new ArrayBuffer(2 * LENT, { maxByteLength: 4 * LENT });
    new Uint8Array(buffer).set(pattern(2 * LENT));
    const [back, view] = await w.proxy.echo([buffer, new Uint8Array(buffer)]);
    equal(back.maxByteLength, 4 * LENT);
    assert(isSame(view, pattern(2 * LENT)));
    back.resize(3 * LENT);
    equal(view.length, 3 * LENT);
  });

  test('a buffer that occurs twice arrives once', async () => {
    const w = await started();
    const { buffer } = pattern(MIB);
    const [whole, again, part] = await w.proxy.echo([buffer, buffer, new Uint8Array(buffer, cut, 10)]);
    assert(whole === again && part.buffer === whole && part[0] === cut);
    assert(buffer.byteLength === MIB && whole !== buffer);
  });

  test('a buffer that was transferred, also while its value is read, is refused', async () => {
    if (!ArrayBuffer.prototype.transfer) return skip('this platform cannot transfer a buffer');
    const w = await started();
    const gone = new ArrayBuffer(LENT);
    gone.transfer();
    assert((await rejects(() => w.proxy.echo(gone))).message.includes('was transferred'));
    const buffer = new ArrayBuffer(LENT);
    const { name, message } = await rejects(() => w.proxy.echo({ buffer, get then_() { return buffer.transfer(1); } }));
    equal(name, 'DataCloneError');
    assert(message.includes('was transferred, or has shrunk, while it was read'), message);
    equal(await w.proxy.add(1, 2), 3);
    equal(held(), 0);
  });

  for (const size of [LENT, MIB, 5 * MIB])
    test(`a program that changes ${size} bytes after the call does not change the arguments`, async () => {
      const w = await started();
      const bytes = new Uint8Array(size).fill(1);
      // The second call finds the ring full, the third finds the buffer detached.
      const first = w.proxy.echo(bytes);
      bytes.fill(2);
      const second = w.proxy.echo(bytes);
      bytes.fill(3);
      if (ArrayBuffer.prototype.transfer) bytes.buffer.transfer();
      assert(isAll(await first, 1), 'the first');
      assert(isAll(await second, 2), 'the second');
      equal(held(), 0);
    });

  test('functions that change buffers after they returned or sent them do not change the received contents', async () => {
    const w = await started();
    const bytes = new Uint8Array(5 * MIB);
    w.proxy.spoils = value => {
      bytes.fill(value);
      queueMicrotask(() => bytes.fill(9));
      return bytes;
    };
    w.proxy.spoilsLater = async value => {
      await null;
      bytes.fill(value);
      setTimeout(() => bytes.fill(9));
      return bytes;
    };
    let found;
    w.proxy.takes = value => {
      found = value;
    };
    for (const name of ['spoils', 'spoilsLater']) assert(isAll((await w.proxy.call(name, 5)).value, 5), name);
    // A call of main that the blocked worker serves changes the buffer of the blocked call.
    const [call] = [w.proxy.lends('takes', 5 * MIB), w.proxy.spoilsLent()];
    await call;
    assert(isAll(found, 1), 'the worker');
  });

  test('100 MiB are streamed without memory of wasm', async () => {
    const w = await started();
    const bytes = new Uint8Array(100 * MIB);
    bytes[0] = 1;
    bytes[bytes.length - 1] = 2;
    const before = memory();
    const { value } = await w.proxy.measures(bytes);
    deepEqual(value, [bytes.length, 1, 2]);
    if (isShared) {
      const back = await w.proxy.sized(100 * MIB);
      equal(back.length, 100 * MIB);
      assert(memory() - before < 4 * MIB, `${memory() - before} bytes`);
    }
    equal(held(), 0);
  });

  test('a large buffer is copied once into the ring and once out of it', async () => {
    if (!isShared) return skip('there is no ring');
    const w = await started();
    await w.proxy.call('give', pattern(MIB));
    const { prototype } = Uint8Array;
    const own = { set: Object.getPrototypeOf(prototype).set, slice: Object.getPrototypeOf(prototype).slice };
    let copied = 0;
    const isInRing = ({ buffer }) => buffer instanceof SharedArrayBuffer;
    const counting = {
      set(source, ...rest) {
        if (isInRing(this) || isInRing(source)) copied += source.length;
        return own.set.call(this, source, ...rest);
      },
      slice(...range) {
        const bytes = own.slice.apply(this, range);
        copied += bytes.length;
        return bytes;
      },
    };
    const before = memory();
    try {
      Object.assign(prototype, counting);
      // Main sends a MiB, answers a call with it, and receives it twice; what it sends first may find the ring full once.
      const { value } = await w.proxy.sendsBytes('give', MIB);
      equal(value.length, MIB);
    } finally {
      delete prototype.set;
      delete prototype.slice;
    }
    // In: the arguments of `give`, and the answer of `sendsBytes`. Out: the answer of `give`, and what of it found no room before main's turn was over.
    assert(copied >= 3 * MIB && copied < 4 * MIB, `${copied} bytes were copied`);
    equal(memory(), before);
  });

  test('cancelled and terminated calls release their buffers', async () => {
    const own = new Worker(worker('all'));
    await own.ready;
    const controller = new AbortController();
    const calls = Array.from({ length: 4 }, () => rejects(() => own.within({ signal: controller.signal }).echo(pattern(5 * MIB))));
    assert(held() > 0);
    controller.abort();
    for (const call of calls) equal((await call).name, 'AbortError');
    assert(isSame(await own.proxy.echo(pattern(LENT)), pattern(LENT)), 'the link works on');
    const last = rejects(() => own.proxy.echo(pattern(5 * MIB)));
    own.terminate();
    equal((await last).code, 'Closed');
    equal(held(), 0);
  });
};

const MIB = 1 << 20;

/** Least bytes of a buffer that is left where it is. */
const LENT = 1 << 15;
