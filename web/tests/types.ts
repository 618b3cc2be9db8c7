// What the type declarations promise: compiled, never run.
import coincide, { CoincideError, type CoincideWorker, type Diagnosis, type Tier } from 'coincide/main';
import inline from 'coincide/inline/main';
import coincideWorker from 'coincide/worker';
import coincideWindow from 'coincide/window/main';
import coincideWindowWorker from 'coincide/window/worker';

interface Exports {
  version(): Promise<number>;
}

interface Functions {
  hello(name: string): string;
}

const { Worker, workers, native, transfer, relay, diagnose } = coincide({ strict: true, ringSize: 1 << 20 });
const worker: CoincideWorker<Exports> = new Worker<Exports>(new URL('./worker.js', import.meta.url), { name: 'one' });
const version: Promise<number> = worker.proxy.version();
worker.proxy.hello = (name: string) => `Hello, ${name}`;
const limited: Promise<number> = worker.within({ timeout: 100, signal: AbortSignal.timeout(1) }).version();
const ready: Promise<string[]> = worker.ready;
worker.notify('version');
const tier: Tier = worker.tier;
new Worker('./worker.js', { serviceWorker: './sw.js' });
new Worker('./worker.js', { tier: 'messages' });
worker.interrupt();
worker.terminate();
const dom: globalThis.Worker = worker;
const diagnosis: Diagnosis = diagnose();
const relayed: Promise<void> = relay('./sw.js');
const isolated: boolean = native;
const [moved]: ArrayBuffer[] = transfer(new ArrayBuffer(1));
const named = workers.one.then(proxy => proxy.anything(1, 'two'));
new (inline().Worker)('./worker.js').proxy.anything();
const code: string = new CoincideError().code;

// @ts-expect-error: `ready` can't be set.
worker.ready = ready;
// @ts-expect-error: a timeout is a number.
worker.within({ timeout: 'long' });
// @ts-expect-error: no such option.
coincide({ ring: 1 });
// @ts-expect-error: no such tier.
coincide({ tier: 'telepathy' });

const inWorker = async () => {
  const { proxy, within, sync } = await coincideWorker<Functions>({ ready: 'manual' });
  // No promise: the call blocks.
  const greeting: string = proxy.hello('PyScript');
  proxy.version = () => 42;
  return [greeting, within({ timeout: 10 }).hello('again'), within({ promise: true }).hello('later'), sync];
};

export { tier, code, diagnosis, dom, inWorker, isolated, limited, moved, named, relayed, version };

const { Worker: WindowWorker } = coincideWindow({ root: { answer: 42 }, policy: (operation, target) => operation !== 'set' || target === null });
const withWindow = new WindowWorker<Exports>('./worker.js', { lazy: true, reflected_ffi_timeout: 0 });
const copy: { a: number } = withWindow.ffi.direct({ a: 1 });
const plainToo: CoincideWorker<Exports> = withWindow;

const withRoot = async () => {
  const { window, ffi, isWindowProxy, proxy } = await coincideWindowWorker<Functions, Window>();
  window.document.body.textContent = proxy.hello('window');
  const sum: number = ffi.evaluate((a: number, b: number) => a + b, 1, 2);
  const body: HTMLElement = ffi.assign(window.document.body, { title: 'x' });
  const written: boolean = ffi.batch(() => ((body.title = 'y'), true));
  ffi.post(body, 'append', 'text');
  ffi.dispose(body);
  return [sum, written, isWindowProxy(body), ffi.gather(window, 'a', Symbol.iterator).length, ffi.sizes().trips];
};

// @ts-expect-error: the argument is a number.
const wrongArgument = async () => (await coincideWindowWorker()).ffi.evaluate((a: number) => a, 'text');

export { copy, plainToo, withRoot, wrongArgument };
