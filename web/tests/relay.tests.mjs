// Pages without isolation that name a service worker: how it takes control, and the errors if it cannot.

export default (test, { coincide, coincideWindow, worker, assert, equal, deepEqual, rejects }) => {
  /** Checks the error of a worker without a relay. */
  const refusal = async (serviceWorker, part) => {
    const { Worker } = coincide({ serviceWorker });
    const w = new Worker(worker('all'));
    w.proxy.hello = () => 'hello';
    const { code, message } = await w.proxy.call('hello');
    deepEqual([code, w.tier], ['CannotBlock', 'messages']);
    assert(message.includes(part), `${part} is not in ${message}`);
    equal(await w.proxy.add(1, 2), 3);
    w.terminate();
    const demanding = new Worker(worker('all'), { tier: 'service-worker' });
    const error = await rejects(() => demanding.ready);
    equal(error.code, 'NoRelay');
    assert(error.message.includes(part), error.message);
    demanding.terminate();
    equal((await rejects(() => coincide().relay(serviceWorker))).code, 'NoRelay');
  };

  test('relay: a missing script is reported', () => refusal('./none.js', 'cannot be registered'));
  test('relay: a script of another origin is refused', () => refusal('http://localhost:9/sw.js', 'own origin'));
  test('relay: a script is refused if the page is outside of its scope', () => refusal('./workers/sw.js', 'is outside of'));

  test('relay: a worker that starts before the first service worker blocks without a reload', async () => {
    equal(navigator.serviceWorker.controller, null);
    const { Worker, native, diagnose } = coincide({ serviceWorker: './sw.js' });
    equal(native, false);
    deepEqual([diagnose().tier, diagnose().canBlock], ['service-worker', true]);
    const w = new Worker(worker('all'));
    w.proxy.hello = name => `Hello, ${name}`;
    deepEqual(await w.proxy.call('hello', 'PyScript'), { value: 'Hello, PyScript' });
    assert(navigator.serviceWorker.controller.scriptURL.endsWith('/sw.js'));
    w.terminate();
  });

  test('relay: a worker that starts from a Blob blocks, wherever its modules are from', async () => {
    const { Worker, relay } = coincide({ serviceWorker: './sw.js' });
    await relay();
    const address = URL.createObjectURL(new Blob([`import ${JSON.stringify(worker('all').href)};`], { type: 'text/javascript' }));
    const w = new Worker(address);
    w.proxy.hello = name => `Hello, ${name}`;
    deepEqual(await w.proxy.call('hello', 'PyScript'), { value: 'Hello, PyScript' });
    equal(w.tier, 'service-worker');
    w.terminate();
  });

  test('relay: the worker has window and document', async () => {
    const { Worker } = coincideWindow({ serviceWorker: './sw.js' });
    const w = new Worker(worker('window'));
    const found = await w.proxy.run(String(async ({ window, ffi, sync, native, trips }) => {
      const { document } = window;
      const element = document.createElement('p');
      element.textContent = 'from a worker';
      document.body.append(element);
      const clicked = new Promise(resolve => element.addEventListener('click', event => resolve(event.target === element)));
      element.click();
      const found = [sync, native, element.parentNode === document.body, await clicked, ffi.query(document, 'body.lastChild.textContent')];
      element.remove();
      return [...found, trips(() => document.title)];
    }));
    equal(w.tier, 'service-worker');
    deepEqual(found, [true, false, true, true, 'from a worker', 1]);
    w.terminate();
  });

  test("relay: a worker's script outside of the scope is reported, with the scope", async () => {
    const outside = new URL('../web/tests/workers/all.web.js', location);
    const { Worker } = coincide({ serviceWorker: './sw.js' });
    const w = new Worker(outside);
    const { code, message } = await w.proxy.call('hello');
    deepEqual([code, w.tier], ['CannotBlock', 'messages']);
    for (const part of [outside.href, `outside of ${new URL('.', location)}`]) assert(message.includes(part), message);
    w.terminate();
    const demanding = new Worker(outside, { tier: 'service-worker' });
    equal((await rejects(() => demanding.ready)).code, 'NoRelay');
    demanding.terminate();
  });

  test('relay: a worker made of a blob belongs to the service worker of its page', async () => {
    const script = URL.createObjectURL(new Blob([`import ${JSON.stringify(worker('all').href)};`], { type: 'text/javascript' }));
    const { Worker } = coincide({ serviceWorker: './sw.js' });
    const w = new Worker(script);
    w.proxy.hello = name => `Hello, ${name}`;
    deepEqual(await w.proxy.call('hello', 'blob'), { value: 'Hello, blob' });
    w.terminate();
    URL.revokeObjectURL(script);
  });
};
