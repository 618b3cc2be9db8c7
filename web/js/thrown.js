// Sends the error of a failed worker to main in a message, without the link. This works before wasm runs and after the link has failed.
import { adopt, hide, isDom, isError, withoutOurs } from './errors.js';
import { inWords } from './link/values.js';

/** A thrown value in a form that can be posted; its text if reading it throws. */
export const described = value => {
  try {
    return parted(value, MOST_CAUSES);
  } catch {
    return { value: inWords(value) };
  }
};

const parted = (value, left) => {
  if (!isError(value)) return { value: postable(value) };
  const parts = { dom: isDom(value), name: textOf(value, 'name'), message: textOf(value, 'message'), stack: textOf(value, 'stack'), more: {} };
  for (const key of Object.keys(value)) {
    if (STANDARD.includes(key)) continue;
    // Read once, because a getter may return another value the next time.
    const own = valueOf(value, key);
    if (isPlain(own)) parts.more[key] = own;
  }
  if (Object.hasOwn(value, 'cause') && left > 0) parts.cause = parted(valueOf(value, 'cause'), left - 1);
  return { parts };
};

/** The value of a description. An error is an instance of the global class of its name, or of `Error`. */
export const revived = ({ value, parts }) => {
  if (!parts) return value;
  const { dom, name, message, stack, more, cause } = parts;
  const error = dom ? new DOMException(message, name) : new Error(message);
  const proto = prototypeOf(name);
  if (!dom && isError(proto)) Object.setPrototypeOf(error, proto);
  if (error.name !== name) hide(error, 'name', name);
  hide(error, 'stack', withoutOurs(stack) || `${name}: ${message}`);
  if (cause) hide(error, 'cause', revived(cause));
  Object.assign(error, more);
  adopt(error);
  return error;
};

/** A thrown value in one line. */
export const thrownInWords = value => {
  const words = inWords(value);
  return isError(value) ? [textOf(value, 'name'), words].filter(Boolean).join(': ') : words;
};

/** The description of the uncaught error of a browser's `error` event, from text and position; undefined if the event has no text. */
export const thrownAt = ({ message, filename, lineno, colno }) => {
  if (!message) return undefined;
  const [, name, text] = /^(?:Uncaught )?(?:(\w*(?:Error|Exception)): )?([^]*)$/.exec(message);
  if (!name) return { value: text.replace(/^uncaught exception: /, '') };
  const place = `${filename}:${lineno}:${colno}`;
  return { parts: { dom: false, name, message: text, stack: `${name}: ${text}\n    at ${place}`, more: {} } };
};

const isPlain = value => value === null || ['string', 'number', 'boolean', 'bigint'].includes(typeof value);

/** A property of an error; undefined if its getter throws. */
const valueOf = (error, key) => {
  try {
    return error[key];
  } catch {
    return undefined;
  }
};

const textOf = (error, key) => {
  const text = valueOf(error, key);
  return typeof text === 'string' ? text : '';
};

const postable = value => {
  try {
    return structuredClone(value);
  } catch {
    return inWords(value);
  }
};

const prototypeOf = name => Object.getOwnPropertyDescriptor(globalThis, name)?.value?.prototype;

const STANDARD = ['name', 'message', 'stack', 'cause'];

const MOST_CAUSES = 16;
