// The notation of the vectors, section 17: JSON to JavaScript values and back.

import { fromHex, toHex } from './bytes.mjs';
import {
  BlobValue, FileValue, Handle, ImageValue, Posted, Reference, bytesOf, define, isBuffer, isBytes, isView, keysOfError, keysOfObject,
  makeBuffer, makeError, makeView, nameOfWellKnown, partsOfView, wellKnown,
} from './value.mjs';

/** The value that this notation stands for. */
export function fromNotation(json) {
  return new Builder().value(json);
}

class Builder {
  objects = [];

  /** Gives an object its number: in the order of tags, so before what it contains. */
  number(object) {
    return this.objects.push(object) - 1;
  }

  add(object) {
    this.number(object);
    return object;
  }

  properties(object, pairs) {
    for (const [key, value] of pairs) {
      const hidden = object instanceof AggregateError && key === 'errors';
      define(object, this.value(key), this.value(value), !hidden);
    }
    return object;
  }

  value(json) {
    if (Array.isArray(json)) {
      const array = this.add([]);
      array.length = json.length;
      json.forEach((element, i) => {
        if (!element?.$hole) array[i] = this.value(element);
      });
      return array;
    }
    if (typeof json !== 'object' || json === null) return json;
    const [[what, content], ...others] = Object.entries(json);
    if (others.length > 0) throw new Error(`no notation: ${JSON.stringify(json).slice(0, 80)}`);
    switch (what) {
      case '$undefined': return undefined;
      case '$number': return Number(content);
      case '$bigint': return BigInt(content);
      case '$utf16': return String.fromCharCode(...content);
      case '$symbol': return Symbol.for(content);
      case '$wellKnown': return wellKnown(content);
      case '$date': return this.add(new Date(this.value(content)));
      case '$regexp': {
        const regexp = new RegExp(this.value(content.source), content.flags);
        regexp.lastIndex = content.lastIndex;
        return this.add(regexp);
      }
      case '$object': return this.properties(this.add({}), content);
      case '$map': {
        const map = this.add(new Map());
        for (const [key, value] of content) {
          const made = this.value(key);
          map.set(made, this.value(value));
        }
        return map;
      }
      case '$set': {
        const set = this.add(new Set());
        for (const item of content) set.add(this.value(item));
        return set;
      }
      case '$error': {
        const error = makeError(...['class', 'message', 'stack'].map((part) => this.value(content[part])));
        this.number(error);
        if ('cause' in content) define(error, 'cause', this.value(content.cause), false);
        return this.properties(error, content.properties);
      }
      case '$boxed': return this.add(Object(this.value(content)));
      case '$buffer': return this.add(makeBuffer(fromHex(content.bytes), content.max));
      case '$bytes': {
        const bytes = this.add(fromHex(content));
        this.number(bytes.buffer);
        return bytes;
      }
      case '$view': {
        const number = this.number(undefined);
        const buffer = this.value(content.buffer);
        return (this.objects[number] = makeView(content.type, buffer, content.offset, content.length));
      }
      case '$blob': return this.add(new BlobValue(content.type, fromHex(content.bytes)));
      case '$file':
        return this.add(new FileValue(
          content.type, fromHex(content.bytes), this.value(content.lastModified), this.value(content.name)));
      case '$image':
        return this.add(new ImageValue(content.width, content.height, content.colorSpace, fromHex(content.bytes)));
      case '$reference': return new Reference(content.owner, content.kind, BigInt(content.id));
      case '$posted': return new Posted(content.owner, BigInt(content.number));
      case '$handle': return new Handle(content.owner, content.kind, BigInt(content.id), this.value(content.description));
      case '$shared': return this.objects[content];
      default: throw new Error(`no notation: ${what}`);
    }
  }
}

/** The notation of a value. Equal values have equal notations: which object is which is part of it. */
export function toNotation(value) {
  return new Describer().value(value);
}

class Describer {
  numbers = new Map();

  properties(object, keys) {
    return keys.map((key) => [this.value(key), this.value(object[key])]);
  }

  value(value) {
    switch (typeof value) {
      case 'undefined': return { $undefined: true };
      case 'number': return Number.isFinite(value) && !Object.is(value, -0) ? value : { $number: numberText(value) };
      case 'bigint': return { $bigint: String(value) };
      case 'string':
        return value.isWellFormed() ? value : { $utf16: Array.from({ length: value.length }, (_, i) => value.charCodeAt(i)) };
      case 'symbol': {
        const name = nameOfWellKnown(value);
        return name === undefined ? { $symbol: Symbol.keyFor(value) } : { $wellKnown: name };
      }
      case 'object': return value === null ? null : this.object(value);
      default: return value;
    }
  }

  object(value) {
    if (value instanceof Reference) {
      return { $reference: { owner: value.owner, kind: value.kind, id: String(value.id) } };
    }
    if (value instanceof Posted) return { $posted: { owner: value.owner, number: String(value.number) } };
    if (value instanceof Handle) {
      const { owner, kind, id, description } = value;
      return { $handle: { owner, kind, id: String(id), description: this.value(description) } };
    }
    if (this.numbers.has(value)) return { $shared: this.numbers.get(value) };
    const asBytes = isBytes(value) && !this.numbers.has(value.buffer);
    this.numbers.set(value, this.numbers.size);
    if (asBytes) {
      this.numbers.set(value.buffer, this.numbers.size);
      return { $bytes: toHex(value) };
    }
    if (Array.isArray(value)) {
      return Array.from(value, (element, i) => (i in value ? this.value(element) : { $hole: true }));
    }
    if (value instanceof Date) return { $date: this.value(value.getTime()) };
    if (value instanceof RegExp) {
      return { $regexp: { source: this.value(value.source), flags: value.flags, lastIndex: value.lastIndex } };
    }
    if (value instanceof Map) return { $map: Array.from(value, (pair) => pair.map((item) => this.value(item))) };
    if (value instanceof Set) return { $set: Array.from(value, (item) => this.value(item)) };
    if (value instanceof Error) {
      const [name, message, stack] = [value.name, value.message, value.stack].map((text) => this.value(text));
      const cause = Object.hasOwn(value, 'cause') ? { cause: this.value(value.cause) } : {};
      const properties = this.properties(value, keysOfError(value));
      return { $error: { class: name, message, stack, ...cause, properties } };
    }
    if (isBuffer(value)) {
      const max = value.resizable ? { max: value.maxByteLength } : {};
      return { $buffer: { bytes: toHex(bytesOf(value)), ...max } };
    }
    if (isView(value)) {
      const { type, offset, length, buffer } = partsOfView(value);
      return { $view: { type, offset, ...(length !== undefined && { length }), buffer: this.value(buffer) } };
    }
    if (value instanceof FileValue) {
      const { type, name, lastModified, bytes } = value;
      return { $file: { type, name: this.value(name), lastModified: this.value(lastModified), bytes: toHex(bytes) } };
    }
    if (value instanceof BlobValue) return { $blob: { type: value.type, bytes: toHex(value.bytes) } };
    if (value instanceof ImageValue) {
      const { width, height, colorSpace, bytes } = value;
      return { $image: { width, height, colorSpace, bytes: toHex(bytes) } };
    }
    const boxed = [Boolean, Number, BigInt, String, Symbol].some((Class) => value instanceof Class);
    if (boxed) return { $boxed: this.value(value.valueOf()) };
    return { $object: this.properties(value, keysOfObject(value)) };
  }
}

const numberText = (number) => (Object.is(number, -0) ? '-0' : String(number));
