// The decoder of values given the bytes of a stranger: the fuzz corpus of the decoder in Rust, the vectors, and damaged copies of both. The decoder
// that was written from the specification alone has to agree on what is malformed. For Node.js, which reads the files.
import { readFileSync, readdirSync } from 'node:fs';
import { decode as read } from '../../proto/vectors/check/value.mjs';
import { Decoder } from '../modules/values/decode.js';
import { Skipper } from '../modules/values/skip.js';
import { codecKit } from './codec.kit.mjs';

export default (test, { assert, equal }) => {
  const folder = new URL('../../fuzz/corpus/value_decoder/', import.meta.url);
  const corpus = () => readdirSync(folder).map(name => [name, new Uint8Array(readFileSync(new URL(name, folder)))]);
  const vectors = () => {
    const { valid, readable, invalid } = JSON.parse(readFileSync(new URL('../../proto/vectors/values.json', import.meta.url), 'utf8'));
    return [...valid, ...readable, ...invalid].map(({ name, bytes }) => [name, Uint8Array.from(bytes.match(/../g) ?? [], pair => parseInt(pair, 16))]);
  };

  /** Objects that references were made for. */
  const incoming = [];
  const references = {
    known: object => object.reference,
    outgoing: () => undefined,
    incoming(...reference) {
      const object = { reference };
      incoming.push(object);
      return object;
    },
    handle(...handle) {
      const object = { reference: handle };
      incoming.push(object);
      return object;
    },
  };
  /** Objects of the platform in the place of posted ones, and what stands for them. */
  const items = new WeakMap();
  const posting = { take: object => items.get(object) };
  const posted = {
    incoming(...item) {
      const object = new Headers();
      items.set(object, item);
      return object;
    },
  };
  const kit = codecKit(references);
  const encode = value => kit.encode(value, { posting });
  const decode = (bytes, buffers) => kit.decode(bytes, buffers, posted);
  const hex = bytes => Buffer.from(bytes).toString('hex');

  /** Checks the decoder, and tells whether it takes the bytes. */
  const judge = (name, bytes) => {
    skips(name, bytes);
    const before = incoming.length;
    let value;
    try {
      value = decode(bytes);
    } catch (error) {
      assert(error instanceof Error, `${name}: ${String(error)}`);
      // Values that this platform lacks are refused before the rest has been looked at.
      if (error.message.startsWith('malformed payload: ')) assert(refuses(bytes), `${name}: ${error.message}: ${hex(bytes)}`);
      assert(!/call stack/.test(error.message), `${name}: ${error.message}`);
      return false;
    }
    assert(!refuses(bytes), `${name} is malformed: ${hex(bytes)}`);
    assert(incoming.length - before <= bytes.length / 4, `${name} has more references than bytes for them`);
    again(name, value);
    return true;
  };
  /** The handles and posted objects that `Class` finds, and whether it reads all. */
  const found = (Class, bytes, buffers) => {
    const all = [];
    const finds = (...item) => (all.push(item.slice(0, 3)), {});
    try {
      new Class({ incoming: () => ({}), handle: finds }).decode({ bytes, data: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) }, 0, bytes.length, buffers, { incoming: finds });
      return [all, true];
    } catch (error) {
      assert(error instanceof Error && !/call stack/.test(error.message), String(error));
      return [all, false];
    }
  };
  /** What is decoded is also skipped, with the same handles. What is refused is skipped at least as far. */
  const skips = (name, bytes, buffers) => {
    const [read, isRead] = found(Decoder, bytes, buffers);
    const [skipped, isSkipped] = found(Skipper, bytes, buffers);
    assert(isSkipped || !isRead, `${name} is not skipped: ${hex(bytes)}`);
    // Segments in wrong places are noticed at different places.
    if (isRead || !buffers) equal(JSON.stringify(isRead ? skipped : skipped.slice(0, read.length)), JSON.stringify(read));
    assert(skipped.length <= bytes.length / 3, `${name} has more handles than bytes for them`);
  };
  const refuses = bytes => {
    try {
      read(bytes);
      return false;
    } catch {
      return true;
    }
  };
  /** A value that was decoded is encoded in a form that decodes to the same. */
  const again = (name, value) => {
    let bytes;
    try {
      bytes = encode(value);
    } catch (error) {
      assert(/the bytes of a blob|a view of a buffer that|more than 1,024/.test(error.message), `${name}: ${error.message}`);
      return;
    }
    equal(hex(encode(decode(bytes))), hex(bytes));
  };

  test('corpus: inputs found by fuzzing are decoded or refused as specified', () => {
    const inputs = corpus();
    assert(inputs.length > 0, 'the corpus is empty');
    for (const [name, bytes] of inputs) judge(name, bytes);
  });

  test('corpus: vectors that end early are refused', () => {
    for (const [name, bytes] of vectors()) {
      if (!judge(name, bytes)) continue;
      for (let length = 0; length < Math.min(bytes.length, 200); length++) assert(!judge(`${name}, ${length} bytes`, bytes.slice(0, length)), `${name} was read up to ${length}`);
    }
  });

  test('corpus: parts that are cut out as segments are restored or refused', () => {
    let taken = 0;
    for (const [name, bytes] of vectors()) {
      if (bytes.length > 100) continue;
      for (let at = 0; at < bytes.length; at++)
        for (let end = at + 1; end <= bytes.length; end++) {
          const head = Uint8Array.from([...bytes.slice(0, at), ...bytes.slice(end)]);
          skips(`${name}, cut from ${at} to ${end}`, head, [at, bytes.slice(at, end)]);
          let value;
          try {
            value = decode(head, [at, bytes.slice(at, end)]);
          } catch (error) {
            assert(error instanceof Error && !/call stack/.test(error.message), `${name}: ${String(error)}`);
            continue;
          }
          taken++;
          assert(!refuses(bytes), `${name} is malformed: ${hex(bytes)}`);
          again(`${name}, cut from ${at} to ${end}`, value);
        }
    }
    assert(taken > 50, `${taken} were taken`);
  });

  test('corpus: damaged bytes are decoded or refused as specified', () => {
    let state = 1;
    const random = below => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const inputs = [...corpus(), ...vectors()].filter(([, bytes]) => bytes.length > 0 && bytes.length < 4096);
    let taken = 0;
    for (let i = 0; i < DAMAGED; i++) {
      const [name, whole] = inputs[i % inputs.length];
      const bytes = Uint8Array.from(whole);
      for (let left = 1 + random(3); left > 0; left--) bytes[random(bytes.length)] = random(4) ? random(256) : 0x80 + random(32);
      if (judge(`${name}, damaged`, bytes)) taken++;
    }
    assert(taken > DAMAGED / 100 && taken < DAMAGED, `${taken} of ${DAMAGED} were taken`);
  });

  test('corpus: an announced length allocates no memory', () => {
    // Lengths of 2^50 and less of strings, lists, objects, maps, sets, buffers and bigints, with nothing behind.
    const lengths = [[0xff, 0xff, 0x03], [0xff, 0xff, 0xff, 0xff, 0x0f], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x03]];
    for (const tag of [0x88, 0x89, 0x8a, 0x8b, 0x90, 0x91, 0x92, 0x93, 0x96, 0x98])
      for (const length of lengths) {
        let message = '';
        try {
          decode(Uint8Array.of(tag, ...length));
        } catch (error) {
          ({ message } = error);
        }
        assert(message.startsWith('malformed payload: '), `${tag.toString(16)}: ${message}`);
      }
  });
};

const DAMAGED = 30_000;
