// A worker that runs a program of Python.
import coincide from '../../web/pkg/suspending/worker.js';
import { answerOf, functionOf } from './answers.js';
import { start } from './interpreters.js';
import { textOf } from './text.js';
import { Values } from './values.js';

let outgoing = value => value;
const scope = await coincide({ ready: 'manual', transform: value => outgoing(value) });
const details = await new Promise(resolve => addEventListener('message', event => resolve(event.data), { once: true }));

/** Whether Python suspends its stack to wait for main. */
const suspends = scope.tier === 'suspending';

/** The reason why calls of main cannot block here, or `undefined`. */
const whyNot = () => {
  if (details.config.sync_main_only)
    return '`sync_main_only` is in the configuration of this worker: main may await its functions, and it has no `window`, no `document` and no `sync` to call main by';
  if (scope.sync || suspends) return undefined;
  try {
    return String(scope.window.document);
  } catch (error) {
    return error.message;
  }
};

/** Whether main has interrupted the program. */
const interrupted = () => {
  try {
    scope.check();
    return false;
  } catch (error) {
    return error.code === 'Interrupted';
  }
};

const values = new Values();
const bridgeOf = python => ({
  in_worker: true,
  suspends,
  why_not: whyNot() ?? '',
  window: scope.window,
  ffi: scope.ffi,
  leave: bytes => values.leave(python.bytes.receive(bytes)),
  mark: () => values.mark(),
  drop: mark => values.drop(mark),
  leave_object: value => values.leave(value),
  take: number => python.bytes.give(values.take(number)),
  take_object: number => values.take(number),
  call: (name, text) => answerOf(values, () => scope.proxy[name](...values.unpack(text))),
  serve(name, fn) {
    scope.proxy[name] = functionOf(values, python.serving(fn));
  },
  forget(name) {
    delete scope.proxy[name];
  },
  sleep: milliseconds => answerOf(values, () => scope.sleep(milliseconds)),
  ...(suspends && {
    is_main: scope.isWindowProxy,
    list: (...items) => items,
    keep: fn => python.outgoing(fn),
    // JavaScript awaits this. `ffi.settled` would suspend the program instead.
    later: promise => new Promise((resolve, reject) => scope.ffi.reflect.invoke(promise, 'then', [resolve, reject]).catch(reject)),
    set_listener: listener => python.setListener(listener),
  }),
});

try {
  const print = text => scope.notify('pyscript:print', text);
  const printError = text => scope.notify('pyscript:print_error', text);
  const host = { print, printError, interrupted, config: details.config, bridge: bridgeOf, enter: suspends && scope.enter };
  const [python, code] = await Promise.all([start(details.type, host), details.code ?? textOf(details.url)]);
  ({ outgoing } = python);
  // After an error of the program, the functions that it has registered remain available to main.
  await python.run(code, details.file).catch(error => printError(error.message));
  await python.run('import pyscript.in_worker\npyscript.in_worker.publish(globals())', 'publish');
  scope.ready();
} catch (error) {
  scope.fail(error);
}
