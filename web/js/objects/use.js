// Performs operations of the other end on local values: calls of callbacks, and uses of members of exposed objects.
import { hide, run } from '../errors.js';
import { EXPOSED, FUNCTION, METHODS, WITHHELD, marked, owners, shared } from './marks.js';

/** The function that carries out operations, and the operations. */
export const USE = 'coincide:use', GET = 0, SET = 1, APPLY = 2, CONSTRUCT = 3;

/** The result of `GET` for an unmarked function, which can be called at its path. */
export const CALLABLE = Symbol.for('coincide:callable');

/**
 * Performs an operation on `value`, or on its member at the end of a path.
 *
 * @param kind kind of the handle, which determines the permitted operations
 * @param name name of the value in errors
 */
export const use = (kind, value, name, operation, path, argument) => {
  const remote = shared.remotes.get(value);
  // Forwards an operation on a value of a third end.
  if (remote) return remote.use(operation, path, argument);
  if (!Array.isArray(path) || !path.every(key => typeof key === 'string')) throw fault(TypeError, 'the path of an operation is not a list of names');
  const words = [name, ...path].join('.');
  if (!(kind <= EXPOSED)) throw fault(TypeError, `\`${words}\` has no such operations`);
  if (kind !== EXPOSED && (operation !== APPLY || path.length !== (kind === FUNCTION ? 0 : 1))) throw fault(TypeError, `\`${words}\` can only be called`);
  const key = path.at(-1);
  let owner = value;
  for (let at = 0; at < path.length - 1; at++) owner = inner(owner, path, at, name);
  if (operation === SET) return void set(owner, key, argument, words);
  const found = key === undefined ? value : kind === METHODS ? method(owner, key) : member(owner, key);
  switch (operation) {
    case GET:
      return typeof found === 'function' && shared.marks.get(found) === undefined && !shared.remotes.has(found) ? CALLABLE : found;
    case APPLY:
      if (typeof found !== 'function') throw fault(TypeError, `\`${words}\` is not a function`);
      return run(found, key === undefined ? null : owner, listOf(argument));
    case CONSTRUCT: {
      if (typeof found !== 'function') throw fault(TypeError, `\`${words}\` is not a class`);
      const made = run(Reflect.construct, undefined, [found, listOf(argument)]);
      // A constructor may return another object than an instance. Only instances are exposed.
      return shared.marks.has(made) || !run(hasInstance, found, [made]) ? made : marked(made, EXPOSED);
    }
    default:
      throw fault(RangeError, `there is no operation ${String(operation)}`);
  }
};

/** The value of a member, or undefined. Members that all objects or functions inherit are ignored. */
const member = (object, key) => (ownerOf(object, key) === undefined ? undefined : run(Reflect.get, undefined, [object, key]));

/** A member that is a method, not an accessor. */
const method = (object, key) => {
  const owner = key === 'then' ? undefined : ownerOf(object, key);
  return owner && Object.getOwnPropertyDescriptor(owner, key)?.value;
};

/** The object at a step of a path. */
const inner = (object, path, at, name) => {
  const found = member(object, path[at]);
  if ((typeof found === 'object' && found !== null) || typeof found === 'function') return found;
  throw fault(TypeError, `there is no object at \`${[name, ...path.slice(0, at + 1)].join('.')}\``);
};

const set = (owner, key, value, words) => {
  if (key === undefined) throw fault(TypeError, `\`${words}\` itself cannot be set`);
  const isInherited = !ownerOf(owner, key) && key in Object(typeof owner === 'function' ? Function.prototype : Object.prototype);
  if (WITHHELD.has(key) || isInherited || !run(Reflect.set, undefined, [owner, key, value])) throw fault(TypeError, `\`${words}\` cannot be set`);
};

const ownerOf = (object, key) => {
  if (WITHHELD.has(key)) return undefined;
  for (const owner of owners(object)) if (Object.hasOwn(owner, key)) return owner;
  return undefined;
};

const hasInstance = Function.prototype[Symbol.hasInstance];

const listOf = args => {
  if (Array.isArray(args)) return args;
  throw fault(TypeError, 'the arguments are not an array');
};

/** An error for the other end. Its stack would only show coincide. */
export const fault = (Class, message) => {
  const error = new Class(message);
  hide(error, 'stack', '');
  return error;
};
