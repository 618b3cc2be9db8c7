// Main, on any platform: what has to compile, and what must not.
import coincide, { CoincideError, pool, type CoincideErrorCode, type CoincideWorker, type Diagnosis, type MainProxy, type Pool, type Tier, type Transferred } from 'coincide/main';
import type { Exports, Functions } from './interface.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => {};

const { Worker, workers, native, transfer, relay, diagnose } = coincide<Exports, Functions>({ strict: true, ringSize: 1 << 20, transform: value => value });
const worker = new Worker(new URL('./worker.js', import.meta.url), { name: 'one', type: 'module', tier: 'messages' });
const { proxy } = worker;

/** Calls give promises of awaited results. */
export const called = async () => {
  const version = proxy.version();
  same<typeof version, Promise<number>>(true);
  const loaded = proxy.load('a');
  same<typeof loaded, Promise<string[]>>(true);
  proxy.load('a', 3);
  const logged = proxy.log('text');
  same<typeof logged, Promise<void>>(true);
  proxy.sum();
  proxy.sum(1, 2, 3);
  const pixels = new Uint8Array(4);
  proxy.paint(pixels, transfer(pixels.buffer));
  proxy.sum(1, 2, transfer(pixels.buffer));
  proxy.load('a', undefined, transfer(pixels.buffer));
  const limited = worker.within({ timeout: 100, signal: AbortSignal.timeout(1) }).version();
  same<typeof limited, Promise<number>>(true);
  // @ts-expect-error: the worker has no such function.
  proxy.versoin();
  // @ts-expect-error: nor within limits.
  worker.within({ timeout: 1 }).versoin();
  // @ts-expect-error: the path is a string.
  proxy.load(1);
  // @ts-expect-error: the path is missing.
  proxy.load();
  // @ts-expect-error: there are two parameters.
  proxy.load('a', 1, 2);
  // @ts-expect-error: only `transfer` makes lists of buffers that move.
  proxy.paint(pixels, [pixels.buffer]);
  // @ts-expect-error: a view is no buffer.
  transfer(pixels);
  // @ts-expect-error: a promise is no number.
  const number: number = proxy.version();
  // @ts-expect-error: a proxy is no promise.
  proxy.then(() => {});
  // @ts-expect-error: main cannot call its own functions through the proxy.
  proxy.hello('me');
  // @ts-expect-error: a timeout is a number.
  worker.within({ timeout: 'long' });
  // @ts-expect-error: only calls of workers can give promises instead of blocking.
  worker.within({ promise: true });
  return number;
};

/** Functions of main are checked when they are set, and their parameters have types. */
export const registered = () => {
  proxy.hello = name => `Hello, ${name.toUpperCase()}`;
  proxy.hello = async name => `Hello, ${name}`;
  proxy.hello = function (name) {
    same<typeof this, null>(true);
    return name;
  };
  proxy.hello = () => 'you';
  proxy.fetchText = async path => path;
  proxy.fetchText = path => path;
  const notes: string[] = [];
  proxy.note = text => notes.push(text);
  proxy.note = async () => {};
  // The worker has one of this name as well.
  const ping = proxy.ping();
  same<typeof ping, Promise<'worker'>>(true);
  delete proxy.hello;
  // @ts-expect-error: the worker expects no such function.
  proxy.helo = (name: string) => name;
  // @ts-expect-error: the result is a string.
  proxy.hello = () => 1;
  // @ts-expect-error: the result is a promise of a string.
  proxy.hello = async () => 1;
  // @ts-expect-error: the name is a string.
  proxy.hello = (name: number) => `${name}`;
  // @ts-expect-error: there is one parameter.
  proxy.hello = (name: string, other: string) => name + other;
  // @ts-expect-error: it is no function.
  proxy.hello = 'Hello';
  // @ts-expect-error: `version` is the worker's.
  proxy.version = () => 42;
  // @ts-expect-error: it has both directions in one name, which has to fit both.
  proxy.ping = () => 'main';
};

/** The members of a worker. */
export const members = async () => {
  const ready = await worker.ready;
  same<typeof ready, (keyof Exports)[]>(true);
  same<typeof worker.tier, Tier>(true);
  worker.notify('log', 'text');
  worker.notify('sum', 1, 2);
  worker.interrupt();
  worker.postMessage({ any: 'thing' });
  worker.terminate();
  const named: MainProxy<Exports, Functions> | undefined = await workers.one;
  const other: CoincideWorker<Exports, Functions> = worker;
  // @ts-expect-error: the worker has no such function.
  worker.notify('lgo', 'text');
  // @ts-expect-error: the text is missing.
  worker.notify('log');
  // @ts-expect-error: `ready` can't be set.
  worker.ready = Promise.resolve([]);
  // @ts-expect-error: `proxy` can't be set.
  worker.proxy = proxy;
  // @ts-expect-error: the interfaces are in the other order.
  const mixed: CoincideWorker<Functions, Exports> = worker;
  return [named, other, mixed];
};

/** Options are closed. */
export const options = (unset: undefined) => {
  coincide({ tier: unset, serviceWorker: new URL('http://localhost/sw.js'), relayHold: 1, reload: false, memory: unset, promises: true, deadlockTimeout: Infinity, measure: true, transfer: false });
  new Worker('./worker.js', { name: unset, type: unset, tier: unset });
  // @ts-expect-error: no such option.
  coincide({ ring: 1 });
  // @ts-expect-error: no such option.
  coincide<Exports>({ ring: 1 });
  // @ts-expect-error: no such tier.
  coincide({ tier: 'telepathy' });
  // @ts-expect-error: no such option of a worker.
  new Worker('./worker.js', { nmae: 'one' });
  // @ts-expect-error: a budget is a number of bytes.
  coincide({ memory: '1 GiB' });
  // @ts-expect-error: `window` options belong to `coincide/window/main`.
  coincide({ root: {} });
  // @ts-expect-error: it is an option of the worker.
  coincide({ ready: 'manual' });
};

/** Interfaces have functions only, with names that the other end can call. */
export const interfaces = () => {
  // @ts-expect-error: `version` is no function.
  coincide<{ version: number }>();
  // @ts-expect-error: the same for functions of main.
  coincide<Exports, { version: number }>();
  // @ts-expect-error: `then` is reserved.
  coincide<{ then(): void }>();
  // @ts-expect-error: names that begin with `coincide:` are reserved.
  coincide<{ 'coincide:x'(): void }>();
  // @ts-expect-error: symbols are no names of functions.
  coincide<{ [Symbol.iterator](): void }>();
};

/** Workers with interfaces of their own, from an untyped main. */
export const own = () => {
  const main = coincide();
  const typed = new main.Worker<Exports, Functions>('./worker.js');
  same<typeof typed.proxy, MainProxy<Exports, Functions>>(true);
  typed.proxy.hello = name => name;
  const exporting = new main.Worker<Exports>('./worker.js');
  exporting.proxy.version();
  // @ts-expect-error: the worker has no such function.
  exporting.proxy.versoin();
  // @ts-expect-error: without `Functions`, main offers none.
  exporting.proxy.hello = () => 'x';
};

/** Without interfaces, everything goes. */
export const untyped = async () => {
  const { Worker, workers } = coincide();
  const worker = new Worker('./worker.js');
  worker.proxy.anything = (a: number, b: string) => [a, b];
  const result = await worker.proxy.whatever(1, 'two');
  same<typeof result, any>(true);
  worker.notify('anything', 1);
  const names: string[] = await worker.ready;
  const plain: CoincideWorker = worker;
  return [names, plain, await workers.one?.then(proxy => proxy.anything(1, 'two'))];
};

/** Pools have the interfaces of their workers. */
export const pools = async () => {
  const workers = pool(4, () => new Worker('./worker.js'), { queue: 10, retry: true });
  same<typeof workers, Pool<Exports, Functions>>(true);
  const version = workers.proxy.version();
  same<typeof version, Promise<number>>(true);
  workers.within({ timeout: 1, signal: AbortSignal.timeout(1), retry: false }).load('a');
  workers.proxy.hello = name => name;
  workers.notify('log', 'text');
  same<typeof workers.ready, Promise<(keyof Exports)[]>>(true);
  const counts: number[] = [workers.size, workers.idle, workers.queued];
  const own = pool<Exports, Functions>(1, () => new (coincide().Worker)('./worker.js'));
  same<typeof own, Pool<Exports, Functions>>(true);
  const untyped = pool(1, () => new (coincide().Worker)('./worker.js'));
  const result = await untyped.proxy.whatever(1);
  same<typeof result, any>(true);
  // @ts-expect-error: the workers have no such function.
  workers.proxy.versoin();
  // @ts-expect-error: the path is a string.
  workers.within({ retry: true }).load(1);
  // @ts-expect-error: no such limit.
  workers.within({ rtery: true });
  // @ts-expect-error: the result is a string.
  workers.proxy.hello = () => 1;
  // @ts-expect-error: no such option.
  pool(4, () => new Worker('./worker.js'), { queued: 1 });
  // @ts-expect-error: a function creates the workers.
  pool(4, new Worker('./worker.js'));
  // @ts-expect-error: what it creates is no worker.
  pool(4, () => './worker.js');
  // @ts-expect-error: members of interfaces are functions.
  pool<{ version: number }>(1, () => new Worker('./worker.js'));
  // @ts-expect-error: counters are read.
  workers.size = 3;
  await workers.terminate();
  return [counts, own];
};

/** Codes of errors are known. */
export const codes = (error: unknown) => {
  if (!(error instanceof CoincideError)) return undefined;
  const { code } = error;
  same<typeof code, CoincideErrorCode>(true);
  switch (code) {
    case 'Closed':
      return error.cause;
    case 'Deadlock':
      return error.function;
    // @ts-expect-error: no such code.
    case 'Clsoed':
      return error.name;
  }
};

export const others = (): [Diagnosis, Promise<void>, boolean, Transferred<[ArrayBuffer]>] => [diagnose(), relay('./sw.js'), native, transfer(new ArrayBuffer(1))];
