// Workers of Node.js, without the types of the DOM.
import { Worker as Thread } from 'node:worker_threads';
import coincide, { pool, type WorkerOptions } from 'coincide/main';
import coincideWindow from 'coincide/window/main';
import type { Exports, Functions } from './interface.js';

export const main = async () => {
  const { Worker } = coincide<Exports, Functions>();
  const options: WorkerOptions = { workerData: 1, name: 'one', env: {}, type: 'module' };
  const worker = new Worker(new URL('./worker.js', import.meta.url), options);
  worker.on('message', value => console.log(value));
  worker.unref();
  worker.postMessage(1, [new ArrayBuffer(1)]);
  const thread: Thread = worker;
  const version: number = await worker.proxy.version();
  const ended: number = await worker.terminate();
  // @ts-expect-error: the worker has no such function.
  worker.proxy.versoin();
  // @ts-expect-error: threads have no such member.
  worker.addEventListener('message', () => {});
  // @ts-expect-error: no such option.
  new Worker('./worker.js', { wrokerData: 1 });
  const typed = new (coincide().Worker)<Exports, Functions>('./worker.js');
  typed.unref();
  typed.proxy.hello = name => name;
  return [thread, version, ended];
};

export const pooled = async () => {
  const threads = pool<Exports, Functions>(2, () => new Thread('./worker.js'));
  const version: number = await threads.proxy.version();
  await threads.terminate();
  return version;
};

export const wrapped = () => {
  const worker = coincide<Exports, Functions>().wrap(new Thread('./worker.js'), { name: 'one' });
  worker.on('exit', code => console.log(code));
  worker.proxy.hello = name => name;
  const typed = coincide().wrap<Exports, Functions>(new Thread('./worker.js'));
  typed.unref();
  const withWindow = coincideWindow<Exports>({ root: {} }).wrap(new Thread('./worker.js'));
  withWindow.ref();
  withWindow.ffi.direct(1);
  // @ts-expect-error: the worker has no such function.
  typed.proxy.versoin();
};
