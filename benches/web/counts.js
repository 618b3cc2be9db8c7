// `node counts.js`: checks how often calls of the package cross between JavaScript and wasm, and in how many pieces bytes are copied.
// The numbers do not depend on time: what polls and waits is not counted.
import './node-globals.js';
import assert from 'node:assert/strict';
import { taken } from './crossings.js';
import coincide from 'coincide/main';
import { connect, scriptOf } from './link.js';
import { functions } from './payloads.js';

/** By row: crossings per call. A body of a megabyte is copied in pieces, once into the ring and once out of it in each direction. */
const EXPECTED = {
  'inc': {
    worker: { call: 1, publish: 1, copyOut: 1 },
    main: { answer: 1, publish: 1, copyOut: 1 },
  },
  'echo/8-values': {
    worker: { call: 1, publish: 1, copyOut: 1 },
    main: { answer: 1, publish: 1, copyOut: 1 },
  },
  'echo/1MiB': {
    worker: { call: 1, publishHosted: 17, copyOutHosted: 16, allot: 1, recycle: 1 },
    main: { answer: 1, publishHosted: 17, copyOutHosted: 16, allot: 1 },
  },
};

const CALLS = 200;

const { Worker } = coincide();
const worker = new Worker(scriptOf('counts'));
Object.assign(worker.proxy, functions);
const link = connect(worker);
await link.started;
let passed = 0;
for (const [row, expected] of Object.entries(EXPECTED)) {
  await link.ask('count', { row, count: 20 });
  taken();
  const ofWorker = await link.ask('count', { row, count: CALLS });
  const found = { worker: ofWorker, main: taken() };
  for (const [end, counts] of Object.entries(expected)) {
    const perCall = Object.fromEntries(Object.keys(counts).map(name => [name, Math.round((found[end][name] ?? 0) / CALLS)]));
    assert.deepEqual(perCall, counts, `${row}, crossings per call in ${end}: ${JSON.stringify(found[end])}`);
    passed += 1;
  }
}
console.log(`${passed} passed, 0 failed`);
process.exit();
