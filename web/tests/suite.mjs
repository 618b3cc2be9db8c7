// A small test runner, for Node.js and for pages alike.

/**
 * Runs tests one after the other and passes `{ name, ok, error?, skipped? }` of each to `report`.
 *
 * A test passes if its body returns `undefined`, and is skipped if it returns `skip(reason)`. It fails if the body throws, returns another value or takes
 * longer than `limit` milliseconds. A test for whose name `lack` returns a reason is skipped.
 */
export const suite = ({ limit = LIMIT, lack = () => undefined } = {}) => {
  const tests = [];
  const test = (name, body) => tests.push({ name, body });
  const run = async (report, filter = '') => {
    for (const { name, body } of tests) {
      if (!name.includes(filter)) continue;
      let timer;
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not done after ${limit / 1000} s`)), limit);
      });
      try {
        const reason = lack(name);
        const result = reason === undefined ? await Promise.race([body(), late]) : skip(reason);
        if (result !== undefined && !(result instanceof Skip)) throw new Error(`the test returned ${show(result)}; to skip a test, return \`skip(reason)\``);
        await report({ name, ok: true, skipped: result?.reason });
      } catch (error) {
        await report({ name, ok: false, error: `${error?.message ?? error}\n${error?.stack ?? ''}` });
      } finally {
        clearTimeout(timer);
      }
    }
  };
  return { test, run };
};

class Skip {
  constructor(reason) {
    if (typeof reason !== 'string' || reason === '') throw new TypeError('a test is skipped for a reason, which is a text');
    this.reason = reason;
  }
}

/** What a test returns that is not run here, with the reason. */
export const skip = reason => new Skip(reason);

export const assert = (condition, message = 'the assertion does not hold') => {
  if (!condition) throw new Error(message);
};

export const equal = (found, expected) => {
  if (!Object.is(found, expected)) throw new Error(`found ${show(found)} where ${show(expected)} was expected`);
};

export const deepEqual = (found, expected) => {
  const fault = difference(found, expected);
  if (fault) throw new Error(fault);
};

/** The first difference between two values in words; undefined if they are equal. */
export const difference = (found, expected) => differ(found, expected, '', new Map());

/** What `body` throws. */
export const throws = (body, Class) => {
  let result;
  try {
    result = body();
  } catch (error) {
    return checked(error, Class);
  }
  throw new Error(`nothing was thrown; the result is ${show(result)}`);
};

/** What the promise of `body` rejects with. */
export const rejects = async (body, Class) => {
  let result;
  try {
    result = await body();
  } catch (error) {
    return checked(error, Class);
  }
  throw new Error(`it did not reject; the result is ${show(result)}`);
};

const checked = (error, Class) => {
  if (Class && !(error instanceof Class)) throw new Error(`${show(error)} is no ${Class.name}`);
  return error;
};

const show = value => {
  try {
    if (typeof value === 'string') return JSON.stringify(value);
    if (typeof value === 'object' && value !== null && !(value instanceof Error)) return JSON.stringify(value);
    return String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
};

/** The first difference between two values of any kind that can be sent; undefined if they are equal. */
const differ = (a, b, path, seen) => {
  if (Object.is(a, b)) return;
  const here = path || 'the value';
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return `${here} is ${show(a)} where ${show(b)} was expected`;
  if (seen.get(a) === b) return;
  seen.set(a, b);
  const [kind, other] = [a, b].map(value => Object.prototype.toString.call(value));
  if (kind !== other) return `${here} is ${kind} where ${other} was expected`;
  // What can only be moved has nothing to compare. Ports are targets of events in Node.js.
  if (/EventTarget|MessagePort|Stream|Canvas/.test(kind)) return;
  const within = (x, y, part) => differ(x, y, `${path}${part}`, seen);
  if (a instanceof Date) return within(a.getTime(), b.getTime(), ' as a time');
  if (a instanceof RegExp) return within(`${a} ${a.lastIndex}`, `${b} ${b.lastIndex}`, ' as text');
  if (a instanceof Map) return within([...a], [...b], ' as entries');
  if (a instanceof Set) return within([...a], [...b], ' as members');
  if (a instanceof ArrayBuffer) return differInBytes(new Uint8Array(a), new Uint8Array(b), here);
  if (ArrayBuffer.isView(a)) {
    const range = view => [view.byteOffset, view.byteLength];
    const bytes = view => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    return within(range(a), range(b), ' (offset, length)') ?? differInBytes(bytes(a), bytes(b), here);
  }
  if (/^\[object (Number|String|Boolean|BigInt|Symbol)\]$/.test(kind)) return within(a.valueOf(), b.valueOf(), ' unboxed');
  if (a instanceof Error)
    for (const name of ['name', 'message', 'cause']) {
      const found = within(a[name], b[name], `.${name}`);
      if (found) return found;
    }
  // Where an error was made is no part of what it says; Firefox and Bun have that beside the stack. Deno marks a DOMException with a symbol.
  const places = a instanceof Error ? ['stack', 'fileName', 'lineNumber', 'columnNumber', 'line', 'column', 'sourceURL', 'originalLine', 'originalColumn'] : [];
  const keys = [a, b].map(value => Reflect.ownKeys(value).filter(key => !places.includes(key) && !(a instanceof Error && key.description === 'Deno.core.hostObject')));
  if (keys[0].length !== keys[1].length)
    return `${here} has the keys ${keys[0].map(String)} where ${keys[1].map(String)} were expected`;
  for (const key of keys[1]) {
    if (!Object.hasOwn(a, key)) return `${here} has no ${String(key)}`;
    const found = within(a[key], b[key], `.${String(key)}`);
    if (found) return found;
  }
};

const differInBytes = (a, b, here) => {
  if (a.length !== b.length) return `${here} has ${a.length} bytes where ${b.length} were expected`;
  const at = a.findIndex((byte, at) => byte !== b[at]);
  return at < 0 ? undefined : `byte ${at} of ${here} is ${a[at]} where ${b[at]} was expected`;
};

const LIMIT = 60_000;
