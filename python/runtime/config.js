// The `config` of a script or a worker.
import { parse as parseToml } from '../node_modules/smol-toml/dist/index.js';
import { textOf } from './text.js';

/**
 * The configuration: an object, from text in JSON or TOML, or a promise of the one in the file at an address.
 *
 * @throws {SyntaxError} when it is neither
 * @throws {TypeError} when it requests something that PyScript supports and this runtime does not
 */
export const configOf = (given, base) => {
  if (given === undefined || given === null || given === '') return {};
  if (typeof given !== 'string') return checked(given);
  return /^[^\s{="[]+\.(json|toml)([?#].*)?$/.test(given.trim()) ? fetched(new URL(given.trim(), base)) : parsed(given, 'the configuration');
};

const fetched = async url => parsed(await textOf(url), url);

const parsed = (text, what) => {
  let found;
  try {
    found = /^\s*\{/.test(text) ? JSON.parse(text) : parseToml(text);
  } catch (error) {
    throw new SyntaxError(`${what} is neither JSON nor TOML: ${error.message}`);
  }
  return checked(found);
};

/** Keys that PyScript supports and this runtime refuses. Other keys belong to the program. */
const checked = config => {
  const unknown = UNKNOWN.find(key => key in config);
  if (unknown) throw new TypeError(`\`${unknown}\` is in the configuration, and this example does nothing about it: it installs no packages, and fetches no files and no modules`);
  return config;
};
const UNKNOWN = ['packages', 'files', 'fetch', 'js_modules', 'interpreter', 'plugins'];
