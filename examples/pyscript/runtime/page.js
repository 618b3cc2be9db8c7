// Python on the page itself: one interpreter of each type, for all scripts.
import { answerOf, functionOf } from './answers.js';
import { configOf } from './config.js';
import { start } from './interpreters.js';
import { PyWorker, workers } from './main.js';
import { Values } from './values.js';

/** Runs a program on the page; those of the same type one after the other. */
export const run = (type, code, { file, config }) => {
  const before = queues.get(type) ?? started(type, config);
  const python = before.then(async python => {
    await python.run(code, file).catch(error => console.error(error.message));
    return python;
  });
  queues.set(type, python);
  return python;
};

/** The interpreters by type, each when it has done what was asked of it so far. */
const queues = new Map();

const started = async (type, config) =>
  start(type, { print: text => console.log(text), complain: text => console.error(text), config: await configOf(config, document.baseURI), bridge });

/** The module `_pyscript`. What Python knows of a worker is a number. */
const bridge = python => {
  const values = new Values();
  const known = [];
  const reached = link => known.push(link) - 1;
  return {
    in_worker: false,
    window: globalThis,
    document: globalThis.document,
    leave: bytes => values.leave(python.bytes.receive(bytes).slice()),
    leave_object: value => values.leave(value),
    take: number => python.bytes.give(values.take(number)),
    take_object: number => values.take(number),
    start: (url, options) => answerOf(values, () => reached(PyWorker(url, JSON.parse(options)))),
    find: name => answerOf(values, async () => reached({ sync: await workers[name] })),
    ready: number => answerOf(values, async () => void (await known[number].ready)),
    call: (number, name, text) => answerOf(values, () => known[number].sync[name](...values.unpack(text))),
    serve(number, name, fn) {
      known[number].sync[name] = functionOf(values, python.keep(fn));
    },
    forget(number, name) {
      delete known[number].sync[name];
    },
    interrupt: number => known[number].interrupt(),
    terminate: number => known[number].terminate(),
  };
};
