// coi.js as service worker, without a browser: which requests it answers, and the responses.
import { readFileSync } from 'node:fs';
import vm from 'node:vm';

export default (test, { assert, deepEqual, equal, rejects }) => {
  const source = readFileSync(new URL('../../pkg/coi.js', import.meta.url), 'utf8');

  /** Starts the script as a service worker of this address. `fetched` is the result of its `fetch`. */
  const start = ({ address = 'https://site.example/coi.js', fetched = () => new Response('content'), before } = {}) => {
    const listeners = { install: [], fetch: [] };
    const requests = [];
    let skipped = 0;
    const self = {
      location: new URL(address),
      addEventListener: (type, listener) => listeners[type].push(listener),
      skipWaiting: () => void skipped++,
    };
    if (before) self.addEventListener('fetch', before);
    const fetch = async request => {
      requests.push(request);
      return fetched(request);
    };
    vm.runInNewContext(source, { self, fetch, URL, Response, Headers, console });
    for (const listener of listeners.install) listener({});
    /** Dispatches as a browser does: the listener that answers is the last one to be called. Returns the response, or `undefined` without one. */
    const dispatch = request => {
      let answer;
      for (const listener of listeners.fetch) {
        listener({ request, respondWith: response => (answer = Promise.resolve(response)) });
        if (answer) break;
      }
      return answer;
    };
    return { dispatch, requests, skipped };
  };
  const page = { mode: 'navigate', destination: 'document', cache: 'default', method: 'GET' };
  const headersOf = async (worker, request = page) => {
    const { headers } = await worker.dispatch(request);
    const names = ['Opener-Policy', 'Embedder-Policy', 'Resource-Policy'].map(name => `Cross-Origin-${name}`);
    return [...names, 'Document-Isolation-Policy'].map(name => headers.get(name));
  };
  const plain = ['same-origin', 'require-corp', 'cross-origin', null];

  test('coi.js as service worker: takes the policy from its address', async () => {
    const of = policy => headersOf(start({ address: `https://site.example/coi.js?v=3&coi=${policy}&coi-at-once=` }));
    deepEqual(await headersOf(start()), plain);
    deepEqual(await of('require-corp'), plain);
    deepEqual(await of('nonsense'), plain);
    deepEqual(await of('credentialless'), ['same-origin', 'credentialless', 'cross-origin', null]);
    for (const policy of ['isolate-and-require-corp', 'isolate-and-credentialless'])
      deepEqual(await of(policy), [null, null, 'cross-origin', policy]);
  });

  test('coi.js as service worker: a new version skips waiting if coi.js made the registration', () => {
    equal(start({ address: 'https://site.example/coi.js?coi=require-corp&coi-at-once=' }).skipped, 1);
    equal(start({ address: 'https://site.example/sw.js' }).skipped, 0);
  });

  test('coi.js as service worker: answers requests of pages, frames and workers only', async () => {
    const worker = start();
    for (const destination of ['document', 'iframe', 'embed', 'object'])
      deepEqual(await headersOf(worker, { ...page, destination }), plain);
    for (const destination of ['worker', 'sharedworker'])
      deepEqual(await headersOf(worker, { ...page, mode: 'same-origin', destination }), plain);
    const form = { ...page, method: 'POST' };
    deepEqual(await headersOf(worker, form), plain);
    equal(worker.requests.at(-1), form);
    const count = worker.requests.length;
    for (const destination of ['', 'image', 'script', 'style', 'font', 'video', 'audioworklet', 'manifest'])
      for (const mode of ['cors', 'no-cors', 'same-origin'])
        for (const method of ['GET', 'POST', 'HEAD']) equal(worker.dispatch({ ...page, mode, destination, method }), undefined);
    equal(worker.dispatch({ ...page, cache: 'only-if-cached' }), undefined);
    equal(worker.requests.length, count);
  });

  test('coi.js as service worker: leaves requests to listeners that answer before it', async () => {
    const own = new Response('own');
    const before = event => event.request.method === 'POST' && event.respondWith(own);
    const worker = start({ before });
    equal(await worker.dispatch({ ...page, method: 'POST' }), own);
    deepEqual(await headersOf(worker), plain);
    equal(worker.requests.length, 1);
  });

  test('coi.js as service worker: keeps status, headers and content of responses', async () => {
    const chunks = new TransformStream();
    const headers = { 'Content-Type': 'text/html', 'Content-Security-Policy': "default-src 'self'" };
    const worker = start({ fetched: () => new Response(chunks.readable, { status: 404, statusText: 'Gone', headers }) });
    const response = await worker.dispatch(page);
    deepEqual([response.status, response.statusText], [404, 'Gone']);
    for (const [name, value] of Object.entries(headers)) equal(response.headers.get(name), value);
    // The first chunk arrives before the stream has ended.
    const reader = response.body.getReader();
    const writer = chunks.writable.getWriter();
    writer.write(Uint8Array.of(1));
    deepEqual((await reader.read()).value, Uint8Array.of(1));
    writer.close();
    assert((await reader.read()).done);
  });

  test('coi.js as service worker: keeps responses without content empty', async () => {
    for (const status of [204, 205, 304]) {
      const response = await start({ fetched: () => new Response(null, { status }) }).dispatch(page);
      deepEqual([response.status, response.body], [status, null]);
    }
  });

  test('coi.js as service worker: returns redirections of pages unchanged, and redirects workers to their final address', async () => {
    const opaque = { status: 0, type: 'opaqueredirect' };
    equal(await start({ fetched: () => opaque }).dispatch(page), opaque);
    const moved = { status: 200, redirected: true, url: 'https://site.example/lib/worker.js' };
    const response = await start({ fetched: () => moved }).dispatch({ ...page, mode: 'same-origin', destination: 'worker' });
    deepEqual([response.status, response.headers.get('Location')], [302, moved.url]);
  });

  test('coi.js as service worker: rejects with the network error of the page', async () => {
    const gone = start({ fetched: () => Promise.reject(new TypeError('no network')) });
    equal((await rejects(() => gone.dispatch(page))).message, 'no network');
  });
};
