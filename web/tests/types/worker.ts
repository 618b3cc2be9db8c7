// The worker, on any platform.
import coincide, { CoincideError, type Exposed, type Interface, type Tier, type Transferable, type Transferred, type Untyped, type WorkerProxy } from 'coincide/worker';
import type { Exports, Functions } from './interface.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => {};

/** Calls give awaited results. */
export const called = async () => {
  const { proxy, within, notify, sync, native, transfer, direct, check, sleep, fail, ready } = await coincide<Exports, Functions>({ ready: 'manual' });
  const greeting = proxy.hello('PyScript');
  same<typeof greeting, string>(true);
  const text = proxy.fetchText('a');
  same<typeof text, string>(true);
  same<ReturnType<typeof proxy.note>, void>(true);
  const { buffer } = new Uint8Array(1);
  proxy.note('text', transfer(buffer));
  const limited = within({ timeout: 10, promise: false }).hello('again');
  same<typeof limited, string>(true);
  const later = within({ promise: true });
  const promised = later.fetchText('b');
  same<typeof promised, Promise<string>>(true);
  later.version = () => 42;
  notify('note', 'text');
  check();
  sleep(1);
  fail(new Error('why'));
  ready();
  const copy: number = direct(1);
  // @ts-expect-error: main has no such function.
  proxy.helo('PyScript');
  // @ts-expect-error: nor with promises.
  later.helo('PyScript');
  // @ts-expect-error: the name is missing.
  proxy.hello();
  // @ts-expect-error: the name is a string.
  proxy.hello(1);
  // @ts-expect-error: the call blocks.
  proxy.fetchText('a').then(() => {});
  // @ts-expect-error: the worker cannot call its own functions through the proxy.
  proxy.version();
  // @ts-expect-error: main has no such function.
  notify('ntoe', 'text');
  // @ts-expect-error: the text is missing.
  notify('note');
  // @ts-expect-error: a sleep is a number of milliseconds.
  sleep('1 s');
  // @ts-expect-error: no such limit.
  within({ timout: 1 });
  return [sync, native, copy];
};

/** Exports are checked when they are set. */
export const exported = (proxy: WorkerProxy<Exports, Functions>) => {
  proxy.version = () => 42;
  proxy.version = async () => 42;
  proxy.load = async (path, retries = 1) => Array.from({ length: retries }, () => path);
  proxy.load = path => [path];
  proxy.log = text => console.log(text);
  proxy.sum = (...numbers) => numbers.reduce((a, b) => a + b, 0);
  delete proxy.version;
  // @ts-expect-error: main expects no such function.
  proxy.versoin = () => 42;
  // @ts-expect-error: the result is a number.
  proxy.version = () => '42';
  // @ts-expect-error: the path is a string.
  proxy.load = async (path: number) => [`${path}`];
  // @ts-expect-error: `hello` is main's.
  proxy.hello = () => 'Hello';
};

/** With `promises`, calls give promises where the worker cannot block. */
export const either = async () => {
  const { proxy, within } = await coincide<Exports, Functions>({ promises: true });
  const greeting = proxy.hello('PyScript');
  same<typeof greeting, string | Promise<string>>(true);
  const awaited = await greeting;
  same<typeof awaited, string>(true);
  const promised = within({ promise: true }).hello('PyScript');
  same<typeof promised, Promise<string>>(true);
  // @ts-expect-error: main has no such function.
  proxy.helo('PyScript');
  // What exports receive is called in the same way.
  const callbacks = await coincide<{ apply(add: (a: number) => number, made: Exposed<{ n: number; twice(): number }>): Promise<number> }>({ promises: true });
  callbacks.proxy.apply = async (add, made) => {
    const sum = add(1);
    same<typeof sum, number | Promise<number>>(true);
    // @ts-expect-error: it may be a promise.
    sum.toFixed();
    return (await sum) + (await made.twice());
  };
  const blocking = await coincide<{ apply(add: (a: number) => number): number }>();
  blocking.proxy.apply = add => {
    const sum = add(1);
    same<typeof sum, number>(true);
    return sum;
  };
  // @ts-expect-error: it may be a promise.
  return greeting.length;
};

/** Without interfaces, everything goes; with `Exports` alone, main offers nothing. */
export const untyped = async () => {
  const { proxy, within, notify } = await coincide({ strict: true });
  const result = proxy.anything(1, 'two');
  same<typeof result, any>(true);
  proxy.version = () => 42;
  within({ promise: true }).anything();
  notify('anything', 1);
  const exporting = await coincide<Exports>();
  exporting.proxy.version = () => 42;
  // @ts-expect-error: without `Functions`, main offers none.
  exporting.proxy.hello('x');
  // @ts-expect-error: no such option.
  coincide({ raedy: 'manual' });
  // @ts-expect-error: it is an option of main.
  coincide({ tier: 'messages' });
};

export const failed = (error: unknown) => error instanceof CoincideError && error.code === 'CannotBlock';

/** A worker needs no types of `coincide/main`. */
export const named = async <E extends Interface<E>>(objects: Transferable[]): Promise<[WorkerProxy<E, Untyped>, Tier, Transferred]> => {
  const { proxy, tier, transfer } = await coincide<E, Untyped>();
  return [proxy, tier, transfer(...objects)];
};
