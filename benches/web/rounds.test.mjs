// `node rounds.test.mjs`: how many rounds a row is run for, and which rows a filter selects.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { passes } from './filter.js';
import { Rounds, quantile } from './rounds.js';

/** Rounds of a row whose batches have these medians, in turns, when time is up after a number of reads of the clock. */
const count = ({ row = { steady: true }, planned = 9, readings = Infinity, over = Infinity, medians = [10] }) => {
  let time = 0;
  const rounds = new Rounds(row, planned, readings, over, () => time++);
  let done = 0;
  for (; rounds.wantsMore(); done++) rounds.add({ subject: 'a', samples: { inc: [medians[done % medians.length]] } });
  return done;
};

for (const [name, options, expected] of [
  ['stable rows have the planned rounds', {}, 9],
  ['unstable rows have up to twice as many', { medians: [10, 20] }, 18],
  ['rows that are not steady are not repeated', { row: {}, medians: [10, 20] }, 9],
  ['three rounds are run when time is up', { readings: 0 }, 3],
  ['fewer are run if fewer are planned', { readings: 0, planned: 2 }, 2],
  ['rounds end when time is up', { readings: 5 }, 5],
  ['no round begins when the time of all rows is over', { over: 0 }, 0],
  ['fewer than three are run if the time of all rows ends', { readings: 1, over: 2 }, 2],
])
  assert.equal(count(options), expected, name);

assert.deepEqual([0.25, 0.5, 0.75].map(share => quantile([4, 1, 3, 2], share)), [1, 2, 3]);

for (const [name, filter, expected] of JSON.parse(readFileSync(new URL('./filter.json', import.meta.url), 'utf8')))
  assert.equal(passes(name, filter), expected, `${filter} of ${name}`);
