// Workers, for pages and for Node.js: what differs between them is handed in.
import { initSync, WorkerEnd } from './coincide.js';
import { CoincideError } from './errors.js';
import { BOOT, RING, detach, limitsOf, measured, optionsOf, prepare, proxyOf } from './proxy.js';
import { transformed } from './transform.js';

export const create = platform => {
  // Installed while the module is evaluated: main's first message may be there right afterwards.
  let boot;
  const booted = new Promise(resolve => (boot = resolve));
  let end;
  platform.onMessage(platform.self, data => {
    if (data === RING) {
      end?.ring();
      return true;
    }
    const message = data?.[BOOT];
    if (!message) return false;
    boot(message);
    return true;
  });

  let taken = false;
  return async given => {
    const options = optionsOf(given);
    const { module, buffer } = await booted;
    if (taken) throw new CoincideError('Twice', 'this worker has called coincide() already', '');
    taken = true;
    // Nothing below waits: whoever adds a listener after `await coincide()` misses no message.
    initSync({ module });
    const bell = Atomics.waitAsync ? undefined : { postMessage: () => platform.self.postMessage(RING) };
    end = new WorkerEnd(buffer, bell, options.strict);

    const proxy = limits => {
      const { timeout, signal } = limitsOf(limits);
      const caller = name => {
        const number = end.name(name);
        const { transform } = options;
        return (...args) => {
          const start = options.measure ? performance.now() : 0;
          const [sent, moved] = prepare(args, options);
          signal?.throwIfAborted();
          try {
            const result = end.call(number, sent, timeout);
            detach(moved);
            // An error that main's function gives is thrown, as it always was.
            if (result instanceof Error) throw result;
            return transform ? transform(result) : result;
          } finally {
            if (options.measure) measured(name, start);
          }
        };
      };
      return proxyOf(caller, {
        set(name, value) {
          const { transform } = options;
          end.export(name, transform && typeof value === 'function' ? transformed(value, transform) : value);
        },
        delete: name => end.unexport(name),
      });
    };

    // Once the worker's own code has run to its end, or to its first pause after this one, main may call its exports.
    const ready = () => end.ready();
    if (options.ready !== 'manual') setTimeout(ready, 0);

    return {
      proxy: proxy({}),
      within: proxy,
      ready,
      native: true,
      sync: true,
      transfer: options.transfer,
      direct: value => value,
      check: () => end.check(),
      notify(name, ...args) {
        const [sent, moved] = prepare(args, options);
        end.notify(name, sent);
        detach(moved);
      },
    };
  };
};
