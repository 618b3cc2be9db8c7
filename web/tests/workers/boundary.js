// The worker of the tests of the boundary: see `boundary.tests.mjs`.
import { wasmMemory } from '../instances.mjs';
import { dive } from '../boundary.tests.mjs';
import { results, surroundings } from '../hostile.mjs';

export const run = async coincide => {
  const scope = await coincide();
  const { proxy, within, notify, check, sleep, sync } = scope;

  const failure = error => {
    let message = '';
    let name;
    try {
      name = error?.name;
      message = String(error?.message ?? error);
    } catch {}
    return { threw: true, name, message };
  };
  const attempt = async action => {
    try {
      return { value: await action() };
    } catch (error) {
      return failure(error);
    }
  };

  proxy.echo = value => value;
  proxy.makes = length => 'x'.repeat(length);
  proxy.floods = count => {
    for (let i = 0; i < count; i++) notify('slow');
  };
  proxy.computes = () => {
    for (;;) check();
  };
  proxy.transfersBadly = async () => {
    const names = [];
    for (const moved of [[5], [{}]])
      for (const send of [() => proxy.hears(scope.transfer(...moved)), () => promises.hears(scope.transfer(...moved)), () => notify('hears', scope.transfer(...moved))])
        names.push((await attempt(send)).name);
    return names;
  };
  proxy.never = () => new Promise(() => {});
  proxy.fails = () => {
    throw new RangeError('of the worker');
  };
  proxy.failsAtLength = lines => {
    throw Object.assign(new Error('long'), { stack: '\n    at a (<anonymous>)'.repeat(lines) });
  };
  /** Where the worker blocks, it is blocked in here. */
  proxy.call = (name, ...args) => {
    try {
      const value = proxy[name](...args);
      return value instanceof Promise ? value.then(value => ({ value }), failure) : { value };
    } catch (error) {
      return failure(error);
    }
  };
  for (const [name, { make }] of [...Object.entries(results), ...Object.entries(surroundings)]) proxy[name] = make;

  let restore;
  proxy.install = name => {
    surroundings[name].install(() => new Promise(done => (restore = done)));
  };
  proxy.restore = () => restore();

  const own = { proxy, within: within({ timeout: 1000 }), scope };
  proxy.own = what => own[what];
  proxy.sendsOwn = what => attempt(() => proxy.echo(own[what]));

  const later = promise => void promise.catch(() => {});
  const promises = within({ promise: true });
  const kinds = {
    'awaited call': () => later(promises.echo(1)),
    notify: () => notify('noted', 'x'),
    export: () => (proxy.exported = () => 1),
    unexport: () => delete proxy.exported,
    check,
    sleep: () => sleep(0),
  };
  if (sync)
    Object.assign(kinds, {
      call: () => proxy.echo(1),
      'call with text': () => proxy.echo('x'.repeat(300), [1, 2, { a: [1.5, 'y', null] }]),
      'call within limits': () => within({ timeout: 60_000 }).echo(1),
      'nested call': () => proxy.nested(),
      'call that throws': () => {
        try {
          proxy.fails();
        } catch (error) {
          if (error.message !== 'boom') throw error;
        }
      },
    });
  proxy.kinds = () => Object.keys(kinds);
  proxy.dives = (kind, width) => dive(kinds[kind], width);

  proxy.nests = () =>
    attempt(() => {
      const value = {
        get inner() {
          return proxy.echo(value);
        },
      };
      return proxy.echo(value);
    });

  proxy.corrupts = () => new Uint8Array(wasmMemory().buffer).fill(0xff);
  /** Tells that this worker is alive, beside the link. */
  proxy.beats = channel => {
    const beats = new BroadcastChannel(channel);
    setInterval(() => beats.postMessage('beat'), 20);
  };
};
