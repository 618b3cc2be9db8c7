// Main's side of the bench: a worker that does chores.

/** The worker of a subject, whose script has been bundled beside this. */
export const scriptOf = name => new URL(`./${name}.worker.js`, import.meta.url);

/** How a worker is asked to do chores, and ended. */
export const connect = worker => {
  const pending = new Map();
  let up;
  let fail;
  const started = new Promise((resolve, reject) => {
    up = resolve;
    fail = reject;
  });
  started.catch(() => {});
  const end = error => {
    fail(error);
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  };
  worker.addEventListener('message', ({ data }) => {
    if (data?.up) up(data.up);
    const asked = pending.get(data?.answer);
    if (!asked) return;
    pending.delete(data.answer);
    if (data.error) asked.reject(new Error(data.error));
    else asked.resolve(data.value);
  });
  worker.addEventListener('error', event => end(new Error(event.message || 'the worker could not be loaded')));
  let number = 0;
  return {
    /** When the worker had its first answer from main, on the common clock. */
    started,
    ask: (chore, options) =>
      new Promise((resolve, reject) => {
        number += 1;
        pending.set(number, { resolve, reject });
        worker.postMessage({ chore, number, options });
      }),
    close() {
      worker.terminate();
      end(new Error('the worker was ended'));
    },
  };
};
