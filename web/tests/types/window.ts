// The entries with `window`, on any platform.
import coincide, { type CoincideWorker } from 'coincide/window/main';
import type { CoincideWorker as PlainWorker } from 'coincide/main';
import coincideWorker, { type Page } from 'coincide/window/worker';
import type { Exports, Functions } from './interface.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => {};

export const main = () => {
  const { Worker } = coincide<Exports, Functions>({ root: { answer: 42 }, allow: ['a.b', Symbol.iterator, {}], policy: (operation, target) => operation !== 'set' || target === null });
  const worker = new Worker('./worker.js', { lazy: true, reflected_ffi_timeout: 0, name: 'one' });
  const copy = worker.ffi.direct({ a: 1 });
  same<typeof copy, { a: number }>(true);
  const assigned = worker.ffi.assign({ a: 1 }, { b: 2 });
  same<typeof assigned, { a: number }>(true);
  const sum = worker.ffi.evaluate((a: number, b: number) => a + b, 1, 2);
  same<typeof sum, number>(true);
  const values: any[] = worker.ffi.gather({}, 'a.b', Symbol.iterator);
  worker.ffi.query(values, '[0]');
  // @ts-expect-error: the argument is a number.
  worker.ffi.evaluate((a: number) => a, 'text');
  // @ts-expect-error: a path is a string or a symbol.
  worker.ffi.query({}, 1);
  // @ts-expect-error: `batch` saves trips, and main takes none.
  worker.ffi.batch(() => {});
  const plain: PlainWorker<Exports, Functions> = worker;
  const same_: CoincideWorker<Exports, Functions> = worker;
  const version: Promise<number> = worker.proxy.version();
  worker.proxy.hello = name => name;
  // @ts-expect-error: the worker has no such function.
  worker.proxy.versoin();
  // @ts-expect-error: no such operation.
  coincide({ policy: operation => operation !== 'write' });
  // @ts-expect-error: no such option.
  new Worker('./worker.js', { laziness: true });
  return [plain, same_, version, worker.ffi.sizes().held];
};

/** What main shares as its root. */
interface Root {
  answer: number;
  ask(question: string): string;
}

export const worker = async () => {
  const { window, ffi, isWindowProxy, proxy } = await coincideWorker<Exports, Functions, Root>({ lazy: true, reflected_ffi_timeout: 0 });
  const greeting: string = proxy.hello(window.ask('name?'));
  const sum = ffi.evaluate((a: number, b: number) => a + b, 1, 2);
  same<typeof sum, number>(true);
  const written = ffi.batch(() => ((window.answer = 1), true));
  same<typeof written, boolean>(true);
  const module: Promise<any> = window.import('./module.js');
  ffi.post(window, 'ask', 'x');
  ffi.dispose(window);
  proxy.version = () => 42;
  // @ts-expect-error: the root has no such member.
  window.anwser;
  // @ts-expect-error: the root has no such function.
  window.document;
  // @ts-expect-error: the argument is a number.
  ffi.evaluate((a: number) => a, 'text');
  // @ts-expect-error: modules have addresses.
  window.import(1);
  // @ts-expect-error: no such option.
  coincideWorker({ laziness: true });
  return [greeting, module, isWindowProxy(window), ffi.gather(window, 'a', Symbol.iterator).length, ffi.sizes().trips];
};

export const untyped = async () => {
  const { window, proxy, ffi } = await coincideWorker();
  window.anything.goes = proxy.whatever();
  ffi.query(window, 'a.b');
  // @ts-expect-error: the argument is a number.
  ffi.evaluate((a: number) => a, 'text');
};

export type { Page };
