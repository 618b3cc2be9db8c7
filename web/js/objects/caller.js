// Functions with which programs call the other end.
import { located, ours, site, siteInShort } from '../errors.js';
import { roomFor } from '../link/stack.js';
import { iterable } from './streams.js';
import { USE } from './use.js';

/**
 * A function of the other end, for programs.
 *
 * @param caller makes calls with the limits of `within`. `blocks`: calls return results instead of promises. `call(name, args, shown, pack, here)` makes a call;
 * `shown` is its name in errors, `here` a `site`. `within(limits)` returns another caller. `signal` is one of its limits
 * @param pack converts the arguments of a call to those that are sent
 * @param construct the same for calls with `new`; undefined if the function is not a class
 */
export const functionOf = (caller, name, shown, pack, construct) =>
  caller.blocks
    ? function (...args) {
        try {
          roomFor(shown);
          return new.target ? caller.call(USE, args, shown, constructed(construct, shown)) : caller.call(name, args, shown, pack);
        } catch (error) {
          throw located(error, site(), caller.signal);
        }
      }
    : function (...args) {
        let here;
        try {
          roomFor(shown);
          here = siteInShort();
          return new.target ? caller.call(USE, args, shown, constructed(construct, shown), here) : iterable(caller.call(name, args, shown, pack, here));
        } catch (error) {
          throw located(error, here ?? site(), caller.signal);
        }
      };

const constructed = (construct, shown) => {
  if (construct) return construct;
  throw ours(new TypeError(`\`${shown}\` is not a class: call it without \`new\``));
};
