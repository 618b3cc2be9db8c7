// The vectors of values: `proto/vectors/values.json`.
import { codecKit, hex, unhex } from './codec.kit.mjs';

export default (test, { encode, decode, again, blobs, vectors, assert }) => {
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
        // Firefox and WebKit add the position as properties.
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

  /** Posted objects, each with the objects of the platform that represents it. */
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
