// The interpreters, from the packages of npm that `package.json` pins, on the page's own origin.
import { textOf } from './text.js';

/**
 * An interpreter, as the rest of the runtime uses it.
 *
 * @typedef {object} Python
 * @property {(code: string, file: string) => Promise<void>} run runs a program, which may use `await` at its top level
 * @property {(name: string, module: object) => void} offer lets Python import an object of JavaScript
 * @property {(path: string, text: string) => void} write creates a file
 * @property {(value: unknown) => unknown} outgoing the value of JavaScript for a value of Python
 * @property {(fn: Function) => Function} keep a function of Python that stays callable
 * @property {(fn: Function) => Function} serving the same for a function that main calls; on the tier `suspending` it returns a promise
 * @property {object} bytes how Python reaches bytes: a part of the module `_pyscript`
 */

/** The types of interpreters. */
const STARTS = {
  micropython: () => import('./micropython.js'),
  pyodide: () => import('./pyodide.js'),
};

/** Returns the type, or throws if it is unknown. */
export const typeOf = type => {
  if (Object.hasOwn(STARTS, type ?? '')) return type;
  const found = type === undefined || type === null ? 'there is none' : `it is ${JSON.stringify(type)}`;
  throw new TypeError(`the type of a worker is "micropython" or "pyodide", and ${found}`);
};

/**
 * Starts an interpreter that has the package `pyscript`.
 *
 * @param {string} type
 * @param {object} host `print` and `printError` take the lines that Python writes, `interrupted` says whether it is to stop (or is missing),
 *   `config` is the configuration of its page, `bridge(python)` returns the module `_pyscript`, `enter` is coincide's on the tier `suspending`, and missing elsewhere
 * @returns {Promise<Python>}
 */
export const start = async (type, host) => {
  const [{ load }, ...files] = await Promise.all([STARTS[typeOf(type)](), ...PACKAGE.map(fetched)]);
  const python = await load(host);
  python.write(`${HOME}/pyscript/_config.json`, JSON.stringify(host.config));
  for (const [name, text] of files) python.write(`${HOME}/pyscript/${name}`, text);
  python.offer('_pyscript', host.bridge(python));
  await python.run(`import sys\nsys.path.insert(0, '${HOME}')\ndel sys`, 'start');
  return python;
};

const fetched = async name => [name, await textOf(new URL(`python/pyscript/${name}`, import.meta.url))];

/** Where the package lies in the file system of an interpreter. */
const HOME = '/lib/coincide';

/** The files of the package. */
const PACKAGE = ['__init__.py', 'answers.py', 'errors.py', 'ffi.py', 'in_main.py', 'in_worker.py', 'page.py', 'platform.py', 'remote.py', 'unsupported.py', 'values.py'];
