// Calls of functions of section 25: objects, functions and streams.
import { Malformed } from './bytes.mjs';

const text = (value) => typeof value === 'string';
const list = Array.isArray;
const flag = (value) => typeof value === 'boolean';
const any = () => true;
const whole = (value) => (typeof value === 'bigint' ? value >= 1n : Number.isInteger(value) && value >= 1);
const owner = (value) => Number(value) === 0 || Number(value) === 1;

/** What follows the path of an operation, by its number; undefined: nothing. */
const OPERATIONS = [['get', undefined], ['set', any], ['apply', list], ['construct', list]];

/** Arguments of the other functions. */
const FUNCTIONS = {
  'coincide:next': [whole, whole],
  'coincide:return': [whole],
  'coincide:exposes': [text, flag],
  'coincide:abort': [owner, whole, any],
  'coincide:forget': [(ids) => list(ids) && ids.every(whole)],
};

/** Checks the arguments of a call or a notification. Returns the name of the operation of `coincide:use`. */
export function readObjectCall(name, args) {
  if (!list(args)) throw new Malformed('arguments are an array');
  if (name !== 'coincide:use') {
    const wanted = FUNCTIONS[name];
    if (!wanted) throw new Malformed(`${name} is unknown`);
    if (args.length !== wanted.length || !wanted.every((want, index) => want(args[index]))) throw new Malformed(`${name} has other arguments than it has to`);
    return undefined;
  }
  const [target, number, path, ...rest] = args;
  const found = OPERATIONS[Number(number)];
  if (!(text(target) || whole(target)) || !found || !list(path) || !path.every(text)) throw new Malformed('an operation is not what it has to be');
  const [operation, argument] = found;
  if (argument ? rest.length !== 1 || !argument(rest[0]) : rest.length > 0) throw new Malformed(`${operation} has another argument than it has to`);
  return operation;
}
