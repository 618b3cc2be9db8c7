// What calls carry, and whether answers are what was sent. No two calls are alike, so that nobody gets away with an old answer.

/** Main's functions, the same for all subjects. */
export const functions = { inc: k => k + 1, echo: value => value };

/** The functions that workers export. */
export const exported = {
  next: k => k + 1,
  /** Calls a function of main. */
  applied: (fn, k) => fn(k),
  *rows() {
    for (let k = 0; ; k++) yield k;
  },
};

/** A call for each row of round trips: `call(main, k)` makes the one numbered k and judges the answer. */
export const CALLS = {
  'inc': (main, k) => expect(main.inc(k) === k + 1),
  'echo/8-values': (main, k) => {
    const { name, list, n, flag } = main.echo({ name: 'coincide', list: [1, 2, 3, 4, 5], n: k, flag: true });
    expect(n === k && name === 'coincide' && list.length === 5 && flag);
  },
  'echo/100-records': (main, k) => {
    for (const record of RECORDS) record.revision = k;
    const records = main.echo(RECORDS);
    expect(records.length === RECORDS.length && records[99].revision === k && records[99].name === 'record 99');
  },
  'echo/1MiB': (main, k) => {
    BYTES[0] = k;
    BYTES[BYTES.length - 1] = ~k;
    const bytes = main.echo(BYTES);
    expect(bytes.length === BYTES.length && bytes[0] === BYTES[0] && bytes.at(-1) === BYTES.at(-1));
  },
  'window/property': ({ dataset }) => expect(dataset.test === 'x'),
  'window/path': ({ window }) => expect(window.document.body.dataset.test === 'x'),
  'window/assignment': ({ dataset }, k) => {
    dataset.count = k;
  },
  'window/several': ({ dataset, together }, k) =>
    together(() => {
      for (let i = 0; i < 10; i++) dataset[`count${i}`] = k;
    }),
};

/** Throws unless the answer fits. */
export const expect = fits => {
  if (!fits) throw new Error('the answer is not what was sent');
};

const RECORDS = Array.from({ length: 100 }, (_, id) => ({ id, name: `record ${id}`, score: id / 7, revision: 0 }));

const BYTES = new Uint8Array(1 << 20);
