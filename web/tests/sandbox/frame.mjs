// In a sandboxed frame much of the platform throws when it is looked at. The package is imported all the same, says why a worker can't block
// there, and reaches workers by messages.
import { assert, deepEqual, equal, rejects, skip, suite } from '../suite.mjs';

const post = line => parent.postMessage(line, '*');
addEventListener('unhandledrejection', event => post(`unhandled: ${event.reason?.stack ?? event.reason}`));
const { test: register, run } = suite();
const test = (what, body) => register(`${name}: ${what}`, body);
const at = path => new URL(path, import.meta.url).href;
const PACKAGE = '../../pkg/';

const modules = ['main.js', 'window/main.js', 'main.inline.js', 'window/main.inline.js'];

/** A worker's script of this page's own: one from elsewhere is refused. */
const code = `import ${JSON.stringify(at('../workers/all.web.js'))};`;
const blob = () => URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
const data = () => `data:text/javascript,${encodeURIComponent(code)}`;

const main = async options => (await import(at(`${PACKAGE}main.js`))).default(options);

test('reading what a page may not have throws here', () => {
  for (const forbidden of ['localStorage', 'sessionStorage'])
    try {
      void globalThis[forbidden];
      throw new Error(`${forbidden} is there`);
    } catch (error) {
      equal(error.name, 'SecurityError');
    }
});

for (const module of modules)
  test(`${module} is imported and answers`, async () => {
    const { default: coincide } = await import(at(PACKAGE + module));
    const { native, diagnose } = coincide();
    equal(native, crossOriginIsolated);
    equal(diagnose().canBlock, crossOriginIsolated);
  });

test('diagnose says that it is the frame, whether or not a service worker is named', async () => {
  if (crossOriginIsolated) return skip('this frame shares memory');
  for (const options of [{}, { serviceWorker: './sw.js' }]) {
    const { diagnose } = await main(options);
    const { tier, canBlock, reasons } = diagnose();
    deepEqual([tier, canBlock], ['messages', false]);
    const text = reasons.join('; ');
    for (const part of ['sandboxed', 'allow="cross-origin-isolated"', '`allow-same-origin`']) assert(text.includes(part), text);
  }
});

test('a relay is refused, with the reason', async () => {
  if (crossOriginIsolated) return skip('this frame shares memory');
  const { Worker, relay } = await main({ serviceWorker: './sw.js' });
  const demanding = new Worker(data(), { tier: 'service-worker' });
  for (const refused of [() => relay(), () => demanding.ready]) {
    const { code, message } = await rejects(refused);
    equal(code, 'NoRelay');
    assert(message.includes('`allow-same-origin`'), message);
  }
  demanding.terminate();
});

for (const [kind, script] of Object.entries({ blob, data }))
  for (const options of [{ tier: 'messages' }, { serviceWorker: './sw.js' }])
    test(`a worker from a ${kind}: address is reached, with ${Object.keys(options)}`, async () => {
      // Memory is shared with workers of the same origin only, which those from data: addresses never are.
      if (crossOriginIsolated && !options.tier) return skip('this frame shares memory');
      const { Worker } = await main(options);
      const w = new Worker(script());
      w.proxy.hello = name => `Hello, ${name}`;
      try {
        await w.ready;
      } catch ({ message }) {
        // Chromium refuses modules from blobs of such pages; what is awaited ends all the same.
        assert(kind === 'blob' && message.includes('could not be loaded'), message);
        return skip('this browser loads no module from a blob: address here');
      }
      equal(await w.proxy.add(20, 22), 42);
      equal(w.tier, 'messages');
      deepEqual(await w.proxy.capabilities(), { native: false, sync: false });
      const { code, message } = await w.proxy.call('hello', 'PyScript');
      equal(code, 'CannotBlock');
      assert(options.tier || message.includes('sandboxed'), message);
      deepEqual(await w.proxy.awaits({}, 'hello', 'PyScript'), { value: 'Hello, PyScript' });
      equal(await w.proxy.sleeps(10) instanceof Error, false);
      // An interrupt comes or does not: it ends nothing else.
      const looking = w.proxy.looks(300);
      w.interrupt();
      await looking.catch(({ code }) => equal(code, 'Interrupted'));
      equal(await w.proxy.echo(1), 1);
      w.terminate();
    });

test("a worker's script of another origin is refused by the browser, and the worker says so", async () => {
  const { Worker } = await main({ tier: 'messages' });
  let w;
  try {
    w = new Worker(at('../workers/all.web.js'));
  } catch (error) {
    return void equal(error.name, 'SecurityError');
  }
  await rejects(() => w.ready);
});

test('coi.js says why it does nothing', async () => {
  if (crossOriginIsolated) return skip('this frame shares memory');
  const { error } = console;
  try {
    for (const policy of ['require-corp', 'isolate-and-require-corp']) {
      const said = new Promise(resolve => (console.error = resolve));
      const script = document.createElement('script');
      script.src = at(`${PACKAGE}coi.js`);
      script.setAttribute('policy', policy);
      document.head.append(script);
      const text = await said;
      assert(text.startsWith('coi.js: ') && !text.includes('the page is not isolated'), text);
      const expected = location.protocol === 'about:' ? 'no address of its own' : policy === 'require-corp' ? 'is in a frame' : 'is sandboxed';
      assert(text.includes(expected), text);
    }
  } finally {
    console.error = error;
  }
});

await run(result => post(JSON.stringify(result)));
post('done');
