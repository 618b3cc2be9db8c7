// The live rate: coincide and two other libraries call the page from workers, in turns.
import coincide from 'coincide/main';
import coincident from 'coincident/main';
import { expose } from 'comlink';

const functions = { inc: k => k + 1, echo: bytes => bytes };
const script = name => new URL(`rate/${name}.worker.js`, document.baseURI);

/** `start` returns a worker, or the reason why the library cannot run here. `note` is shown beside the name. */
const LIBRARIES = [
  {
    name: 'coincide',
    start: () => {
      const worker = coincide().wrap(new Worker(script('coincide'), { type: 'module' }));
      Object.assign(worker.proxy, functions);
      return worker;
    },
    note: worker => (worker.tier === 'messages' ? 'awaits: this page is not isolated' : ''),
  },
  {
    name: 'coincident',
    start: () => {
      if (!crossOriginIsolated) return 'needs an isolated page to block';
      const { Worker } = coincident();
      const worker = new Worker(script('coincident'));
      Object.assign(worker.proxy, functions);
      return worker;
    },
    note: () => '',
  },
  {
    name: 'comlink',
    start: () => {
      const worker = new Worker(script('comlink'), { type: 'module' });
      expose(functions, worker);
      return worker;
    },
    note: () => 'awaits: it has no calls that block',
  },
];

const ROWS = ['inc', 'echo'];
const ROUNDS = 5;
const PLAN = { warmUp: 10, batch: 70, samples: 5 };
const WARM_UP = { warmUp: 150, batch: 1, samples: 1 };
const LIMIT = 20_000;

const answerOf = worker =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer after ${LIMIT / 1000} s`)), LIMIT);
    const settle = (settled, value) => {
      clearTimeout(timer);
      worker.removeEventListener('message', listener);
      settled(value);
    };
    const listener = ({ data }) => {
      if (data?.up || data?.samples) settle(resolve, data.samples);
      else if (data?.failed) settle(reject, new Error(data.failed));
    };
    worker.addEventListener('message', listener);
    worker.addEventListener('error', ({ message }) => settle(reject, new Error(message || 'the worker cannot be loaded')), { once: true });
  });

/** Samples of a worker, in nanoseconds. */
const ask = (worker, measure, plan) => {
  const answer = answerOf(worker);
  worker.postMessage({ measure, plan });
  return answer;
};

/** Resolves when the tab is visible. Browsers throttle hidden tabs. */
const visible = async () => {
  if (document.hidden) await new Promise(resolve => document.addEventListener('visibilitychange', resolve, { once: true }));
  return document.hidden ? visible() : undefined;
};

const quantile = (sorted, part) => sorted[Math.round((sorted.length - 1) * part)];

/**
 * Measures in rounds. Reports after each round, for each row and library, the median and the quartiles in nanoseconds; a library that failed has only
 * a note with the reason.
 *
 * @param {(results: object, rounds: [number, number]) => void} report
 */
export const measure = async report => {
  const results = Object.fromEntries(ROWS.map(row => [row, LIBRARIES.map(({ name }) => ({ name, samples: [], note: '' }))]));
  const each = (at, change) => ROWS.forEach(row => change(results[row][at]));
  const workers = [];
  try {
    for (const [at, { start, note }] of LIBRARIES.entries()) {
      try {
        const worker = start();
        if (typeof worker === 'string') throw new Error(worker);
        workers[at] = worker;
        await answerOf(worker);
        for (const row of ROWS) await ask(worker, row, WARM_UP);
        each(at, result => (result.note = note(worker)));
      } catch (error) {
        workers[at]?.terminate();
        workers[at] = undefined;
        each(at, result => (result.note = error.message));
      }
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const row of ROWS) {
        for (let turn = 0; turn < LIBRARIES.length; turn++) {
          // Each round starts with another library.
          const at = (turn + round) % LIBRARIES.length;
          if (!workers[at]) continue;
          let samples;
          do {
            await visible();
            const hidden = new AbortController();
            document.addEventListener('visibilitychange', () => hidden.abort(), { once: true, signal: hidden.signal });
            samples = await ask(workers[at], row, PLAN);
            if (hidden.signal.aborted) samples = undefined;
            hidden.abort();
          } while (!samples);
          const result = results[row][at];
          result.samples.push(...samples);
          const sorted = result.samples.toSorted((a, b) => a - b);
          Object.assign(result, { median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) });
        }
      }
      report(results, [round + 1, ROUNDS]);
    }
  } finally {
    for (const worker of workers) worker?.terminate();
  }
  return results;
};
