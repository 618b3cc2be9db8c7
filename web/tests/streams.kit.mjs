// What the tests of streams have in common.
import { pause } from './link.kit.mjs';

export const collected = async (iterable, most = Infinity) => {
  const rows = [];
  for await (const row of iterable) {
    rows.push(row);
    if (rows.length >= most) break;
  }
  return rows;
};

export const numbers = length => Array.from({ length }, (_, i) => i);

/** Generators that count their rows and their ends in `kept`. */
const generators = (kept, pause) => {
  Object.assign(kept, { made: 0, ended: 0 });
  return {
    *sync(length, fails) {
      try {
        for (let i = 0; i < length; i++) {
          if (i === fails) throw new RangeError('too far');
          kept.made++;
          yield i;
        }
      } finally {
        kept.ended++;
      }
    },
    async *later(length, fails, ms) {
      try {
        for (let i = 0; i < length; i++) {
          await (ms === undefined ? null : pause(ms));
          if (i === fails) throw new RangeError('too far');
          kept.made++;
          yield i;
        }
      } finally {
        kept.ended++;
      }
    },
  };
};

/** Exports these generators from the worker. */
export const exporting = run =>
  run(({ proxy, kept, pause }, generators) => {
    Object.assign(proxy, (0, eval)(generators)(kept, pause));
    proxy.counts = () => [kept.made, kept.ended];
  }, String(generators));

/** Registers them on main. Returns their counts. */
export const offering = w => {
  const kept = {};
  Object.assign(w.proxy, generators(kept, pause));
  return kept;
};
