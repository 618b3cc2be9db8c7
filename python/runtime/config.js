// The `config` of a script or a worker.
import { parse as parseToml } from '../node_modules/smol-toml/dist/index.js';
import { textOf } from './text.js';

/**
 * What a configuration says: an object, the text of one in JSON or TOML, or a promise of what the file at an address says.
 *
 * @throws {SyntaxError} when it is neither
 * @throws {TypeError} when it asks for what PyScript would do and this does not
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

/** What a program has of its own in its configuration is its affair; what PyScript would do something about must not go unnoticed. */
const checked = config => {
  const unknown = UNKNOWN.find(key => key in config);
  if (unknown) throw new TypeError(`\`${unknown}\` is in the configuration, and this example does nothing about it: it installs no packages, and fetches no files and no modules`);
  return config;
};
const UNKNOWN = ['packages', 'files', 'fetch', 'js_modules', 'interpreter', 'plugins'];
