// The `config` of a script or a worker.
import { parse as parseToml } from '../node_modules/smol-toml/dist/index.js';
import { textOf } from './text.js';

/**
 * What a configuration says: an object, the text of one in JSON or TOML, or a promise of what the file at an address says.
 *
 * @throws {SyntaxError} when it is neither
 */
export const configOf = (given, base) => {
  if (given === undefined || given === null || given === '') return {};
  if (typeof given !== 'string') return given;
  return /^[^\s{="[]+\.(json|toml)([?#].*)?$/.test(given.trim()) ? fetched(new URL(given.trim(), base)) : parsed(given, 'the configuration');
};

const fetched = async url => parsed(await textOf(url), url);

const parsed = (text, what) => {
  try {
    return /^\s*\{/.test(text) ? JSON.parse(text) : parseToml(text);
  } catch (error) {
    throw new SyntaxError(`${what} is neither JSON nor TOML: ${error.message}`);
  }
};
