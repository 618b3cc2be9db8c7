// The function `coincide` of main, for pages and for Node.js. `platform` has the differences.
import { Controller, controllerOf } from './controller.js';
import { CoincideError, entry, located, ours, site } from '../errors.js';
import { WRAPPED, membersOf } from './members.js';
import { Names } from './names.js';
import { bytesOf, differing, optionsOf } from '../proxy.js';
import { Relays } from '../relay/relays.js';
import { roomFor } from '../link/stack.js';
import { Start } from './start.js';
import { diagnose, tierOf } from '../tier.js';
import { inWords } from '../link/values.js';

/**
 * @param platform see `platform/page.js`
 * @param source see `wasm.js`
 * @param reflection lets workers operate on objects of main: see `reflect/main.js`. Its optional `defaults` are options. Undefined in entries without `window`
 */
export const create = (platform, source, reflection) => {
  const main = { platform, reflection, start: new Start(source), names: new Names(), relays: new Relays(platform) };
  const members = membersOf(main);

  /** `coincide(options)`. */
  return entry(given => {
    const options = optionsOf({ ...reflection?.defaults, ...given });
    if (options.memory !== undefined) main.start.limit(bytesOf(options.memory));

    /** The options of a worker, and its tier. */
    const judged = own => {
      const requested = { ...options, ...own };
      main.names.check(requested.name);
      return { requested, tier: tierOf(platform, requested) };
    };

    const begin = (worker, more) => {
      const controller = new Controller(worker, main, { options, ...more });
      // An own property is faster than a getter, and programs read it for each call.
      Object.defineProperty(worker, 'proxy', { configurable: true, enumerable: true, value: controller.proxy });
    };

    class Worker extends platform.Worker {
      constructor(url, own = {}) {
        roomFor('Worker');
        const here = site();
        let found;
        try {
          found = judged(own);
        } catch (error) {
          throw located(error, here);
        }
        super(url, { ...own, type: own?.type ?? 'module' });
        begin(this, { ...found, here, url, holds: platform.holdsMessages, end: () => platform.terminate(this) });
      }
    }
    Object.defineProperties(Worker.prototype, members);

    /** Adds a link to a worker of the program. */
    const wrap = (worker, own = {}) => {
      roomFor('wrap');
      const here = site();
      try {
        const fault = platform.whyNoWorker(worker);
        if (fault) throw ours(new TypeError(`\`wrap\` takes a worker: ${fault}`));
        if (own === null || typeof own !== 'object') throw ours(new TypeError(`the options of \`wrap\` have to be an object, not ${inWords(own)}`));
        if (worker[WRAPPED]) {
          checkSame(controllerOf(worker), { ...given, ...own });
          return worker;
        }
        const found = judged(own);
        const { terminate } = worker;
        const holds = platform.holdsMessages && platform.isPlain(worker);
        const { postMessage, ...others } = members;
        add(holds ? members : others, worker);
        begin(worker, { ...found, here, holds, end: () => terminate.call(worker) });
        return worker;
      } catch (error) {
        throw located(error, here);
      }
    };

    /** Throws unless a worker that is wrapped again has a link of this copy with the same options. */
    const checkSame = (controller, given) => {
      const linked = 'the worker has a link already';
      if (!controller) throw new CoincideError('Copies', `${linked}: another copy of coincide has wrapped it, so two were loaded; have all scripts import the same one`, '');
      if (!controller.isOf(main)) throw new CoincideError('Copies', `${linked}: another entry of coincide has wrapped it, with \`window\` or without; use one of them for this worker`, '');
      const option = differing(controller.requested, given);
      if (option) throw new CoincideError('Options', `${linked}, and another \`${option}\`: pass options to the first \`wrap\` only, or the same ones`, '');
    };

    return {
      Worker,
      wrap,
      workers: main.names.workers,
      native: platform.shared(),
      transfer: options.transfer,
      relay: async (script = options.serviceWorker) => {
        const here = site();
        try {
          if (!platform.shared()) await main.relays.at(script, options.reload);
        } catch (error) {
          throw located(error, here);
        }
      },
      diagnose: () => diagnose(platform, options),
    };
  });
};

/** Adds members to a worker of the program. Throws without adding any if one cannot be added. */
const add = (members, worker) => {
  const taken = ['proxy', ...Reflect.ownKeys(members)].find(key => Reflect.getOwnPropertyDescriptor(worker, key)?.configurable === false);
  if (taken !== undefined) throw ours(new TypeError(`\`wrap\` cannot add \`${String(taken)}\` to the worker: it has a property of that name that cannot be redefined`));
  if (!Object.isExtensible(worker)) throw ours(new TypeError('`wrap` cannot add `proxy` to the worker, because it is frozen or not extensible: wrap it before you freeze it'));
  Object.defineProperties(worker, members);
};
