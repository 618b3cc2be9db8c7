// Python on the page itself: one interpreter of each type, for all scripts.
import { answerOf, functionOf } from './answers.js';
import { configOf } from './config.js';
import { start } from './interpreters.js';
import { PyWorker, workers } from './main.js';
import { Values } from './values.js';

/**
 * Runs a program on the page.
 *
 * @param {'micropython' | 'pyodide'} type
 * @param {string | Promise<string>} code
 * @param {object} details
 * @param {string} details.file what errors call the program
 * @param {string} [details.config] of the interpreter, if this is the first program of its type
 * @param {boolean} details.waits until the programs of the same type before it that wait have ended
 */
export const run = async (type, code, { file, config, waits }) => {
  const interpreter = interpreters.get(type) ?? started(type, config);
  interpreters.set(type, interpreter);
  const before = waits ? queues.get(type) : undefined;
  const ended = (async () => {
    const [python, text] = await Promise.all([interpreter, code, before]);
    await python.run(text, file).catch(error => console.error(error.message));
  })();
  // A program that cannot be loaded does not delay later ones.
  if (waits) queues.set(type, ended.catch(() => {}));
  await ended;
};

/** The interpreters by type. */
const interpreters = new Map();

/** The end of the last program that waits for those before it, by type. */
const queues = new Map();

const started = async (type, config) =>
  start(type, { print: text => console.log(text), printError: text => console.error(text), config: await configOf(config, document.baseURI), bridge });

/** The module `_pyscript`. Python refers to workers by numbers. */
const bridge = python => {
  const values = new Values();
  const known = [];
  const reached = link => known.push(link) - 1;
  /** The numbers of workers that were found by name. */
  const found = new WeakMap();
  const numberOf = sync => {
    if (!found.has(sync)) found.set(sync, reached({ sync }));
    return found.get(sync);
  };
  return {
    in_worker: false,
    suspends: false,
    window: globalThis,
    document: globalThis.document,
    leave: bytes => values.leave(python.bytes.receive(bytes)),
    mark: () => values.mark(),
    drop: mark => values.drop(mark),
    leave_object: value => values.leave(value),
    take: number => python.bytes.give(values.take(number)),
    take_object: number => values.take(number),
    start: (url, options) => answerOf(values, () => reached(PyWorker(url, JSON.parse(options)))),
    find: name => answerOf(values, async () => numberOf(await workers[name])),
    ready: number => answerOf(values, async () => void (await known[number].ready)),
    call: (number, name, text) => answerOf(values, () => known[number].sync[name](...values.unpack(text))),
    serve(number, name, fn) {
      known[number].sync[name] = functionOf(values, python.serving(fn));
    },
    forget(number, name) {
      delete known[number].sync[name];
    },
    interrupt: number => known[number].interrupt(),
    terminate: number => known[number].terminate(),
  };
};
