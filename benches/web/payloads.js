// The contents of calls, and checks of their answers. No two calls are alike, so that an old answer is detected.

/** Main's functions, the same for all subjects. */
export const functions = {
  inc: k => k + 1,
  echo: value => value,
  /** The first byte of an image. */
  pixel: image => image[0],
  /** A line that a user types: it arrives in a later task. */
  async input(question) {
    await task();
    return `${question}yes`;
  },
  print: () => {},
};

/** Resolves in a task of its own, without the delay of a timer. */
const task = () =>
  new Promise(resolve => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });

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
  'echo/8-values': (main, k) => expect(isEcho(main.echo(eightValues(k)), k)),
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
  'image/4MiB': (main, k) => {
    IMAGE[0] = k & 255;
    expect(main.pixel(IMAGE) === (k & 255));
  },
  'input': (main, k) => {
    const question = `${k}? `;
    expect(main.input(question) === `${question}yes`);
    main.print(question);
  },
  'window/10000-writes': ({ window, together }, k) => {
    cells ??= Array.from({ length: 100 }, () => window.document.body.appendChild(window.document.createElement('td')));
    together(() => {
      for (let i = 0; i < 10_000; i++) cells[i % cells.length].textContent = `${k}, ${i}`;
    });
    expect(cells[99].textContent === `${k}, 9999`);
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

/** Some of these calls for functions of main whose results are promises. */
export const AWAITED = {
  'inc': async (main, k) => expect((await main.inc(k)) === k + 1),
  'echo/8-values': async (main, k) => expect(isEcho(await main.echo(eightValues(k)), k)),
  'input': async (main, k) => {
    const question = `${k}? `;
    expect((await main.input(question)) === `${question}yes`);
    await main.print(question);
  },
};

const eightValues = k => ({ name: 'coincide', list: [1, 2, 3, 4, 5], n: k, flag: true });

const isEcho = ({ name, list, n, flag }, k) => n === k && name === 'coincide' && list.length === 5 && flag;

/** Throws unless the answer fits. */
export const expect = fits => {
  if (!fits) throw new Error('the answer is not what was sent');
};

const RECORDS = Array.from({ length: 100 }, (_, id) => ({ id, name: `record ${id}`, score: id / 7, revision: 0 }));

const BYTES = new Uint8Array(1 << 20);

/** 1,024 by 1,024 pixels of four bytes. */
const IMAGE = new Uint8ClampedArray(4 << 20);

/** Elements of main, made by the first call that needs them. */
let cells;
