// What the types of the DOM add, on pages.
import coincide from 'coincide/main';
import inline from 'coincide/inline/main';
import coincideWindow, { pool } from 'coincide/window/main';
import inlineWindow from 'coincide/inline/window/main';
import coincideWorker from 'coincide/window/worker';
import * as listeners from 'coincide/sw/listeners';
import type { Exports, Functions } from './interface.js';

export const wrapped = () => {
  class Own extends Worker {
    extra = 1;
  }
  const worker = coincide<Exports, Functions>().wrap(new Own('./worker.js'), { name: 'one', tier: 'shared-memory' });
  const extra: number = worker.extra;
  const version: Promise<number> = worker.proxy.version();
  worker.addEventListener('message', ({ data }) => console.log(data));
  const dom: Worker = worker;
  const typed = coincide().wrap<Exports, Functions>(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
  typed.proxy.hello = name => name;
  const withWindow = coincideWindow<Exports>().wrap(new Worker('./worker.js'), { lazy: true });
  withWindow.ffi.direct(1);
  inline<Exports, Functions>().wrap(new Worker('./worker.js')).proxy.version();
  inlineWindow<Exports, Functions>().wrap(new Worker('./worker.js')).proxy.version();
  // @ts-expect-error: the worker has no such function.
  typed.proxy.versoin();
  // @ts-expect-error: it is no worker.
  coincide().wrap('./worker.js');
  // @ts-expect-error: neither is a port.
  coincide().wrap(new MessageChannel().port1);
  // @ts-expect-error: the platform's options were passed to the worker.
  coincide().wrap(new Worker('./worker.js'), { type: 'module' });
  return [extra, version, dom];
};

export const moved = () => {
  const { Worker, transfer } = coincide<Exports, Functions>();
  const { proxy } = new Worker('./worker.js');
  const { port1 } = new MessageChannel();
  const canvas = new OffscreenCanvas(1, 1);
  proxy.sum(1, 2, transfer(port1, canvas, new ReadableStream(), new ArrayBuffer(1)));
  // @ts-expect-error: it cannot be moved.
  transfer(new Headers());
  // @ts-expect-error: neither can an element.
  transfer(document.createElement('canvas'));
  // @ts-expect-error: nor shared memory.
  transfer(new SharedArrayBuffer(1));
};

export const pooled = async () => {
  const workers = pool<Exports, Functions>(navigator.hardwareConcurrency, () => new Worker('./worker.js', { type: 'module' }));
  const version: number = await workers.proxy.version();
  return version;
};

export const worker = async () => {
  const { window, proxy, ffi } = await coincideWorker<Exports, Functions>();
  window.document.body.textContent = proxy.hello('window');
  const body: HTMLElement = ffi.assign(window.document.body, { title: 'x' });
  body.addEventListener('submit', event => console.log(event.target), { invoke: 'preventDefault' });
  body.addEventListener('click', () => {}, { once: true, invoke: ['preventDefault', 'stopPropagation'] });
  const module: Promise<any> = window.import('./module.js');
  // @ts-expect-error: the document has no such member.
  window.document.bdoy;
  // @ts-expect-error: main calls no such method.
  body.addEventListener('submit', () => {}, { invoke: 'remove' });
  return module;
};

for (const name of ['activate', 'fetch', 'install', 'message'] as const) addEventListener(name, listeners[name]);
// @ts-expect-error: there is no such listener.
listeners.push;
