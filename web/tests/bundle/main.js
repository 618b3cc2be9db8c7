// A program that uses the package as an application does, which a bundler has made of few files.
import inline from 'coincide/inline/main';
import coincide from 'coincide/main';
import { assert, equal, suite } from '../suite.mjs';

const post = line => fetch('/report', { method: 'POST', body: line });
const { test, run } = suite();

const exercise = async worker => {
  worker.proxy.hello = name => `Hello, ${name}`;
  equal(await worker.proxy.greet('bundle'), 'Hello, bundle');
  worker.terminate();
};

// `new Worker(new URL(...))` in one piece is what bundlers look for.
test('bundled: with wasm that is fetched', () => {
  const { Worker } = coincide();
  return exercise(new Worker(new URL('./worker.js', import.meta.url)));
});
test('bundled: with wasm inside', () => {
  const { Worker } = inline();
  return exercise(new Worker(new URL('./worker.js', import.meta.url)));
});
test('bundled: nothing but what the bundler wrote is loaded', () => {
  const loaded = performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname);
  const outside = loaded.filter(path => !/^\/(bundle\/|(report|favicon.ico)$)/.test(path));
  assert(outside.length === 0, String(outside));
});

await run(result => post(JSON.stringify(result))).catch(error => post(`the page failed: ${error?.stack ?? error}`));
await post('done');
