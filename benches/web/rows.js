// The rows of the report: what is measured of a subject, and in which units.
//
// A row's `run` returns the samples of one batch for each of its figures, or a text for a figure that this browser cannot measure.
// `link` is the result of a subject's `open`. Rows that are `plain` run on the page that is not isolated, all others on the isolated one. Rows
// that are `steady` are repeated if their batches disagree. Those that are `once` have one round, `heavy` ones a third of the rounds.
// Those that are `hidden` run behind another tab.
import { flood } from './flood.js';
import { heaps, wasm } from './memory.js';
import { timeAwaited } from './meter.js';
import { expect } from './payloads.js';
import { start, startFirst } from './start.js';
import { besideBulk, hidden, many } from './use.js';

const trip = (name, about, more = {}) => ({
  name,
  about,
  section: 'Round trips',
  figures: { [name]: 'ns' },
  steady: true,
  run: async ({ link, plan }) => ({ [name]: await link.ask('batch', { row: name, plan }) }),
  ...more,
});

/** Awaited calls in messages: on a page that is not isolated, without a service worker. */
const inMessages = (name, about, run) => ({
  name,
  about,
  section: 'Round trips in messages',
  figures: { [name]: 'ns' },
  steady: true,
  plain: true,
  run: async at => ({ [name]: await run(at) }),
});

/** The calls of a row on a page that isn't isolated. */
const relayed = name => {
  const { run, ...row } = ROWS.find(row => row.name === name);
  const figure = `service-worker/${name}`;
  return {
    ...row,
    name: figure,
    section: 'Round trips without shared memory',
    figures: { [figure]: 'ns' },
    plain: true,
    run: async at => ({ [figure]: (await run(at))[name] }),
  };
};

/** Main awaits the next number of the worker. */
const awaited = ({ link, plan }) => timeAwaited(plan, async k => expect((await link.next(k)) === k + 1));

/** Rows of a stream, one batch from each. */
const streamed = async ({ link, plan }) => {
  const rows = await link.rows();
  const samples = await timeAwaited(plan, async k => expect((await rows.next()).value === k));
  await rows.return();
  return { 'stream-row': samples };
};

/** Cases that reflect use. */
const IN_USE = { section: 'In use' };

export const ROWS = [
  trip('inc', 'the worker calls main with a number and receives the next number'),
  trip('echo/8-values', 'the worker sends an object of a text, a list of five numbers, a number and a flag, and receives it back'),
  trip('echo/100-records', 'a list of records both ways: the worker sends an array of 100 objects of four fields, and receives it back'),
  trip('echo/1MiB', 'the worker sends a Uint8Array of 1 MiB, and receives it back'),
  trip('window/property', "the worker reads `test` of a node's `dataset`, which it holds"),
  trip('window/path', 'the worker reads `window.document.body.dataset.test`'),
  trip('window/assignment', "the worker sets `count` of a node's `dataset`, which it holds"),
  trip('window/several', "the worker sets ten properties of a node's `dataset`, in one batch if the library has batches"),
  {
    name: 'await',
    about: 'main awaits a function of the worker, which receives a number and returns the next number',
    section: 'Round trips',
    figures: { await: 'ns' },
    steady: true,
    run: async at => ({ await: await awaited(at) }),
  },
  {
    name: 'callback',
    about: 'main passes a function to a function of the worker, which calls it with a number, and returns the next number',
    section: 'Round trips',
    figures: { callback: 'ns' },
    steady: true,
    run: async ({ link, plan }) => ({ callback: await timeAwaited(plan, async k => expect((await link.applied(k)) === k + 1)) }),
  },
  {
    name: 'stream-row',
    about: 'main awaits the next number of a generator of the worker',
    section: 'Round trips',
    figures: { 'stream-row': 'ns' },
    steady: true,
    run: streamed,
  },
  inMessages('messages/await', 'main awaits a function of the worker that cannot block', awaited),
  inMessages('messages/call', 'a worker that cannot block awaits a function of main', ({ link, plan }) => link.ask('batch', { row: 'inc', plan })),
  trip('image/4MiB', 'the worker passes an image of 4 MiB (a Uint8ClampedArray) to main, which returns one of its bytes', IN_USE),
  trip('input', 'a loop as in an interpreter: the worker calls `input` of main, which answers in a later task, then `print`', IN_USE),
  trip('window/10000-writes', 'the worker sets the text of 100 elements 10,000 times, in one batch if the library has batches, and reads one of them', {
    ...IN_USE,
    steady: false,
    run: async ({ link, plan }) => ({
      'window/10000-writes': await link.ask('batch', { row: 'window/10000-writes', plan: { ...plan, warmUp: 0, samples: 1 } }),
    }),
  }),
  {
    name: 'beside-bulk',
    about: 'a worker calls `inc` while another worker of the same main echoes 1 MiB all the time: the time of `inc`, and echoes per second of the other',
    ...IN_USE,
    figures: { 'beside-bulk/inc': 'ns', 'beside-bulk/echoes': '1/s' },
    run: besideBulk,
  },
  {
    name: 'start',
    about: "from `new Worker` to the worker's first answer from main, on a page that has had such a worker before",
    section: 'Start',
    figures: { start: 'ns' },
    run: start,
  },
  {
    name: 'start/first',
    about: 'the same for the first worker of a new page: what main loads first counts',
    section: 'Start',
    figures: { 'start/first': 'ns' },
    run: startFirst,
  },
  {
    name: 'flood',
    about:
      'a worker calls `inc` all the time: calls and frames per second, the longest gap between two frames, and the longest ' +
      'hold-up: the delay of a due timer, or the longest task that the browser reports (from 50 ms on)',
    section: 'Flood',
    figures: { 'flood/calls': '1/s', 'flood/frames': '1/s', 'flood/frame-gap': 'ns', 'flood/hold-up': 'ns' },
    run: flood,
  },
  {
    name: 'memory',
    about: 'growth of the memory of each side over many calls of `inc`, per call',
    section: 'Memory',
    figures: { 'memory/main': 'B', 'memory/worker': 'B' },
    once: true,
    run: heaps,
  },
  {
    name: 'memory/wasm',
    about: 'growth of the wasm memories of both sides together, per call',
    section: 'Memory',
    figures: { 'memory/wasm': 'B' },
    once: true,
    run: wasm,
  },
  // The heaviest rows are the last, which a short run leaves out first.
  {
    name: 'workers/64',
    about: '64 workers of one main call `inc` all the time: calls per second of all of them, and of the one with the fewest',
    ...IN_USE,
    figures: { 'workers/64': '1/s', 'workers/64/fewest': '1/s' },
    heavy: true,
    run: many,
  },
  // The page may stay hidden.
  {
    name: 'hidden',
    about: 'the page is in the background, behind another tab: the worker calls `inc`, and main awaits a function of the worker',
    ...IN_USE,
    figures: { 'hidden/inc': 'ns', 'hidden/await': 'ns' },
    hidden: true,
    run: hidden,
  },
];

/** The rows of subjects that block by a service worker, and of those whose workers have main's objects. */
export const OF_RELAYS = ['service-worker/inc', 'service-worker/echo/8-values'];
/** The same of libraries whose main answers by itself, and of interpreters that suspend instead. */
export const OF_RELAYED_CALLS = [...OF_RELAYS, 'service-worker/input'];
export const OF_RELAYED_WINDOW = ['service-worker/window/several'];

/** The rows of subjects that need neither isolation nor a service worker. */
export const OF_MESSAGES = ['messages/await', 'messages/call'];

ROWS.push(...['inc', 'echo/8-values', 'input', 'window/several'].map(relayed));

/** The rows of a library whose workers receive functions, and whose generators main iterates. */
export const OF_OBJECTS = ['callback', 'stream-row'];

/** The rows of a library whose workers block in calls of main, and export functions. */
export const OF_CALLS = [
  'inc',
  'echo/8-values',
  'echo/100-records',
  'echo/1MiB',
  'image/4MiB',
  'input',
  'workers/64',
  'beside-bulk',
  'hidden',
  'await',
  'start',
  'start/first',
  'flood',
  'memory',
];

/** The rows of a library whose workers have main's objects. */
export const OF_WINDOW = ['window/property', 'window/path', 'window/assignment', 'window/several', 'window/10000-writes'];
