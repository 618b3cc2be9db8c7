// What the tests of streams have in common.

export const collected = async (iterable, most = Infinity) => {
  const rows = [];
  for await (const row of iterable) {
    rows.push(row);
    if (rows.length >= most) break;
  }
  return rows;
};

export const numbers = length => Array.from({ length }, (_, i) => i);

/** Exports generators of the worker that count their rows and their ends. */
export const exporting = run =>
  run(({ proxy, kept, pause }) => {
    Object.assign(kept, { made: 0, ended: 0 });
    proxy.sync = function* (length, fails) {
      try {
        for (let i = 0; i < length; i++) {
          if (i === fails) throw new RangeError('too far');
          kept.made++;
          yield i;
        }
      } finally {
        kept.ended++;
      }
    };
    proxy.later = async function* (length, fails, ms) {
      try {
        for (let i = 0; i < length; i++) {
          if (ms !== undefined) await pause(ms);
          if (i === fails) throw new RangeError('too far');
          kept.made++;
          yield i;
        }
      } finally {
        kept.ended++;
      }
    };
    proxy.counts = () => [kept.made, kept.ended];
  });

/** The same on main. */
export const offering = w => {
  const kept = { made: 0, ended: 0 };
  w.proxy.sync = function* (length, fails) {
    try {
      for (let i = 0; i < length; i++) {
        if (i === fails) throw new RangeError('too far');
        kept.made++;
        yield i;
      }
    } finally {
      kept.ended++;
    }
  };
  w.proxy.later = async function* (length, fails) {
    try {
      for (let i = 0; i < length; i++) {
        await null;
        if (i === fails) throw new RangeError('too far');
        kept.made++;
        yield i;
      }
    } finally {
      kept.ended++;
    }
  };
  return kept;
};
