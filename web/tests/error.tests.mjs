// The errors that coincide throws or rejects with: their classes and stacks.
import { onceBegun, until } from './link.kit.mjs';
import { skip } from './suite.mjs';

export default (register, kit) => {
  const { coincide, coincideWindow, CoincideError, worker, tier, node, assert, equal, deepEqual, rejects } = kit;
  const test = (name, body) => register(`${tier}: ${name}`, body);
  const blocks = tier !== 'messages';
  const made = options => coincide({ tier, promises: !blocks, ...options });
  const { Worker } = made();

  /** Calls `body` from a function whose name stacks must contain. */
  const theCaller = async body => {
    try {
      const result = await body();
      throw new Error(`nothing was thrown; the result is ${String(result)}`);
    } catch (error) {
      return error;
    }
  };

  /** Checks that the stack is a string with the program's frames only, in this order. */
  const checkStack = (stack, ...frames) => {
    equal(typeof stack, 'string');
    let at = -1;
    for (const frame of frames) {
      const next = stack.indexOf(frame, at + 1);
      assert(next > at, `\`${frame}\` is not in its place in ${stack}`);
      at = next;
    }
    // The package is in the folder `pkg`. The position of an evaluated source is not a frame.
    assert(!/wasm-function|wasm:|\/pkg\/|coincide:run/.test(stack.replace(/(eval at \w+ \([^)]+\)|\S+ line \d+ > \w+)/g, '')), `frames of coincide are in ${stack}`);
  };

  const checkError = (error, name, frames) => {
    equal(error.name, name);
    checkStack(error.stack, ...frames);
    // The reason of a signal is an error of the platform, whose `stack` may be an accessor.
    if (frames.length === 0) return;
    const { enumerable, writable, configurable } = Object.getOwnPropertyDescriptor(error, 'stack');
    deepEqual([enumerable, writable, configurable], [false, true, true]);
  };

  /** WebKit drops the frame of a function that ends with a call. */
  const calls = () => new Error().stack;
  const endsWithCall = () => calls();
  const dropsFrames = !endsWithCall().includes('endsWithCall');

  const limited = w => w.within({ timeout: 20 });
  const strictly = { strict: true };
  const aborting = reason => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 10);
    return controller.signal;
  };

  /** By what happens on main: the name of the error, the action, and the frames of the stack if there are others than the caller's. */
  const ofMain = {
    'arguments that cannot be sent': ['DataCloneError', w => w.proxy.echo({ f() {} })],
    'arguments that cannot be sent, before there is a link': ['DataCloneError', () => early(w => w.proxy.echo({ f() {} }))],
    'a symbol for a name': ['DataCloneError', w => w.proxy[Symbol.iterator]()],
    'a reserved name': ['TypeError', w => (w.proxy['coincide:x'] = 1)],
    'a timeout that is not a number': ['RangeError', w => w.within({ timeout: 'x' })],
    'a signal that is not an AbortSignal': ['TypeError', w => w.within({ signal: {} })],
    'a memory that is not a number of bytes': ['TypeError', () => made({ memory: 'x' })],
    'a ring size that is not a number of bytes': ['TypeError', () => made({ ringSize: Symbol('x') })],
    'an unknown tier': ['TypeError', () => new Worker(worker('all'), { tier: 'x' })],
    'a function that is unknown': ['TypeError', w => w.proxy.missing()],
    'a function that throws': ['RangeError', w => w.proxy.fails('RangeError', 'too far'), ['all.js', 'called as fails', 'theCaller']],
    'a function that throws a DOMException': ['SyntaxError', w => w.proxy.fails('DOMException', 'too far', 'SyntaxError'), ['called as fails', 'theCaller']],
    'a function that rejects': ['RangeError', w => w.proxy.failsLater(), ['all.js', 'called as failsLater', 'theCaller']],
    'a timeout': ['TimeoutError', w => limited(w).later(1, 60_000)],
    'an abort': ['AbortError', w => w.within({ signal: aborting() }).later(1, 60_000), []],
    'a timeout of the platform': ['TimeoutError', w => w.within({ signal: AbortSignal.timeout(10) }).later(1, 60_000), []],
    'a signal that is aborted before': ['AbortError', w => w.within({ signal: AbortSignal.abort() }).later(1), []],
    'a worker that is terminated': ['CoincideError', w => (setTimeout(() => w.terminate(), 10), w.proxy.later(1, 60_000))],
    'a worker that was terminated': ['CoincideError', w => (w.terminate(), w.proxy.later(1))],
    'a notification of a worker that was terminated': ['CoincideError', w => (w.terminate(), w.notify('later', 1))],
    '`ready` of a worker that was terminated': ['CoincideError', () => early(w => (w.terminate(), w.ready))],
  };

  const early = body => {
    const w = new Worker(worker('all'));
    try {
      return body(w);
    } finally {
      w.terminate();
    }
  };

  for (const [what, [name, body, frames = ['theCaller']]] of Object.entries(ofMain))
    test(`the stack of an error has the frames of main's program: ${what}`, async () => {
      const w = new Worker(worker('all'));
      try {
        if (!what.includes('ready')) await w.ready;
        checkError(await theCaller(() => body(w)), name, frames);
      } finally {
        w.terminate();
      }
    });

  test('the stack of an error has the frames of main\'s program: a name that is taken', async () => {
    const w = new Worker(worker('all'), { name: 'taken' });
    checkError(await theCaller(() => new Worker(worker('all'), { name: 'taken' })), 'CoincideError', ['theCaller']);
    w.terminate();
  });

  test('an error keeps its stack when the program has frozen or changed how stacks are made', async () => {
    const w = new Worker(worker('all'));
    await w.ready;
    const { stackTraceLimit, prepareStackTrace } = Error;
    try {
      for (const limit of [0, 1, 100, undefined, 'x', Symbol('x'), { valueOf: throwsHere }]) {
        Error.stackTraceLimit = limit;
        const { name, stack } = await theCaller(() => w.proxy.missing());
        deepEqual([name, typeof stack], ['TypeError', 'string']);
        equal(Error.stackTraceLimit, limit);
      }
      Error.stackTraceLimit = stackTraceLimit;
      for (const prepare of [() => ({ no: 'text' }), throwsHere]) {
        Error.prepareStackTrace = prepare;
        for (const [call, expected] of [
          [() => w.proxy.missing(), 'TypeError'],
          [() => w.proxy.echo(() => {}), 'DataCloneError'],
          [() => limited(w).later(1, 60_000), 'TimeoutError'],
        ]) {
          const { name, stack } = await theCaller(call);
          deepEqual([name, typeof stack], [expected, 'string']);
        }
      }
      const pending = theCaller(() => w.proxy.later(1, 60_000));
      w.terminate();
      equal((await pending).code, 'Closed');
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
      Error.prepareStackTrace = prepareStackTrace;
      w.terminate();
    }
  });

  const throwsHere = () => {
    throw new RangeError('too far');
  };
  const forever = () => new Promise(() => {});

  /** By what happens in a worker: the name of the error, the action of main, and the frames if there are others than the caller's. */
  const ofWorkers = {
    'arguments that cannot be sent': ['DataCloneError', w => w.proxy.unsent('f')],
    'a function that is unknown': ['TypeError', w => w.proxy.call('missing')],
    'a function that throws': ['RangeError', w => ((w.proxy.f = throwsHere), w.proxy.call('f')), ['throwsHere', 'called as f', 'attempt']],
    'a function that rejects': ['RangeError', w => ((w.proxy.f = async () => throwsHere()), w.proxy.call('f')), ['throwsHere', 'called as f', 'attempt']],
    'a function that returns an error': ['RangeError', w => ((w.proxy.f = () => theError()), w.proxy.call('f')), ['theError', 'called as f', 'attempt']],
    'a result that cannot be sent': ['DataCloneError', w => ((w.proxy.f = () => ({ f() {} })), w.proxy.call('f')), undefined, strictly],
    'a timeout': ['TimeoutError', w => ((w.proxy.f = forever), w.proxy.callWithin({ timeout: 20 }, 'f'))],
    'a promise of a function that is unknown': ['TypeError', w => w.proxy.awaits({}, 'missing')],
    'a promise and a timeout': ['TimeoutError', w => ((w.proxy.f = forever), w.proxy.awaits({ timeout: 20 }, 'f'))],
    'a symbol for a name': ['DataCloneError', w => w.proxy.attempts('symbol')],
    'a reserved name': ['TypeError', w => w.proxy.attempts('reserved')],
    'a timeout that is not a number': ['RangeError', w => w.proxy.attempts('timeout')],
    'a duration of sleep that is not a number': ['TypeError', w => w.proxy.attempts('sleep')],
    'a notification that cannot be sent': ['DataCloneError', w => w.proxy.attempts('notify')],
    'another call of `coincide()` with other options': ['CoincideError', w => w.proxy.attempts('options')],
    'an interrupt of a computation': ['CoincideError', w => (onceBegun(w, () => w.interrupt()), w.proxy.spin('begun'))],
  };
  const theError = () => new RangeError('given');

  for (const [what, [name, body, frames = ['attempt'], options]] of Object.entries(ofWorkers))
    test(`the stack of an error has the frames of the worker's program: ${what}`, async () => {
      if (dropsFrames && DROPPED.includes(what)) return skip('this browser drops the frames of functions that end with a call');
      const { Worker } = made(options);
      const w = new Worker(worker('all'));
      try {
        await w.ready;
        const found = await body(w);
        equal(found.name, name);
        checkStack(found.stack, ...frames);
      } finally {
        w.terminate();
      }
    });

  /** Checks the class, the code, the function and parts of the text of an error. */
  const checkParts = (error, name, code, fn, ...parts) => {
    deepEqual([error.name, error.code, error.function], [name, code, fn]);
    for (const part of parts) assert(error.message.includes(part), `\`${part}\` is not in: ${error.message}`);
  };
  const { code: TIMEOUT } = new DOMException('', 'TimeoutError');
  const { code: ABORT } = new DOMException('', 'AbortError');
  const { code: CLONE } = new DOMException('', 'DataCloneError');

  /** By what happens to a call of main: the action, and what its error says. The `code` of a `DOMException` is the platform's. */
  const saidToMain = {
    'a function that is unknown': [w => w.proxy.missing(), 'TypeError', 'UnknownFunction', 'missing', 'at the other end, ', 'no function `missing` is registered', 'registered are: add, attempts, awaits'],
    'an argument that cannot be sent': [w => w.proxy.echo({ on() {} }), 'DataCloneError', CLONE, 'echo', 'the arguments of `echo` cannot be sent', 'args[0].on'],
    'a timeout': [w => limited(w).later(1, 60_000), 'TimeoutError', TIMEOUT, 'later', '`later` did not return in time'],
    'an interrupt': [w => (onceBegun(w, () => w.interrupt()), w.proxy.throwsWhenStopped('begun')), 'CoincideError', 'Interrupted', 'check', 'main has interrupted the worker'],
    'a pending call of a worker that is terminated': [w => (setTimeout(() => w.terminate(), 20), w.proxy.later(1, 60_000)), 'CoincideError', 'Closed', 'later', '`later` cannot answer: ', 'this end has terminated the worker'],
    'a call of a worker that was terminated': [w => (w.terminate(), w.proxy.later(1)), 'CoincideError', 'Closed', 'later', '`later` was not called: ', 'main has terminated the worker'],
    'a call of a worker that has failed': [w => (w.notify('failsAndGoesOn', 'nothing'), w.proxy.later(1, 60_000)), 'CoincideError', 'Closed', 'later', '`later` cannot answer: ', 'the worker has failed: on purpose'],
  };
  for (const [what, [action, ...expected]] of Object.entries(saidToMain))
    test(`the text of an error of main: ${what}`, async () => {
      const w = new Worker(worker('all'));
      try {
        await w.ready;
        checkParts(await rejects(async () => action(w)), ...expected);
      } finally {
        w.terminate();
      }
    });

  const ends = w => new Promise(resolve => (node ? w.on('message', data => data.stopped && resolve(data.stopped)) : w.addEventListener('message', ({ data }) => data.stopped && resolve(data.stopped))));
  /** By where a function of a worker waits: the function that the error names. A worker that cannot block does not wait in calls. */
  const ways = { check: 'check', sleep: 'sleep', ...(blocks && { call: 'never' }) };
  const interrupted = { check: 'main has interrupted the worker', sleep: 'main has interrupted the worker', call: 'the call of `never` was interrupted' };
  const cancelled = { check: 'main has cancelled the call that is running', sleep: 'main has cancelled the call that is running', call: 'the call of `never` was cancelled' };
  for (const [way, fn] of Object.entries(ways)) {
    test(`the text of an error of a worker: an interrupt in \`${way}\``, async () => {
      const w = new Worker(worker('all'));
      w.proxy.never = () => new Promise(() => {});
      await w.ready;
      onceBegun(w, () => w.interrupt());
      checkParts(await w.proxy.untilStopped(way, 'begun'), 'CoincideError', 'Interrupted', fn, interrupted[way]);
      w.terminate();
    });

    test(`the text of an error of a worker: the end of the running call in \`${way}\``, async () => {
      const w = new Worker(worker('all'));
      w.proxy.never = () => new Promise(() => {});
      await w.ready;
      const controller = new AbortController();
      onceBegun(w, () => controller.abort());
      await rejects(() => w.within({ signal: controller.signal }).untilStopped(way, 'begun'));
      let stop;
      await until(async () => (stop = await w.proxy.stop()));
      checkParts(stop, 'AbortError', ABORT, fn, cancelled[way]);
      w.terminate();
    });

    if (blocks)
      test(`the text of an error of a worker: the end of the link in \`${way}\``, async () => {
        const w = new Worker(worker('all'));
        w.proxy.never = () => new Promise(() => {});
        await w.ready;
        const stopped = ends(w);
        await rejects(() => w.proxy.failsAndGoesOn(way));
        checkParts(await stopped, 'CoincideError', 'Closed', fn, 'on purpose');
        w.terminate();
      });
  }

  /** By what happens to a call of a worker. */
  const saidToWorkers = {
    'a function that is unknown to a main that has none': [w => w.proxy.call('missing'), 'TypeError', 'UnknownFunction', 'missing', 'at the other end, ', 'no function `missing` is registered', 'registered are: none yet'],
    'a function that is unknown': [w => ((w.proxy.hello = w.proxy.f = () => {}), w.proxy.call('missing')), 'TypeError', 'UnknownFunction', 'missing', 'no function `missing` is registered', 'registered are: f, hello'],
    'an argument that cannot be sent': [w => w.proxy.unsent('f'), 'DataCloneError', CLONE, 'f', 'the arguments of `f` cannot be sent', 'args[0].deep[1]'],
    'a timeout': [w => ((w.proxy.f = forever), w.proxy.callWithin({ timeout: 20 }, 'f')), 'TimeoutError', TIMEOUT, 'f', '`f` did not return in time'],
  };
  for (const [what, [action, ...expected]] of Object.entries(saidToWorkers))
    test(`the text of an error of a worker: ${what}`, async () => {
      const w = new Worker(worker('all'));
      await w.ready;
      checkParts(await action(w), ...expected);
      w.terminate();
    });

  test('an error of coincide that crosses the link is a CoincideError at the other end, alone and as a part', async () => {
    const other = new Worker(worker('all'));
    await other.ready;
    other.terminate();
    const w = new Worker(worker('all'));
    // Thrown by main, and by the worker.
    w.proxy.f = () => other.proxy.echo(1);
    const { isCoincide, code, message, function: fn } = await w.proxy.call('f');
    deepEqual([isCoincide, code, fn], [true, 'Closed', 'echo']);
    assert(message.includes('main has terminated the worker'), message);
    onceBegun(w, () => w.interrupt());
    const thrown = await rejects(() => w.proxy.throwsWhenStopped('begun'), CoincideError);
    deepEqual([thrown.code, thrown.function, thrown.name, thrown.constructor], ['Interrupted', 'check', 'CoincideError', CoincideError]);
    // As values, in both directions.
    const own = new CoincideError('Closed', 'gone', 'f', { cause: new CoincideError('Deadlock', 'inner', 'g') });
    equal(await w.proxy.isCoincide(own), true);
    const [back, { nested }, { cause }] = await w.proxy.echo([own, { nested: own }, new RangeError('outer', { cause: own })]);
    for (const error of [back, nested, cause, cause.cause]) assert(error instanceof CoincideError, String(error));
    deepEqual([back.code, back.message, back.function, back.cause.code], ['Closed', 'gone', 'f', 'Deadlock']);
    // Others keep their own class.
    const named = more => Object.assign(new Error('not ours'), { name: 'CoincideError' }, more);
    for (const error of [named(), named({ code: 'Other' }), named({ code: 5 }), Object.assign(new Error('no name'), { code: 'Closed' })]) {
      equal((await w.proxy.echo(error)) instanceof CoincideError, false);
      equal(await w.proxy.isCoincide(error), false);
    }
    w.terminate();
  });

  if (!blocks)
    test('the stack of an error has the frames of the worker\'s program: a worker that cannot block', async () => {
      const { Worker } = coincide({ tier });
      const w = new Worker(worker('all'));
      await w.ready;
      const { code, stack } = await w.proxy.call('f');
      equal(code, 'CannotBlock');
      checkStack(stack, 'attempt');
      w.terminate();
    });

  if (tier === 'messages' || !coincideWindow) return;

  const root = () => ({
    throwsHere,
    get getter() {
      return throwsHere();
    },
    set setter(value) {
      throwsHere(value);
    },
    Class: class {
      constructor() {
        throwsHere();
      }
    },
    object: {},
    calls: fn => fn(),
  });

  /** By what a worker does with objects of main: the name of the error, the action, and the frames if there are others than the caller's. */
  const ofWindow = {
    'a function that throws': ['RangeError', ({ window }) => window.throwsHere(), ['throwsHere', 'called as window', 'inWorker']],
    'a function that throws, called by `call`': ['RangeError', ({ window }) => window.throwsHere.call(null), ['throwsHere', 'called as window', 'inWorker']],
    'a getter that throws': ['RangeError', ({ window }) => window.getter, ['throwsHere', 'called as window', 'inWorker']],
    'a setter that throws': ['RangeError', ({ window }) => (window.setter = 1), ['throwsHere', 'called as window', 'inWorker']],
    'a constructor that throws': ['RangeError', ({ window }) => new window.Class(), ['throwsHere', 'called as window', 'inWorker']],
    'a source that throws': ['RangeError', ({ ffi }) => ffi.evaluate(() => {
      throw new RangeError('there');
    }), ['called as window', 'inWorker']],
    'an argument that cannot be sent': ['DataCloneError', ({ window }) => window.calls(Symbol('mine'))],
    'a malformed path': ['SyntaxError', ({ ffi, window }) => ffi.query(window, 'a..b')],
    '`post` of an object of the worker': ['TypeError', ({ ffi }) => ffi.post({}, 'f')],
    'an object that was disposed of': ['TypeError', ({ ffi, window }) => {
      const { object } = window;
      ffi.dispose(object);
      return object.x;
    }],
  };

  for (const [what, [name, body, frames = ['inWorker']]] of Object.entries(ofWindow))
    test(`the stack of an error has the frames of the program: window: ${what}`, async () => {
      const { Worker } = coincideWindow({ tier, root: root(), evaluate: true });
      const w = new Worker(worker('window'));
      try {
        const run = `function (scope) { return (function inWorker() { try { (${body})(scope); } catch (error) { return error; } })(); }`;
        const error = await w.proxy.run(`(scope, ...args) => { const { name, stack } = (${run})(scope); return { name, stack }; }`);
        equal(error.name, name);
        checkStack(error.stack, ...frames);
      } finally {
        w.terminate();
      }
    });

  test("the stack of an error has the frames of main's program: window: a malformed path of ffi", async () => {
    const { Worker } = coincideWindow({ tier, root: root() });
    const w = new Worker(worker('window'));
    const error = await theCaller(() => w.ffi.query({}, 'a..b'));
    w.terminate();
    checkError(error, 'SyntaxError', ['theCaller']);
  });

  test('the stack of an error has the frames of main\'s program: window: a function of the worker', async () => {
    const kept = {};
    const { Worker } = coincideWindow({ tier, root: kept });
    const w = new Worker(worker('window'));
    try {
      await w.proxy.run(String(({ window }) => {
        window.fails = function theCallback() {
          throw new RangeError('mine');
        };
      }));
      checkError(await theCaller(() => kept.fails()), 'RangeError', ['theCallback', 'called as a callback', 'theCaller']);
      w.terminate();
      const closed = await theCaller(() => kept.fails());
      checkError(closed, 'CoincideError', ['theCaller']);
      assert(closed.message.startsWith('`a callback`'), closed.message);
    } finally {
      w.terminate();
    }
  });
};

/** What fails in functions of the tests that end with a call. */
const DROPPED = ['a symbol for a name', 'a timeout that is not a number', 'a duration of sleep that is not a number', 'a notification that cannot be sent', 'an interrupt of a computation'];
