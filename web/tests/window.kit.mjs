// Helpers of the tests of main's objects.

export const windowKit = ({ coincideWindow, worker }) => ({
  /** Runs `body` in a worker with `root` as its `window`, and without a membrane unless `options` ask for one. `args` are passed unchanged. */
  within: async (root, body, { args = [], options, more } = {}) => {
    const { Worker } = coincideWindow({ root, membrane: false, ...options });
    const w = new Worker(worker('window'));
    try {
      const result = await w.proxy.run(String(body), ...args);
      await more?.(w, result);
      return result;
    } finally {
      w.terminate();
    }
  },
});
