// How a link begins, on each tier: nothing may be lost, and nothing of it may be seen.

export default (register, { coincide, worker, tier, node, inlineUrl, assert, equal, deepEqual }) => {
  const test = (name, body) => register(`${tier}: ${name}`, body);
  // Where a worker can't block, its calls give promises.
  const { Worker } = coincide({ tier, promises: tier === 'messages' });

  test('messages posted right after new Worker arrive, and the first one of coincide is invisible', async () => {
    const w = new Worker(worker('all'));
    w.postMessage('first');
    w.postMessage({ second: 2 });
    await w.ready;
    await new Promise(resolve => setTimeout(resolve, 20));
    deepEqual(await w.proxy.heard(), ['first', { second: 2 }]);
    w.terminate();
  });

  test('postMessage works when it is taken off the worker', async () => {
    const w = new Worker(worker('all'));
    const { postMessage } = w;
    postMessage.call(w, 'taken');
    await w.ready;
    await new Promise(resolve => setTimeout(resolve, 20));
    deepEqual(await w.proxy.heard(), ['taken']);
    w.terminate();
  });

  test('a worker is ready by itself after its own code', async () => {
    const w = new Worker(worker('plain'));
    const heard = new Promise(resolve => (w.proxy.hello = resolve));
    equal(await heard, 'worker');
    deepEqual(await w.ready, ['version']);
    equal(await w.proxy.version(), 42);
    w.terminate();
  });

  test('workers are real workers, and extensible', () => {
    const w = new Worker(worker('plain'));
    assert(w instanceof Worker);
    w.extra = 1;
    equal(w.extra, 1);
    if (!node) assert(w instanceof globalThis.Worker);
    w.terminate();
  });

  if (tier !== 'shared-memory') return;

  test('the self-contained build starts at once, without a request', async () => {
    if (node) return 'the self-contained build is for pages';
    const { default: inline } = await import(inlineUrl);
    const before = performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.wasm')).length;
    const { Worker } = inline();
    const w = new Worker(worker('all'));
    equal(await w.proxy.add(1, 2), 3);
    equal(performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.wasm')).length, before);
    w.terminate();
  });
};
