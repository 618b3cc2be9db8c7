// Buffers, views and segments in the codec.
import { hex } from './codec.kit.mjs';
import { skip } from './suite.mjs';

export default (test, { encode, encodeApart, decode, again, refuses, assert, equal, deepEqual, throws }) => {
  test('codec: encodes and decodes buffers', () => {
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

  test('codec: encodes and decodes views', () => {
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

  test('codec: views follow the length of their resizable buffer', () => {
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

  test('codec: transferred buffers are refused', () => {
    const bytes = new Uint8Array(8);
    const { buffer } = bytes;
    structuredClone(buffer, { transfer: [buffer] });
    refuses([{ buffer }], 'args[0].buffer: an `ArrayBuffer` that was transferred cannot be sent');
    refuses([bytes], 'args[0]: a view of a buffer that was transferred or has shrunk cannot be sent');
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
};
