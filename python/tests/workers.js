// Workers of both types, started from JavaScript: values, errors, blocking calls and interrupts.
import { calling } from '../runtime/loops.js';
import { PyWorker, relayed, workers } from '../runtime/main.js';
import { open, until } from './open.js';

export default (test, { tier, brief, assert, deepEqual, equal, rejects, throws }) => {
  const blocks = tier !== 'messages';
  /** MicroPython cannot suspend. With `brief`, Pyodide, which takes long to start, runs on one tier. */
  const types = tier === 'suspending' ? ['pyodide'] : ['micropython', ...(brief && tier !== 'shared-memory' ? [] : ['pyodide'])];
  const options = { 'shared-memory': {}, suspending: {}, 'service-worker': { serviceWorker: './sw.js', tier }, messages: { config: { sync_main_only: true } } }[tier];
  const start = async (program, type, more) => {
    await relayed(options.serviceWorker);
    return PyWorker(`./programs/${program}`, { type, ...options, ...more });
  };
  /** Runs a test with a worker of its own. */
  const using = async (body, ...given) => {
    const w = await start(...given);
    try {
      return await body(w);
    } finally {
      w.terminate();
    }
  };

  const prompts = [];
  const input = async prompt => (prompts.push(prompt), 'Ada');
  let onLine = () => {};
  const stdout = line => onLine(line);
  /** The workers of most tests. The first test starts both: an interpreter takes seconds to start. */
  const both = () => (both.started ??= Object.fromEntries(types.map(type => [type, start('all.py', type, { input, stdout, name: `all-${type}` })])));

  for (const type of types) {
    const link = (name, body) =>
      test(`${type}: ${name}`, async () => {
        const w = await both()[type];
        await w.ready;
        return await body(w);
      });
    const blocking = (name, body) => blocks && link(name, body);

    link('values of Python arrive on main with their JavaScript types', async w => {
      equal(w.tier, tier);
      const found = async name => w.sync.values(name);
      deepEqual(await found('none'), null);
      deepEqual(await found('bools'), [true, false]);
      deepEqual(await found('ints'), [0, -1, 2 ** 31, -(2 ** 40), 2n ** 53n, 10n ** 40n, -(10n ** 40n)]);
      deepEqual(await found('floats'), [0, 0.5, -0, 0.1 + 0.2, 1e300, Infinity, -Infinity, NaN]);
      equal(await found('text'), 'naïve \u2603 \u{1f600} "quoted" \\ \n\0');
      deepEqual(await found('bytes'), Uint8Array.from({ length: 256 }, (_, index) => index));
      deepEqual(await found('empty'), new Uint8Array());
      deepEqual(await found('array'), new Float64Array([1.5, -2.5]));
      deepEqual(await found('shorts'), new Uint16Array([1, 65535]));
      deepEqual(await found('nested'), [[1, [2, 3]], { a: { b: [null] } }]);
      deepEqual(await found('dict'), new Map([[1, 'one']]));
      deepEqual(await found('dollar'), new Map([['$', 'int']]));
      deepEqual(await found('set'), new Set([[1, 2]]));
    });

    link('values of JavaScript arrive in the worker with their Python types', async w => {
      const shown = async value => [await w.sync.kind(value), await w.sync.show(value)];
      deepEqual(await shown(undefined), ['NoneType', 'None']);
      deepEqual(await shown(true), ['bool', 'True']);
      deepEqual(await shown(2 ** 40), ['int', '1099511627776']);
      deepEqual(await shown(-(2n ** 80n)), ['int', '-1208925819614629174706176']);
      deepEqual(await shown(0.5), ['float', '0.5']);
      deepEqual(await shown(-Infinity), ['float', '-inf']);
      deepEqual(await shown('a'), ['str', "'a'"]);
      deepEqual(await shown(new Uint8Array([1, 2, 3]).subarray(1)), ['bytes', "b'\\x02\\x03'"]);
      deepEqual(await shown(new Float64Array([1, 2.5])), ['array', "array('d', [1.0, 2.5])"]);
      deepEqual(await shown([1, [null]]), ['list', '[1, [None]]']);
      deepEqual(await shown({ a: { $: 1 } }), ['dict', "{'a': {'$': 1}}"]);
      deepEqual(await shown(new Map([[1, 2]])), ['dict', '{1: 2}']);
      deepEqual(await shown(new Set([[1]])), ['set', '{(1,)}']);
    });

    link('values of JavaScript return from Python unchanged', async w => {
      const huge = [2n ** 70n, -(7n ** 6000n), 2 ** 53, 1e18, -1e21, 5e-324, 0, -0, Math.PI];
      const megabyte = Uint8Array.from({ length: 1 << 20 }, (_, index) => index % 251);
      for (const value of [...huge, huge, megabyte, [megabyte.subarray(0, 3), new Uint8Array()], new Map([[1, { x: [1n << 60n] }]]), new Int16Array([1, -2]), [new Set([0.5])]]) deepEqual(await w.sync.echo(value), value);
      const blob = new Blob(['text']);
      equal(await (await w.sync.echo(blob)).text(), 'text');
      const moment = new Date(1_700_000_000_123);
      if (type === 'pyodide') deepEqual(await w.sync.dates(moment), new Date(moment.getTime() + 86_400_000));
      else equal(await w.sync.dates(moment), 1_700_000_000.123);
    });

    link('refuses a value that cannot be sent, with its path, and the link remains usable', async w => {
      for (const [name, part] of [
        ['function', "`unsendable`: result['items'][1]['on']: a function cannot be sent"],
        ['instance', 'result[0]: a Own cannot be sent'],
        ['loop', "result['deep'][1]: a list that contains itself cannot be sent"],
        ['complex', 'result: a complex cannot be sent'],
        ['deep', "result['deep'][0][0][0]...[0][0][0][0]: what is nested deeper than 60 levels cannot be sent"],
        ['late', 'result[1]: a function cannot be sent'],
      ]) {
        const error = await rejects(() => w.sync.unsendable(name), TypeError);
        assert(error.message.includes(part), error.message);
      }
      equal(await w.sync.echo(1), 1);
    });

    link('errors of Python keep class, message and traceback on main', async w => {
      const error = await rejects(() => w.sync.fails('value'), Error);
      deepEqual([error.name, error.message], ['ValueError', 'on purpose']);
      assert(error.stack.includes('Traceback') && error.stack.includes('in fails'), error.stack);
      const own = await rejects(() => w.sync.fails('own'));
      equal(own.name, 'OwnError');
      deepEqual(own.python.classes.slice(0, 2), ['OwnError', 'ValueError']);
      equal((await rejects(() => w.sync.fails('key'))).name, 'KeyError');
      assert((await rejects(() => w.sync.fails('name'))).message.includes('nowhere_defined'));
      const late = await rejects(() => w.sync.fails_later());
      deepEqual([late.name, late.message], ['ValueError', 'late']);
    });

    link('an interrupt of an idle worker has no effect', async w => {
      w.interrupt();
      equal(await w.sync.counts(300_000), 300_000);
    });

    link('async functions run concurrently, and main awaits their results', async w => {
      deepEqual(await Promise.all([w.sync.later(1), w.sync.later('two'), w.sync.echo(3)]), [1, 'two', 3]);
    });

    link('results of async functions survive garbage collections', async w => {
      const calls = Array.from({ length: 300 }, (_, index) => index);
      deepEqual(await Promise.all(calls.map(index => w.sync.later(index))), calls);
    });

    link('time.sleep blocks for its duration', async w => {
      assert((await w.sync.sleeps(0.1)) >= 0.09);
    });

    link('calling an unknown function rejects with a TypeError', async w => {
      await rejects(() => w.sync.nowhere(), TypeError);
    });

    if (!blocks)
      link('calling main from a worker that cannot block raises an error with the reason', async w => {
        w.sync.hello = () => 'hello';
        const { class: name, text } = await w.sync.attempt('hello');
        equal(name, 'RuntimeError');
        assert(/cannot block/.test(text), text);
      });

    blocking('functions of main, sync and async, return values to Python', async w => {
      w.sync.hello = (...args) => ['Hello', ...args];
      deepEqual(await w.sync.call('hello', 'PyScript', { a: 2n ** 65n }), ['Hello', 'PyScript', { a: 2n ** 65n }]);
      w.sync.hello = async name => new Promise(resolve => setTimeout(resolve, 10, `later, ${name}`));
      equal(await w.sync.call('hello', 'x'), 'later, x');
    });

    blocking('errors of main are raised as errors of Python', async w => {
      w.sync.bad = kind => {
        throw Object.assign(kind === 'type' ? new TypeError('wrong') : kind === 'dom' ? new DOMException('gone', 'NotFoundError') : 'text', {});
      };
      const type = await w.sync.attempt('bad', 'type');
      deepEqual([type.class, type.text], ['TypeError', 'wrong']);
      assert(type.remote.includes('workers.js'), type.remote);
      equal((await w.sync.attempt('bad', 'dom')).class, 'NotFoundError');
      equal((await w.sync.attempt('bad', '')).text, 'text');
      equal((await w.sync.attempt('nowhere_on_main')).class, 'TypeError');
    });

    blocking('an error of Python returns from main unchanged', async w => {
      w.sync.through = async () => w.sync.fails('own');
      const found = await w.sync.attempt('through');
      deepEqual([found.class, found.isValueError, found.text], ['OwnError', true, 'of its own class']);
      assert(found.remote.includes('in fails'), found.remote);
    });

    blocking('refuses an argument that cannot be sent, with its path, and calls nothing', async w => {
      let calls = 0;
      w.sync.take = () => calls++;
      const { class: name, text } = await w.sync.send_function();
      deepEqual([name, text, calls], ['TypeError', "`take`: args[0]['items'][1]['on']: a function cannot be sent", 0]);
    });

    blocking('refuses named arguments', async w => {
      const { class: name, text } = await w.sync.send_named();
      deepEqual([name, text], ['TypeError', "`take`: arguments are sent by their places, and `size` is given by name"]);
    });

    blocking('main awaits a nested call of the worker that is blocked in a call of main', async w => {
      w.sync.back = async number => 2 * (await w.sync.echo(number));
      equal(await w.sync.nested(20), 41);
    });

    blocking('a call that arrives while the worker computes runs in its next blocking call', async w => {
      let call;
      const begun = new Promise(resolve => (w.sync.begun = resolve));
      w.sync.back = async () => (await call) + 1;
      const result = w.sync.computes_and_calls(500_000);
      await begun;
      call = w.sync.echo(41);
      equal(await result, 42);
    });

    blocking('input() calls `input` of main with its prompt', async w => {
      equal(await w.sync.reads_input(), 'Ada');
      equal(prompts.at(-1), 'Your name? ');
    });

    blocking('an interrupt raises KeyboardInterrupt in a computing, sleeping or blocked worker', async w => {
      for (const what of ['computes', 'sleeps', 'waits']) {
        const begun = new Promise(resolve => (w.sync.begun = resolve));
        w.sync.never = () => new Promise(() => {});
        const ended = w.sync.runs_until_interrupted(what);
        await begun;
        await new Promise(resolve => setTimeout(resolve, 20));
        w.interrupt();
        equal(await ended, 'KeyboardInterrupt');
      }
      equal(await w.sync.echo('alive'), 'alive');
    });

    link('output of a running worker arrives on main, and an interrupt ends the worker', async w => {
      for (const what of ['computes', 'does nothing', 'sleeps']) {
        const begun = new Promise(resolve => (onLine = resolve));
        const ended = w.sync.prints_and_runs(what);
        equal(await begun, 'begun');
        w.interrupt();
        equal(await ended, 'KeyboardInterrupt');
      }
      equal(await w.sync.counts(300_000), 300_000);
    });

    for (const [name, action, expected] of [
      ['the same object of the page is equal to itself', 'identity', true],
      ['a listener of Python receives events until it is removed', 'listens', ['click']],
      ['dictionaries and lists become objects and arrays of the page', 'passes', ['{"a":[1,{"b":"c"}]}', 1]],
      ['a query of a path takes one round trip', 'queries', ['queried', 1]],
      ['await waits for promises of the page', 'awaits', [5, 404]],
    ])
      blocking(`window: ${name}`, async w => deepEqual(await w.sync[action](), expected));

    test(`${type}: terminate rejects pending and later calls`, async () => {
      const w = await both()[type];
      const never = w.sync.later(1);
      w.terminate();
      for (const action of [() => never, () => w.sync.echo(1)]) assert((await rejects(action)).message.includes('terminated'));
    });
  }

  if (blocks && types.includes('pyodide'))
    test('pyodide: window: objects of the page have the operations of JsProxy', () =>
      using(async w => {
        await w.ready;
        deepEqual(await w.sync.objects(), OBJECTS);
        if (tier !== 'suspending') return;
        // JavaScript calls one function synchronously, and awaits the other.
        w.sync.take = value => value + 1;
        const [called, waited] = await w.sync.from_javascript();
        assert(/^`sync.take` cannot wait here: JavaScript has called this function synchronously.*Make the function `async`/.test(called), called);
        equal(waited, 2);
      }, 'page_objects.py', 'pyodide'));

  if (tier === 'suspending') return;

  test('a program that raises is ready with the functions that it set before', () =>
    using(async w => {
      equal(await w.ready, w);
      equal(await w.sync.early(), 'early');
    }, 'broken.py', 'micropython'));

  test('a missing program rejects `ready` with its address', () =>
    using(async w => {
      const early = rejects(() => w.sync.anything());
      assert(/none\.py cannot be loaded: 404/.test((await rejects(() => w.ready)).message));
      assert(/404/.test((await early).message));
    }, 'none.py', 'micropython'));

  for (const [what, program, expected] of [
    ['that is not defined', 'exports-nothing.py', '`__export__` names `nowhere`, which is not defined'],
    ['that is not a list', 'exports-text.py', '`__export__` is a list of names, such as ["version"], and is \'version\''],
    ['that is not a function', 'exports-number.py', '`answer` is to be called by the other side, and is an int'],
  ])
    test(`an export ${what} rejects \`ready\` with the reason`, () =>
      using(async w => {
        const { message } = await rejects(() => w.ready);
        assert(message.includes(expected), message);
      }, program, 'micropython'));

  test('PyWorker throws at once for an unknown type and a name in use', async () => {
    for (const type of [undefined, 'py', 'toString']) throws(() => PyWorker('./programs/named.py', { type }), TypeError);
    const late = workers.ada;
    await using(async w => {
      const proxy = await late;
      equal(await proxy.hello('Ada'), 'Hello, Ada');
      equal(throws(() => PyWorker('./programs/named.py', { type: 'micropython', name: 'ada' })).code, 'NameTaken');
      equal(await w.sync.hello('x'), 'Hello, x');
    }, 'named.py', 'micropython', { name: 'ada' });
  });

  test('a configuration is an object, JSON, TOML or the address of a file', async () => {
    const found = { answer: 42, list: ['a', 'b'] };
    for (const config of [found, JSON.stringify(found), 'answer = 42\nlist = ["a", "b"]', './programs/configured.toml'])
      await using(async w => deepEqual(await w.sync.config(), found), 'configured.py', 'micropython', { config });
    throws(() => PyWorker('./programs/configured.py', { type: 'micropython', config: 'neither = ' }), SyntaxError);
    for (const config of [{ packages: ['numpy'] }, 'packages = ["numpy"]'])
      assert(throws(() => PyWorker('./programs/configured.py', { type: 'micropython', config }), TypeError).message.startsWith('`packages` is in the configuration'));
    await using(async w => assert((await rejects(() => w.ready)).message.includes('404')), 'configured.py', 'micropython', { config: './none.toml' });
  });

  if (tier === 'shared-memory') {
    test('the wasm of an interpreter is instrumented to read the clock, and other modules are refused', async () => {
      const wasm = new Uint8Array(await (await fetch(new URL('../node_modules/@micropython/micropython-webassembly-pyscript/micropython.wasm', import.meta.url))).arrayBuffer());
      assert(WebAssembly.validate(calling(wasm, 'mp_js_ticks_ms', 10_000)), 'the module is not valid');
      assert(WebAssembly.validate(calling(wasm, '_abort_js', -1)), 'without a result the module is not valid');
      for (const [module, name, message] of [
        [wasm, 'nowhere', 'the module imports no nowhere'],
        [wasm, 'lookup_attr', 'what is called takes no arguments'],
        [wasm.subarray(0, 100_000), 'mp_js_ticks_ms', 'the module ends too early'],
        [wasm.subarray(0, 8), 'mp_js_ticks_ms', 'the module has no section 1'],
        [NO_INTERPRETER, 'look', 'the module has no switch that is the one of an interpreter'],
      ])
        equal(throws(() => calling(module, name, 1), Error).message, message);
    });

    for (const [name, page] of [['MicroPython', 'main'], ['Pyodide', 'main-pyodide']])
      test(`${name} runs on the page and exchanges values and errors with a worker`, async () => {
        const said = await open(`./programs/${page}.html`);
        await until(() => said.lines.includes('done') || said.errors.length > 0);
        deepEqual([said.lines.filter(line => !line.startsWith('ok ')), said.errors], [['done'], []]);
        assert(said.lines.length > 12, said.lines.join());
        said.frame.remove();
      });

    test('programs of a page run in order, and async programs run concurrently', async () => {
      const said = await open('./programs/async.html');
      await until(() => said.lines.includes('async') || said.errors.length > 0);
      await new Promise(resolve => setTimeout(resolve, 100));
      deepEqual([said.lines.sort(), said.errors], [['async', 'first'], []]);
      said.frame.remove();
    });

    test('script tags of all forms run their programs and report their errors', async () => {
      const said = await open('./programs/tags.html');
      const failed = [];
      const { contentDocument: page } = said.frame;
      page.addEventListener('error', ({ error, target }) => failed.push([target.outerHTML.split('>')[0], error?.message]));
      await until(() => said.lines.includes('after all of them') && said.lines.includes('42') && failed.length > 5 && said.errors.length >= failed.length);
      deepEqual(said.lines.sort(), ['42', 'after all of them', 'an element']);
      for (const [tag, message] of [
        ['<script type="mpy" worker="" name="of-an-element"', 'a worker named `of-an-element` is running already'],
        ['<script type="mpy" worker="./named.py"', 'the attribute `worker` has no value'],
        ['<script type="mpy" worker="" src=""', 'the attribute `src` is empty'],
        ['<script type="mpy" worker="" src="./none.py"', 'programs/none.py cannot be loaded: 404'],
        ['<script type="mpy" src="./none.py"', 'programs/none.py cannot be loaded: 404'],
        ['<script type="mpy" worker="" config="neither = "', 'the configuration is neither JSON nor TOML'],
      ]) {
        const found = failed.find(([where]) => where === tag);
        assert(found?.[1].includes(message), `${tag}: ${found}; of ${JSON.stringify(failed)}`);
        assert(said.errors.some(line => line.includes(message)), `the console doesn't show ${message}`);
      }
      equal(failed.length, 6);
      said.frame.remove();
    });

    test('a page without `input` shows a form for it', () =>
      using(async w => {
        const answer = w.sync.reads_input();
        await until(() => document.querySelector('.py-input input'));
        const form = document.querySelector('.py-input');
        equal(form.textContent, 'Your name? ');
        form.querySelector('input').value = 'Grace';
        form.requestSubmit();
        equal(await answer, 'Grace');
        equal(document.querySelector('.py-input'), null);

        const unanswered = w.sync.reads_input();
        await until(() => document.querySelector('.py-input input'));
        w.interrupt();
        equal((await rejects(() => unanswered)).name, 'KeyboardInterrupt');
        equal(document.querySelector('.py-input'), null);
      }, 'all.py', 'micropython'));
  }
};

/** Expected results of `objects` of `page_objects.py`, on every tier. */
const OBJECTS = {
  attributes: [7, 2, true, null, true, false, 'AttributeError'],
  items: ['first', 'two', ['two'], 1, 1, 'b'],
  'no items': ['IndexError', 'KeyError', 'TypeError'],
  lengths: [4, 2, 2, 'TypeError'],
  truth: [false, true, true, true, true, true, false],
  in: [true, false, true, false, true],
  iteration: [['a', 'b'], [5], ['TypeError'], ['a', 'b']],
  equality: [true, false, false, true, 'TypeError'],
  calls: [3, 3, 7, true, 'AttributeError', 'JsException'],
  text: ['[object HTMLUListElement]', '[object HTMLUListElement]', 'first,two'],
  keys: [['fresh', 'x', 'y'], 3, true],
  converted: [{ x: 2, y: { z: [2] }, fresh: true }, ['two', [3]], 1, true, 2],
  heard: [1, 1, 2],
  deleted: [false, 1, 'two'],
};

/** A module with one import, `look`, one global and one function, which calls `look`. */
const NO_INTERPRETER = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04, 0x01, 0x60, 0x00, 0x00, 0x02, 0x0c, 0x01, 0x03, 0x65, 0x6e, 0x76, 0x04, 0x6c, 0x6f, 0x6f, 0x6b, 0x00, 0x00,
  0x03, 0x02, 0x01, 0x00, 0x06, 0x06, 0x01, 0x7f, 0x01, 0x41, 0x00, 0x0b, 0x0a, 0x06, 0x01, 0x04, 0x00, 0x10, 0x00, 0x0b,
]);
