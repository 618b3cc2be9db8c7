// The beginning of a link on each tier: no message of the program is lost, and none of coincide is visible.
import { until } from './link.kit.mjs';
import { skip } from './suite.mjs';

export default (register, { coincide, worker, tier, node, inlineUrl, assert, equal, deepEqual }) => {
  const test = (name, body) => register(`${tier}: ${name}`, body);
  // Where a worker can't block, its calls give promises.
  const { Worker } = coincide({ tier, promises: tier === 'messages' });

  test('messages posted right after new Worker arrive, and the first one of coincide is invisible', async () => {
    const w = new Worker(worker('all'));
    w.postMessage('first');
    w.postMessage({ second: 2 });
    await w.ready;
    await until(async () => (await w.proxy.heard()).length >= 2);
    deepEqual(await w.proxy.heard(), ['first', { second: 2 }]);
    w.terminate();
  });

  // V8 parses a script again to create the first error in it, which delays the start of each worker by milliseconds.
  if (tier === 'shared-memory')
    test('importing an entry creates no error', async () => {
      if (!node) return skip('Node.js evaluates the same modules');
      const { Worker: Thread } = await import('node:worker_threads');
      for (const entry of ['main', 'worker', 'window/main', 'window/worker']) {
        const body = `
          import { parentPort } from 'node:worker_threads';
          const created = [];
          const counted = error => (created.push(error.stack), error);
          for (const name of ['Error', 'TypeError', 'RangeError'])
            globalThis[name] = new Proxy(globalThis[name], {
              construct: (Class, args, self) => counted(Reflect.construct(Class, args, self)),
              // Bundlers leave out \`new\`.
              apply: (Class, _, args) => counted(Class(...args)),
            });
          await import(${JSON.stringify(new URL(`../pkg/${entry}.node.js`, import.meta.url).href)});
          const atImport = created.splice(0);
          new Error('the counter counts');
          parentPort.postMessage({ atImport, counted: created.length });`;
        const thread = new Thread(new URL(`data:text/javascript,${encodeURIComponent(body)}`));
        const { atImport, counted } = await new Promise((resolve, reject) => {
          thread.on('message', message => message.atImport && resolve(message));
          thread.on('error', reject);
        });
        await thread.terminate();
        deepEqual([entry, atImport, counted], [entry, [], 1]);
      }
    });

  test('postMessage works when it is taken off the worker', async () => {
    const w = new Worker(worker('all'));
    const { postMessage } = w;
    postMessage.call(w, 'taken');
    await w.ready;
    await until(async () => (await w.proxy.heard()).length >= 1);
    deepEqual(await w.proxy.heard(), ['taken']);
    w.terminate();
  });

  test('a worker is ready when its module has run', async () => {
    const w = new Worker(worker('plain'));
    const heard = new Promise(resolve => (w.proxy.hello = resolve));
    equal(await heard, 'worker');
    deepEqual(await w.ready, ['version']);
    equal(await w.proxy.version(), 42);
    w.terminate();
  });

  test('workers are extensible instances of the platform class', () => {
    const w = new Worker(worker('plain'));
    assert(w instanceof Worker);
    w.extra = 1;
    equal(w.extra, 1);
    if (!node) assert(w instanceof globalThis.Worker);
    w.terminate();
  });

  if (tier !== 'shared-memory') return;

  test('the self-contained build starts at once, without a request', async () => {
    if (node) return skip('the self-contained build is for pages');
    const { default: inline } = await import(inlineUrl);
    const before = performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.wasm')).length;
    const { Worker } = inline();
    const w = new Worker(worker('all'));
    equal(await w.proxy.add(1, 2), 3);
    equal(performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.wasm')).length, before);
    w.terminate();
  });
};
