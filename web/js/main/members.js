// Members of workers with a link: of the class `Worker` of coincide, and of wrapped workers.
import { controllerOf } from './controller.js';
import { entry, located, ours, site } from '../errors.js';
import { UNSENDABLE, textOf } from '../proxy.js';
import { roomFor } from '../link/stack.js';

/** The controller of the worker on which a member is used. Throws if there is none. */
const own = (worker, name) => {
  const controller = controllerOf(worker);
  if (!controller) throw ours(new TypeError(`\`${name}\` is a member of workers with a link, and was used on something else: call it as a method of the worker`));
  return controller;
};

const read = (name, of) => ({ configurable: true, enumerable: false, get: entry(function () { return of(own(this, name)); }) });
const method = body => ({ configurable: true, enumerable: false, writable: true, value: body });

/** Marks workers that have a link, for all copies of coincide. */
export const WRAPPED = Symbol.for('coincide:wrapped');

/** The descriptors of all members except `proxy`. */
export const membersOf = ({ platform, reflection }) => ({
  ready: read('ready', controller => controller.ready),
  tier: read('tier', controller => controller.tier),
  [UNSENDABLE]: { configurable: true, value: 'a worker' },
  [WRAPPED]: { value: true },
  within: method(
    entry(function (...given) {
      return own(this, 'within').within(...given);
    }),
  ),
  handles: method(
    entry(function () {
      return own(this, 'handles').handles();
    }),
  ),
  interrupt: method(
    entry(function () {
      roomFor('interrupt');
      own(this, 'interrupt').interrupt();
    }),
  ),
  notify: method(function (name, ...args) {
    try {
      const controller = own(this, 'notify');
      controller.notify(textOf(name), args, controller.isLinked ? undefined : site());
    } catch (error) {
      throw located(error, site());
    }
  }),
  terminate: method(
    entry(function () {
      roomFor('terminate');
      return own(this, 'terminate').terminate();
    }),
  ),
  ...(reflection?.ffi && { ffi: read('ffi', controller => controller.ffi) }),
  ...(platform.holdsMessages && {
    postMessage: method(function (...message) {
      return own(this, 'postMessage').postMessage(...message);
    }),
  }),
});
