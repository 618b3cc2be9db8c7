// Workers that the program creates: `wrap`, and the announcement of the worker.
import { ends } from '../modules/link/loop.js';
import { pause, until } from './link.kit.mjs';
import { skip } from './suite.mjs';

export default (register, { coincide: made, coincideWindow, inner, inlineUrl, worker, tier, serviceWorker, node, runtime, assert, equal, deepEqual, rejects, throws }) => {
  const test = (name, body) => register(`${tier}: wrap: ${name}`, body);
  const usual = { tier, serviceWorker, promises: tier === 'messages' };
  const main = options => made({ ...usual, ...options });
  const { wrap, workers, Worker: Own } = main();

  /** A worker of the platform, and its class. */
  const Platform = node ? undefined : globalThis.Worker;
  const classOf = async () => Platform ?? (await import('node:worker_threads')).Worker;
  const plain = async (how, { Class, ...options } = {}) => new (Class ?? (await classOf()))(scriptOf(how), { type: 'module', workerData: how, ...options });
  const scriptOf = how => {
    const url = worker(how.includes('.') ? how.slice(1) : 'starts');
    if (!how.includes('.')) url.search = how;
    return url;
  };
  const listen = (w, listener) => (node ? w.on('message', listener) : w.addEventListener('message', ({ data }) => listener(data)));
  const heard = w => new Promise(resolve => listen(w, resolve));

  /** By what the worker does: what main does between creating and wrapping it, and the expected results of `checks`. */
  const ways = {
    'imports coincide at its top': { how: '.all' },
    'imports coincide late': { how: 'late' },
    'is wrapped late': { how: 'atOnce', before: () => pause(150) },
    'imports coincide on a message': { how: 'onMessage', before: w => w.postMessage('load'), threads: true },
    'posts a message before it imports coincide': { how: 'posts', after: async w => (await heard(w), w.postMessage('load')) },
    'posts a message before it is wrapped': { how: 'posts', before: async w => (await heard(w), w.postMessage('load'), pause(50)) },
    'calls `coincide()` several times': { how: 'twice', checks: [true, true, ['Options', true]] },
    'imports both entries': { how: 'both', checks: [false, true, true], made: options => coincideWindow({ ...usual, root: {}, ...options }) },
    'is a classic script': { how: 'late', options: { type: 'classic' }, pages: true },
    'has two copies of coincide': { how: 'copies', checks: [true, 'Copies', 'Copies'] },
    'has two copies of coincide, the first one with `window`': { how: 'copiesWithWindow', checks: [true, true, 'Copies'], made: options => coincideWindow({ ...usual, root: {}, ...options }) },
    'posts forged messages of main': { how: 'forges', forged: true },
  };
  for (const [name, { how, before, after, checks, options, pages, threads, forged, made = main }] of Object.entries(ways))
    test(`a worker that ${name}`, async () => {
      if (pages && node) return skip('Node.js has no such workers');
      // The script has to listen before the message arrives. `posts` tests the same in both.
      if (threads && !node) return skip('a browser drops messages before a script listens');
      const w = await plain(how, options);
      await before?.(w);
      const given = Reflect.ownKeys(w);
      const wrapped = made().wrap(w);
      equal(wrapped, w);
      deepEqual(Object.keys(w).filter(key => !given.includes(key)), ['proxy']);
      await after?.(w);
      const sum = w.within({ timeout: 20_000 }).add(1, 2);
      // The worker may have broken its own link, and no other one.
      if (forged) sum.catch(() => {});
      else {
        equal(await sum, 3);
        equal(w.tier, tier);
        assert((await w.ready).includes('add'));
        if (checks) deepEqual(await w.proxy.checks(), checks);
        w.proxy.hello = name => `Hello, ${name}`;
        if (how === '.all') deepEqual(await w.proxy.call('hello', 'PyScript'), { value: 'Hello, PyScript' });
      }
      const pending = forged ? sum : w.proxy.missing();
      w.terminate();
      await rejects(() => pending);
      equal((await rejects(() => w.proxy.add(1, 2))).code, 'Closed');
    });

  if (inlineUrl && !node)
    test('a program may replace `Worker` by a subclass before coincide is imported', async () => {
      const { Worker } = globalThis;
      globalThis.Worker = class extends Worker {};
      try {
        const { default: coincide } = await import(`${inlineUrl}?replaced=${tier}`);
        for (const Class of [Worker, globalThis.Worker]) {
          const w = coincide(usual).wrap(await plain('atOnce', { Class }));
          equal(await w.proxy.add(1, 2), 3);
          w.terminate();
        }
      } finally {
        globalThis.Worker = Worker;
      }
    });

  test('a worker is wrapped once, and other options are refused', async () => {
    const w = wrap(await plain('atOnce'), { name: 'once' });
    const { proxy, ready } = w;
    for (const again of [() => wrap(w), () => main().wrap(w), () => wrap(w, { name: 'once' }), () => main({ strict: false }).wrap(w)]) equal(again(), w);
    deepEqual([w.proxy === proxy, w.ready === ready], [true, true]);
    for (const [again, part] of [
      [() => wrap(w, { name: 'other' }), 'name'],
      [() => wrap(w, { serviceWorker: './other.js' }), 'serviceWorker'],
      [() => main({ strict: true }).wrap(w), 'strict'],
    ]) {
      const { code, message } = throws(again);
      equal(code, 'Options');
      assert(message.includes(`another \`${part}\``), message);
    }
    for (const other of [inner, coincideWindow]) equal(throws(() => other(usual).wrap(w)).code, 'Copies');
    equal(await workers.once, proxy);
    equal(await w.proxy.add(1, 2), 3);
    equal(throws(() => wrap(w, { name: 'other' })).code, 'Options');
    w.terminate();
    deepEqual(Object.keys(workers), []);
    const own = new Own(scriptOf('atOnce'), { workerData: 'atOnce' });
    equal(wrap(own), own);
    own.terminate();
  });

  test('`wrap` refuses values that are not workers, and names what to pass', async () => {
    const { port1, port2 } = new MessageChannel();
    port2.close();
    const wrong = [
      [undefined, 'undefined'],
      [null, 'null'],
      ['./worker.js', 'not the address of a script'],
      [new URL('https://example.org/worker.js'), 'not the address of a script'],
      [await classOf(), 'pass an instance'],
      [port1, 'not a port to it'],
      [{ postMessage() {} }, 'pass'],
      [{ postMessage() {}, terminate() {} }, 'pass'],
      [Object.create(null), 'something that cannot be shown'],
      [new Proxy({}, { get() { throw new Error('boom'); } }), 'something that cannot be shown'],
    ];
    const real = await plain('never');
    const { prototype } = await classOf();
    for (const like of [Object.create(prototype), Object.create(real), new Proxy(real, {}), Object.create(new Proxy(real, {}))]) wrong.push([like, 'not a `Proxy` of it']);
    wrong.push([new Proxy(real, { getPrototypeOf() { throw new Error('boom'); } }), 'pass']);
    if (!node) {
      const shared = new SharedWorker(URL.createObjectURL(new Blob()));
      wrong.push([{ [Symbol.toStringTag]: 'Worker', postMessage() {} }, 'an object that resembles it'], [Promise.resolve(), 'not a promise of it']);
      wrong.push([shared, 'SharedWorker serves several pages'], [shared.port, 'not a port to it']);
    }
    for (const [value, part] of wrong) {
      const error = throws(() => wrap(value), TypeError);
      assert(error.message.startsWith('`wrap` takes a worker: ') && error.message.includes(part), error.message);
    }
    port1.close();
    deepEqual([real.within, real.ready], [undefined, undefined]);
    real.terminate();
    const w = await plain('never');
    for (const options of [null, 'name', 5]) throws(() => wrap(w, options), TypeError);
    equal(throws(() => wrap(w, { tier: 'telepathy' })).name, 'TypeError');
    // Node.js cannot end a frozen worker itself.
    for (const lock of [node ? Object.preventExtensions : Object.freeze, w => Object.defineProperty(w, 'proxy', { value: 1 })]) {
      const locked = await plain('never');
      lock(locked);
      assert(throws(() => wrap(locked), TypeError).message.includes('`wrap` cannot add `proxy`'));
      deepEqual([locked.within, locked.ready], [undefined, undefined]);
      locked.terminate();
    }
    // The refusal has changed nothing, so the worker can be wrapped.
    deepEqual(Object.keys(wrap(w)).includes('proxy'), true);
    w.terminate();
  });

  for (const [name, when] of [['before `wrap`', 'before'], ['after `wrap`', 'after'], ['once there is a link', 'linked']])
    test(`messages of the program that are posted ${name} arrive in order, and those of coincide are invisible`, async () => {
      for (const how of ['listensLater', 'listens']) {
        const w = await plain(how);
        const seen = [];
        if (node) listen(w, data => seen.push(data));
        else w.onmessage = ({ data }) => seen.push(data);
        const post = () => [1, 2, 3].forEach(i => w.postMessage({ i }));
        if (when === 'before') post();
        wrap(w);
        if (when === 'after') post();
        await w.ready;
        if (when === 'linked') post();
        // A browser drops those that arrive before the script listens.
        if (when !== 'before' || node) {
          await until(async () => (await w.proxy.seen()).length >= 3);
          deepEqual(await w.proxy.seen(), [{ i: 1 }, { i: 2 }, { i: 3 }]);
        } else {
          const all = await w.proxy.seen();
          assert(all.every(({ i }) => i > 0), JSON.stringify(all));
        }
        deepEqual(seen, []);
        w.terminate();
      }
    });

  test('a worker that adds its listener late receives messages that were posted before `wrap` once', async () => {
    const w = await plain('.all');
    w.postMessage('first');
    w.postMessage('second', []);
    wrap(w);
    let all = [];
    while (all.length < 2) all = await w.proxy.heard();
    await pause(20);
    deepEqual(await w.proxy.heard(), ['first', 'second']);
    w.terminate();
  });

  test('a wrapped instance of a class of the program keeps its methods, and coincide posts without them', async () => {
    const Base = await classOf();
    const calls = [];
    class Mine extends Base {
      postMessage(message, ...rest) {
        calls.push(message);
        return super.postMessage({ envelope: message }, ...rest);
      }
      terminate() {
        calls.push('terminate');
        return super.terminate();
      }
    }
    const w = wrap(await plain('listensLater', { Class: Mine }));
    await w.ready;
    w.postMessage(1);
    let all = [];
    while (all.length < 1) all = await w.proxy.seen();
    deepEqual(all, [{ envelope: 1 }]);
    w.terminate();
    deepEqual(calls, [1, 'terminate']);
  });

  for (const [name, replace] of [
    ['a function', post => (message, ...rest) => post({ envelope: message }, ...rest)],
    ['a bound function', post => function (message) { this({ envelope: message }); }.bind(post)],
    ['a `Proxy`', post => new Proxy(post, { apply: (_, worker, [message]) => post({ envelope: message }) })],
  ])
    test(`\`postMessage\` that the program has replaced by ${name}, before or after \`wrap\`, posts its messages and none of coincide`, async () => {
      for (const isBefore of [true, false]) {
        const w = await plain('listensLater');
        const patch = () => {
          const { postMessage } = w;
          w.postMessage = replace((...message) => postMessage.apply(w, message));
        };
        if (isBefore) patch();
        wrap(w);
        if (!isBefore) patch();
        await w.ready;
        w.postMessage(1);
        let all = [];
        while (all.length < 1) all = await w.proxy.seen();
        deepEqual(all, [{ envelope: 1 }]);
        w.terminate();
      }
    });

  test('a message that cannot be posted throws at once and does not delay later ones', async () => {
    const w = wrap(await plain('listensLater'));
    const wrong = [
      [{ get x() { throw new RangeError('boom'); } }],
      [() => {}],
      [1, [{}]],
      [1, { get transfer() { throw new RangeError('boom'); } }],
    ];
    const post = () => wrong.map(message => throws(() => w.postMessage(...message)).name);
    const held = post();
    w.postMessage('held');
    await w.ready;
    const linked = post();
    w.postMessage('linked');
    deepEqual([held[0], held[1], linked[0], linked[1]], ['RangeError', 'DataCloneError', 'RangeError', 'DataCloneError']);
    let all = [];
    while (all.length < 2) all = await w.proxy.seen();
    deepEqual(all, ['held', 'linked']);
    w.terminate();
  });

  test('events whose data throws when it is read reach the listeners of the program, on main and in the worker', async () => {
    const w = wrap(await plain(node ? 'listensLater' : 'dispatches'));
    let seen = 0;
    listen(w, () => seen++);
    const dispatch = data => (node ? w.emit('message', data) : w.dispatchEvent(new MessageEvent('message', { data })));
    for (const isLinked of [false, true]) {
      if (isLinked) await w.ready;
      dispatch({ get 'coincide:packet:1'() { throw new RangeError('boom'); } });
      dispatch(new Proxy({}, { get() { throw new RangeError('boom'); } }));
    }
    equal(seen, 4);
    if (!node) equal(await w.proxy.seen(), 8);
    equal(await w.proxy.add(1, 2), 3);
    w.terminate();
  });

  test('the class `Worker` starts a module unless another type is named', async () => {
    const w = new Own(worker('all'), { type: undefined });
    equal(await w.proxy.echo(1), 1);
    w.terminate();
  });

  test('a class that extends the `Worker` of coincide overrides its members', async () => {
    const calls = [];
    class Mine extends Own {
      terminate() {
        calls.push('terminate');
        return super.terminate();
      }
    }
    const w = new Mine(scriptOf('atOnce'), { workerData: 'atOnce' });
    equal(await w.proxy.add(1, 2), 3);
    w.terminate();
    deepEqual(calls, ['terminate']);
    throws(() => Own.prototype.ready, TypeError);
  });

  test('a worker that was terminated before `wrap` or right after it rejects its calls', async () => {
    const before = await plain('atOnce');
    await before.terminate();
    wrap(before);
    // A browser does not tell that a worker has ended.
    if (node) equal((await rejects(() => before.ready)).code, 'Closed');
    before.terminate();
    equal((await rejects(() => before.proxy.add(1, 2))).code, 'Closed');
    const after = wrap(await plain('atOnce'));
    const call = rejects(() => after.proxy.add(1, 2));
    after.terminate();
    equal((await call).code, 'Closed');
  });

  test('workers that are wrapped and terminated are released', async () => {
    if (tier !== 'shared-memory') return skip('it is the same on all tiers');
    const { wrap, workers } = inner({ tier });
    const before = ends.size;
    for (let i = 0; i < 100; i++) {
      const w = wrap(await plain('atOnce'), { name: `w${i}` });
      // At each stage of the beginning.
      if (i >= 12) {
        w.terminate();
        continue;
      }
      if (i % 4 === 1) await pause(i);
      if (i % 4 === 2) await w.ready;
      if (i % 4 === 3) await w.proxy.add(1, 2);
      w.terminate();
    }
    await until(() => ends.size <= before);
    deepEqual(Object.keys(workers), []);
  });

  test('`wrap` takes a worker of another frame', async () => {
    if (node) return skip('there are no frames');
    const frame = document.createElement('iframe');
    frame.srcdoc = '<p>';
    const loaded = new Promise(resolve => (frame.onload = resolve));
    document.body.append(frame);
    await loaded;
    const { Worker: Class } = frame.contentWindow;
    const w = wrap(await plain('atOnce', { Class }));
    equal(await w.proxy.add(1, 2), 3);
    w.terminate();
    frame.remove();
  });

  if (tier !== 'shared-memory') return;

  test('a thread exits when its work is done, unless it has functions that main may call', async () => {
    if (!node) return skip('a browser keeps workers');
    const exits = w => new Promise(resolve => w.on('exit', resolve));
    let answer;
    const working = wrap(await plain('isDone'));
    working.proxy.slow = () => new Promise(resolve => (answer = resolve));
    const [worked, said] = [exits(working), heard(working)];
    while (!answer) await pause(5);
    equal(await Promise.race([worked, pause(100)]), undefined);
    answer();
    deepEqual([await said, await worked], ['done', 0]);
    const { code, message } = await rejects(() => working.proxy.add(1, 2));
    equal(code, 'Closed');
    assert(message.endsWith('the thread of the worker has exited with code 0'), message);
    const serving = wrap(await plain('takesBack'));
    await serving.ready;
    const served = exits(serving);
    equal(await Promise.race([served, pause(100)]), undefined);
    equal(await serving.proxy.add(1, 2), 3);
    await serving.proxy.leave('a callback');
    equal(await Promise.race([served, pause(100)]), undefined);
    await serving.proxy['a callback']();
    equal(await served, 0);
    for (const [how, end] of [['imports', 'has exited with code 0'], ['nothing', 'has exited with code 0, before it has imported `coincide/worker`']]) {
      const w = wrap(await plain(how));
      const { message } = await rejects(() => w.ready);
      assert(message.endsWith(end), message);
    }
  });

  test('`ref` and `unref` of a wrapped thread decide whether it keeps the process', async () => {
    if (!node) return skip('there are no processes');
    const { spawnSync } = await import('node:child_process');
    const { execPath } = await import('node:process');
    const outcome = refs => {
      const script = `(async () => {
        const { default: coincide } = await import(${JSON.stringify(new URL('../pkg/main.node.js', import.meta.url))});
        const { Worker } = await import('node:worker_threads');
        const w = coincide().wrap(new Worker(new URL(${JSON.stringify(worker('starts'))}), { workerData: 'atOnce' }));
        await w.ready;
        ${refs}
        setTimeout(() => (console.log('kept'), w.terminate()), 100).unref();
      })()`;
      const { status, stdout, stderr } = spawnSync(execPath, [runtime === 'deno' ? 'eval' : '-e', script], { encoding: 'utf8' });
      return [status, stdout.trim(), stderr];
    };
    deepEqual(['', 'w.unref()', 'w.unref(); w.ref()'].map(outcome), [[0, 'kept', ''], [0, '', ''], [0, 'kept', '']]);
  });

  test('a thread that is terminated many times has no listeners for it', async () => {
    if (!node) return skip('there are no threads');
    const w = wrap(await plain('atOnce'));
    await w.ready;
    const before = w.listenerCount('exit');
    const ends = Array.from({ length: 20 }, () => w.terminate());
    // Deno and Bun add none.
    equal(w.listenerCount('exit') - before, runtime === 'node' ? 1 : 0);
    await Promise.all(ends);
  });

  test('a worker whose policy forbids wasm reports it, unless the browser runs the module that main has compiled', async () => {
    if (node) return skip('there are no policies');
    const frame = document.createElement('iframe');
    frame.srcdoc = `<meta http-equiv="Content-Security-Policy" content="script-src 'unsafe-inline' blob: ${location.origin}">`;
    const loaded = new Promise(resolve => (frame.onload = resolve));
    document.body.append(frame);
    await loaded;
    const { Blob, URL: Addresses, Worker: Class } = frame.contentWindow;
    const code = `import coincide from ${JSON.stringify(new URL('../pkg/worker.js', import.meta.url).href)};
      const { proxy } = await coincide();
      proxy.add = (a, b) => a + b;`;
    const w = wrap(new Class(Addresses.createObjectURL(new Blob([code], { type: 'text/javascript' })), { type: 'module' }));
    const told = await w.proxy.add(1, 2).catch(({ message }) => message);
    assert(String(told).includes("add `'wasm-unsafe-eval'` to its `script-src`") || (told === 3 && !/Firefox/.test(navigator.userAgent)), String(told));
    w.terminate();
    frame.remove();
  });

  test('`coincide()` of `coincide/worker` rejects without a main, and names where to call it', async () => {
    const { default: coincide } = await import(node ? '../pkg/worker.node.js' : '../pkg/worker.js');
    const found = [await rejects(() => coincide())];
    if (!node) {
      const code = `import coincide from ${JSON.stringify(new URL('../pkg/worker.js', import.meta.url).href)};
        const told = coincide().catch(({ code, message }) => ({ code, message }));
        onconnect = async ({ ports: [port] }) => port.postMessage(await told);`;
      const { port } = new SharedWorker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })), { type: 'module' });
      const told = new Promise(resolve => (port.onmessage = ({ data }) => resolve(data)));
      found.push(await told, await inWorklet('worker.js', 'coincide()'));
    }
    const places = node ? ['main thread of Node.js'] : ['a page, on which `coincide/main` belongs', 'a SharedWorker', 'a worklet'];
    deepEqual(found.map(({ code, message }, at) => [code, message.includes(places[at])]), places.map(() => ['Misplaced', true]));
  });

  /** The error of an expression in an AudioWorklet that has imported an entry. */
  const inWorklet = async (entry, expression) => {
    const code = `import coincide from ${JSON.stringify(new URL(`../pkg/${entry}`, import.meta.url).href)};
      const told = (async () => ${expression})().catch(({ name, code, message }) => ({ name, code, message }));
      registerProcessor('told', class extends AudioWorkletProcessor {
        constructor() {
          super();
          told.then(found => this.port.postMessage(found));
        }
        process() {}
      });`;
    const context = new OfflineAudioContext(1, 128, 44_100);
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
    const { port } = new AudioWorkletNode(context, 'told');
    const told = new Promise(resolve => (port.onmessage = ({ data }) => resolve(data)));
    context.startRendering();
    return told;
  };

  test('`coincide/main` in a worklet throws, since it has no workers', async () => {
    if (node) return skip('there are no worklets');
    const { name, message } = await inWorklet('main.js', "new (coincide().Worker)('./worker.js')");
    equal(name, 'TypeError');
    assert(message.includes('this environment has no `Worker`'), message);
  });

  for (const [name, policy, part] of [
    ['wasm', "script-src 'unsafe-inline' ORIGIN", "add `'wasm-unsafe-eval'` to its `script-src`"],
    ['its script', "worker-src 'none'", 'allow it in `worker-src`'],
    ['the file of the wasm', "connect-src 'none'", '`connect-src` of the page'],
  ])
    test(`a policy that forbids ${name} is named`, async () => {
      if (node) return skip('there are no policies');
      const frame = document.createElement('iframe');
      frame.srcdoc = `<meta http-equiv="Content-Security-Policy" content="${policy.replace('ORIGIN', location.origin)}">
        <script type="module">
          import coincide from '${new URL('../pkg/main.js', import.meta.url)}';
          const { diagnose, wrap } = coincide();
          let w;
          try {
            w = wrap(new Worker('${scriptOf('atOnce')}', { type: 'module' }));
          } catch ({ name }) {
            parent.told({ thrown: name });
          }
          const told = await w.ready.catch(({ message }) => message);
          w.terminate();
          parent.told({ told, diagnosis: diagnose() });
        <${''}/script>`;
      const told = new Promise(resolve => (globalThis.told = resolve));
      document.body.append(frame);
      const found = await told;
      frame.remove();
      if (name === 'its script' && found.thrown === 'SecurityError') return skip('`new Worker` of this browser throws, and there is no worker to report');
      assert(String(found.told).includes(part), String(found.told ?? found.thrown));
      deepEqual([found.diagnosis.canBlock, String(found.diagnosis.reasons[0]).includes(part)], name === 'wasm' ? [false, true] : [true, false]);
    });

  test('the error of a script that does not run names the reason that requests show', async () => {
    if (node) return skip('an event has the error');
    for (const [script, part] of [
      ['workers/bare.web.js', 'imports `coincide/worker`, a bare specifier'],
      ['workers/lost.web.js', '/lost-module.js was answered with status 404'],
      ['index.html', 'index.html was answered with a page'],
    ]) {
      const w = new Own(new URL(script, import.meta.url));
      const { message } = await rejects(() => w.ready);
      assert(message.includes(part), message);
      w.terminate();
    }
  });

  /** The exit codes of threads that main does not wrap, and the output of a wrapped one whose main was busy for longer than a thread waits. */
  const unwrappedThreads = async () => {
    const { execFile } = await import('node:child_process');
    const { execPath } = await import('node:process');
    const exits = async how => {
      // Its warning is not for the console.
      const thread = await plain(how, { stderr: true });
      return new Promise(resolve => thread.on('exit', resolve));
    };
    const script = `(async () => {
      const { default: coincide } = await import(${JSON.stringify(new URL('../pkg/main.node.js', import.meta.url))});
      const { Worker } = await import('node:worker_threads');
      const w = coincide().wrap(new Worker(new URL(${JSON.stringify(worker('starts'))}), { workerData: 'atOnce' }));
      const end = performance.now() + 7000;
      while (performance.now() < end);
      if ((await w.proxy.add(1, 2)) === 3) process.stdout.write('Hello');
      w.terminate();
    })()`;
    const blocked = new Promise(resolve => execFile(execPath, ['-e', script], (error, stdout, stderr) => resolve(error ? stderr : stdout)));
    const [imports, atOnce] = await Promise.all([exits('imports'), exits('atOnce')]);
    return { imports, atOnce, blocked: await blocked };
  };

  test('a worker that does not announce itself is reported once, receives posted messages, and links when it announces itself later', async () => {
    const { warn } = console;
    const said = [];
    console.warn = text => said.push(text);
    const silent = new Own(scriptOf('onMessage'), { workerData: 'onMessage' });
    const noise = wrap(await plain('never'), { name: 'noise' });
    // Main does not wrap this one in time.
    const alone = await plain('warns');
    const warned = [];
    const channels = [];
    listen(alone, data => data.warned && (warned.push(data.warned), channels.push(data.channels)));
    const unwrapped = node && unwrappedThreads();
    try {
      silent.postMessage('load');
      equal(await silent.proxy.add(1, 2), 3);
      const of = worker => said.filter(text => text.includes('has not imported `coincide/worker`') && text.includes(worker));
      while (of('`noise`').length === 0) await pause(50);
      // A page posts to a worker that is silent for so long; a thread receives messages when it listens.
      assert(of('/starts.').length <= (node ? 0 : 1), said.join('\n'));
      await pause(600);
      equal(of('`noise`').length, 1);
      while (warned.length === 0) await pause(50);
      assert(warned[0].includes('main has not answered this worker') && warned[0].includes('coincide().wrap(worker)'), warned[0]);
      equal(await wrap(alone).proxy.add(1, 2), 3);
      equal(warned.length, 1);
      if (!node) return;
      // Repeated announcements bring none, until main asks for one. Modules of other runtimes do not see that the test counts them.
      if (runtime === 'node') deepEqual([channels, await alone.proxy.channels()], [[1], 2]);
      deepEqual(await unwrapped, { imports: 0, atOnce: 0, blocked: 'Hello' });
    } finally {
      console.warn = warn;
      silent.terminate();
      noise.terminate();
      alone.terminate();
    }
  });
};
