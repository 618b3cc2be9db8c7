// Helpers of the tests of single links.
import { deepEqual } from './suite.mjs';

export const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

/** Waits until `condition` returns a true value or a promise of one. Throws after 10,000 attempts. */
export const until = async condition => {
  for (let attempts = 0; attempts < 10_000; attempts++) {
    if (await condition()) return;
    await pause(2);
  }
  throw new Error(`the condition did not hold in 10,000 attempts: ${condition}`);
};

/** Waits until the tables of the worker's link have these sizes: releases travel behind calls. */
export const settles = async (w, given, received) => {
  const isSettled = async () => {
    const found = w.handles();
    return (found.given === given && found.received === received) || (await w.proxy.echo(1), false);
  };
  await until(isSettled).catch(() => deepEqual(w.handles(), { given, received }));
};

/** Calls `action` when the worker `w` of `workers/all.js` notifies `begun`. */
export const onceBegun = (w, action) => {
  w.proxy.begun = () => {
    w.proxy.begun = () => {};
    action();
  };
};

/** Runs functions in a worker of `workers/objects.js`, from their source. */
export const runnerOf = w => (fn, ...args) => w.proxy.run(String(fn), ...args);

/** Registers tests by `test`, each with a worker of `workers/objects.js` of its own. The body receives the worker and its `runnerOf`. */
export const linkOf = (test, Worker, worker) => (name, body) =>
  test(name, async () => {
    const w = new Worker(worker('objects'));
    try {
      return await body(w, runnerOf(w));
    } finally {
      w.terminate();
    }
  });

/** Registers tests with workers of `workers/all.js`. */
export const linkKit = (register, { coincide: made, worker, tier }) => {
  const blocks = tier !== 'messages';
  /** `coincide` with this tier. Calls of a worker that cannot block return promises. */
  const coincide = options => made({ tier, promises: !blocks, ...options });
  const test = (name, body) => register(`${tier}: ${name}`, body);
  const { Worker } = coincide();

  /** Calls `body` with a worker, which it terminates afterwards. */
  const using = async (body, { ready = true, Class = Worker, options } = {}) => {
    const w = new Class(worker('all'), options);
    try {
      if (ready) await w.ready;
      return await body(w);
    } finally {
      w.terminate();
    }
  };
  const link = (name, body, options) => test(name, () => using(body, options));
  /** A test for tiers on which the worker blocks. */
  const blocking = (name, body) => blocks && link(name, body);
  return { blocks, coincide, test, using, link, blocking };
};
