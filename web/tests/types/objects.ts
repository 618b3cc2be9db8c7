// Callbacks and exposed objects, on any platform: what has to compile, and what must not.
import coincide, { callback, dispose, expose } from 'coincide/main';
import coincideWorker, { callback as mark } from 'coincide/worker';
import { Counter, type Exports, type Functions, type Observer } from './interface.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => {};

export const main = async () => {
  const worker = new (coincide<Exports, Functions>().Worker)('./worker.js');
  const { proxy } = worker;
  const stop = await proxy.watch('a', callback(text => text.length));
  proxy.watch('a', callback(async (text: string) => text.length), callback(() => {}));
  const stopped = stop();
  same<typeof stopped, Promise<boolean>>(true);
  const limited = worker.within({ timeout: 5 }, stop)();
  same<typeof limited, Promise<boolean>>(true);
  dispose(stop);
  const observer: Observer = { next() {}, done: async () => true, label: 'x' };
  proxy.observe(callback(observer));
  const given: number = worker.handles().given;
  // @ts-expect-error: a function has to be marked.
  proxy.watch('a', (text: string) => text.length);
  // @ts-expect-error: the result of the callback is a number.
  proxy.watch('a', callback((text: string) => text));
  // @ts-expect-error: its argument is a string.
  proxy.watch('a', callback((text: number) => text));
  // @ts-expect-error: an object with methods has to be marked.
  proxy.observe(observer);
  // @ts-expect-error: it takes no arguments.
  stop(1);
  // @ts-expect-error: a primitive has no calls.
  callback(1);
  // @ts-expect-error: nor members.
  expose('text');

  const value: number = await proxy.counter.value;
  const incremented = proxy.counter.inc(2);
  same<typeof incremented, Promise<number>>(true);
  proxy.counter.value = 3;
  const added = proxy.counter.inner.add(1);
  same<typeof added, Promise<number>>(true);
  const n: number = await proxy.counter.inner.n;
  const made = await new proxy.Counter(3);
  const again: Promise<number> = made.inc();
  const all: number = await proxy.Counter.made;
  dispose(made);
  // @ts-expect-error: there is no such member.
  proxy.counter.missing;
  // @ts-expect-error: its argument is a number.
  proxy.counter.inc('2');
  // @ts-expect-error: it is a number.
  proxy.counter.value = '3';
  // @ts-expect-error: the start is a number.
  new proxy.Counter('3');
  // @ts-expect-error: an object cannot be called.
  proxy.counter();

  proxy.ask = (question, answered) => {
    const length = answered(question);
    same<typeof length, Promise<number>>(true);
    return callback((again: number) => `${again}`);
  };
  proxy.settings = expose({ theme: 'dark', reset: (hard: boolean) => [`${hard}`] });
  // @ts-expect-error: a function in a result has to be marked.
  proxy.ask = () => (again: number) => `${again}`;
  // @ts-expect-error: it has to be exposed.
  proxy.settings = { theme: 'dark', reset: (hard: boolean) => [`${hard}`] };
  // @ts-expect-error: the theme is text.
  proxy.settings = expose({ theme: 1, reset: (hard: boolean) => [`${hard}`] });
  return [value, n, again, all, given];
};

export const worker = async () => {
  const { proxy, within, sleep, handles } = await coincideWorker<Exports, Functions>();
  proxy.watch = (path, changed, ended) => {
    const length = changed(path);
    same<typeof length, number>(true);
    ended?.();
    return mark(() => true);
  };
  proxy.observe = observer => {
    observer.next('row');
    const done = observer.done(1);
    same<typeof done, boolean>(true);
    // @ts-expect-error: only methods cross.
    observer.label;
  };
  proxy.counter = expose(new Counter());
  proxy.Counter = expose(Counter);
  const ask = proxy.ask('why', mark(answer => answer.length));
  const answer = ask(1);
  same<typeof answer, string>(true);
  const later = within({ promise: true }, ask)(1);
  same<typeof later, Promise<string>>(true);
  const theme: string = proxy.settings.theme;
  proxy.settings.theme = 'light';
  const reset = proxy.settings.reset(true);
  same<typeof reset, string[]>(true);
  sleep(1, { signal: new AbortController().signal });
  // @ts-expect-error: a function has to be marked.
  proxy.ask('why', (answer: string) => answer.length);
  // @ts-expect-error: its argument is a boolean.
  proxy.settings.reset('yes');
  // @ts-expect-error: a class has to be exposed.
  proxy.Counter = Counter;
  return [theme, handles().received];
};

/** Without interfaces, everything goes. */
export const untyped = async () => {
  const { proxy } = new (coincide().Worker)('./worker.js');
  proxy.anything(callback(() => 1));
  proxy.counter = expose(new Counter());
  await proxy.counter.value;
  proxy.counter.value = 3;
};
