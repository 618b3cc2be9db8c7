// What a library exports without type annotations: its declarations must be able to name every inferred type.
import coincide, { callback, expose, pool, stream } from 'coincide/main';
import coincideSuspending from 'coincide/suspending/worker';
import coincideWindow from 'coincide/window/main';
import coincideWindowWorker from 'coincide/window/worker';
import coincideWorker from 'coincide/worker';
import type { Exports, Functions } from './interface.js';

export const main = coincide<Exports, Functions>();
export const worker = new main.Worker('./worker.js');
export const threads = pool(2, () => worker);
export const withWindow = new (coincideWindow<Exports, Functions>().Worker)('./worker.js');
export const values = [callback(() => 1), expose({ n: 1 }), stream([1]), main.transfer(new ArrayBuffer(1))];
export const openWindow = () => coincideWindowWorker<Exports, Functions>();
export const openSuspending = () => coincideSuspending<Exports, Functions>();
export const openEither = () => coincideWorker<Exports, Functions>({ promises: true });

export class Service {
  proxy = worker.proxy;
  scope = coincideWorker<Exports, Functions>();
  watch(path: string) {
    return this.proxy.watch(path, callback(text => text.length));
  }
  inner() {
    return this.proxy.counter.inner;
  }
  rows() {
    return this.proxy.rows(1);
  }
  give() {
    return main.transfer(new ArrayBuffer(1));
  }
  async ask() {
    const { proxy, within } = await this.scope;
    const ask = proxy.ask('why', callback(answer => answer.length));
    return { ask, later: within({ promise: true }, ask), records: proxy.records(), settings: proxy.settings };
  }
}
