// What the tests of single links have in common.

export const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

/** Waits until `condition` returns something true, or a promise of it. Throws if it does not after many attempts. */
export const until = async condition => {
  for (let attempts = 0; attempts < 10_000; attempts++) {
    if (await condition()) return;
    await pause(2);
  }
  throw new Error(`it does not hold after 10,000 attempts: ${condition}`);
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
