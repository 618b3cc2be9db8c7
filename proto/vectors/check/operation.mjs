// Operations on objects of main: section 24.
import { Reference } from './value.mjs';
import { Malformed } from './bytes.mjs';

const key = (value) => typeof value === 'string' || typeof value === 'symbol';
const keys = (value) => Array.isArray(value) && value.every(key);
const any = () => true;
const target = (value) => value instanceof Reference && value.owner === 'receiver';
const list = Array.isArray;

/** Name and arguments of each operation by its number; an argument in an array may be missing. */
const OPERATIONS = [
  ['get', target, key, [target]],
  ['set', target, key, any, [target]],
  ['has', target, key],
  ['delete', target, key],
  ['own keys', target],
  ['get own property descriptor', target, key],
  ['define property', target, key, (value) => typeof value === 'object' && value !== null],
  ['get prototype', target],
  ['set prototype', target, any],
  ['is extensible', target],
  ['prevent extensions', target],
  ['apply', target, any, list],
  ['construct', target, list, [target]],
  ['assign', target, list],
  ['gather', target, (value) => list(value) && value.every(keys)],
  ['query', target, keys],
  ['evaluate', target, (value) => typeof value === 'string', list],
  ['batch', target, (value) => list(value) && value.every((operation) => readOperation(operation).flags.length === 0)],
  ['invoke', target, key, list],
];

/** The operation and the flags of a number. */
export function readOperation(operation) {
  if (!list(operation)) throw new Malformed('an operation is an array');
  const [number, ...rest] = operation;
  const flags = [];
  if (number & 64) flags.push('metadata');
  if (number & 128) flags.push('steady');
  if ((number & ~192) === REACH) return { ...readReach(rest), flags };
  const found = OPERATIONS[number & ~192];
  if (!found) throw new Malformed(`there is no operation ${number & ~192}`);
  const [name, ...wanted] = found;
  if (number & 128 && name !== 'get') throw new Malformed(`${name} has no use for the flag 128`);
  if (rest.length > wanted.length) throw new Malformed(`${name} has too many arguments`);
  wanted.forEach((want, index) => {
    const isMissing = index >= rest.length;
    if (list(want) ? !isMissing && !want[0](rest[index]) : isMissing || !want(rest[index]))
      throw new Malformed(`argument ${index + 1} of ${name} is not what it has to be`);
  });
  return { operation: name, flags };
}

const REACH = 19;

/** What follows the path of `reach` is another operation without its target. */
function readReach([from, path, number, ...rest]) {
  if (!target(from) || !keys(path)) throw new Malformed('reach has another target or path than it has to');
  if (readOperation([number, from, ...rest]).flags.length > 0) throw new Malformed('the operation at the end of a path has flags of its own');
  return { operation: 'reach' };
}
