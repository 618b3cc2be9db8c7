// The worker of an interpreter that suspends.
import coincide, { type Scope } from 'coincide/suspending/worker';
import type { Exports, Functions } from './interface.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => {};

/** The tier decides what there is. */
export const suspended = async () => {
  const scope = await coincide<Exports, Functions>({ ready: 'manual' });
  const greeting: string = await scope.proxy.hello('PyScript');
  if (scope.tier !== 'suspending') {
    scope.window.document.title = greeting;
    const run: (n: number) => number = scope.enter((n: number) => n);
    return run(1);
  }
  const { window, ffi, sleep, enter, check, isWindowProxy } = scope;
  same<typeof window.kind, 'object' | 'array' | 'function'>(true);
  // @ts-expect-error: a reference has no properties of its object.
  window.document;
  const document = await ffi.reflect.get(window, 'document');
  const done = ffi.reflect.set(document, 'title', greeting);
  same<typeof done, Promise<boolean>>(true);
  await ffi.settled(await ffi.reflect.invoke(window, 'fetch', ['a']));
  await sleep(1, { signal: AbortSignal.timeout(1) });
  // @ts-expect-error: it takes no promise of another type.
  const run: (n: string) => Promise<number> = enter(async (n: number) => n);
  check();
  return isWindowProxy(document) ? run('1') : 0;
};

/** The type of the scope, which `tier` narrows. */
export const open = async (): Promise<Scope<Exports, Functions>> => {
  const scope = await coincide();
  same<typeof scope, Scope>(true);
  return coincide<Exports, Functions>();
};

/** Callbacks that exports receive may block or return promises, as calls of main do. */
export const callbacks = async () => {
  const { proxy } = await coincide<{ apply(add: (a: number) => number): Promise<number> }>();
  proxy.apply = async add => {
    const sum = add(1);
    same<typeof sum, number | Promise<number>>(true);
    // @ts-expect-error: it may be a promise.
    sum.toFixed();
    return sum;
  };
};
