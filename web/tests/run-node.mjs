// The tests under Node.js, Deno and Bun: prints a line of JSON for each. An argument is a filter for names.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker as Thread } from 'node:worker_threads';
import coincide, { CoincideError, callback, dispose, expose, pool, stream } from '../pkg/main.node.js';
import coincideWindow from '../pkg/window/main.node.js';
import inner from '../modules/main.node.js';
import { source } from '../modules/wasm.node.js';
import { all } from './all.mjs';
import { gc } from './gc.node.mjs';
import coincidentTests from './coincident/package.tests.mjs';
import codesTests from './codes.tests.mjs';
import cliTests from './cli.tests.mjs';
import coiPageTests from './coi/page.tests.mjs';
import coiTests from './coi/worker.tests.mjs';
import corpusTests from './corpus.tests.mjs';
import fieldsTests from './fields.tests.mjs';
import relayTests from './relay/worker.tests.mjs';
import { runtime } from './runtimes.mjs';
import * as suite from './suite.mjs';
import suiteTests from './suite.tests.mjs';

const here = name => new URL(name, import.meta.url);

/** A program for coincident, unchanged, in a folder where coincident is this package. */
const unchanged = mkdtempSync(join(tmpdir(), 'coincident-'));
process.on('exit', () => rmSync(unchanged, { recursive: true }));
cpSync(here('coincident/'), unchanged, { recursive: true });
mkdirSync(join(unchanged, 'node_modules'));
symlinkSync(fileURLToPath(here('../pkg-coincident')), join(unchanged, 'node_modules/coincident'), 'junction');
const program = name => async () =>
  existsSync(here('../pkg-coincident/main.node.js.map')) ? (await import(pathToFileURL(join(unchanged, 'unchanged.js'))))[name]() : 'the package is not bundled';

const runPackage = all({
  coincide,
  coincideWindow,
  CoincideError,
  mark: { callback, dispose, expose, stream },
  pool,
  inner,
  source,
  node: true,
  gc,
  tiers: ['shared-memory', 'messages'],
  worker: name => here(`workers/${name}.node.js`),
  programs: [
    { name: 'a program with its plain entries', kind: 'plain', run: program('plain') },
    { name: 'a program with its entries for the page', kind: 'window', run: program('withWindow') },
    { name: 'a program in a worker that cannot block', kind: 'unblocked', run: program('unblocked') },
  ],
  doomed: way =>
    new Promise((resolve, reject) => {
      const thread = new Thread(here('doomed.node.mjs'), { workerData: way });
      thread.once('message', found => resolve(thread.terminate().then(() => found)));
      thread.once('error', reject);
    }),
  valuesPage: async () => readFileSync(here('../../docs/reference/values.md'), 'utf8'),
  operations: async () => JSON.parse(readFileSync(here('../../proto/vectors/operations.json'), 'utf8')),
  vectors: async () => JSON.parse(readFileSync(here('../../proto/vectors/values.json'), 'utf8')),
});
const { test, run: runTools } = suite.suite();
coiTests(test, suite);
coiPageTests(test, suite);
relayTests(test, suite);
cliTests(test, suite);
coincidentTests(test, suite);
codesTests(test, suite);
corpusTests(test, suite);
fieldsTests(test, suite);
suiteTests(test, suite);

process.on('unhandledRejection', error => console.log(`unhandled: ${error?.stack ?? error}`));
// The tools are the same in other runtimes.
for (const run of runtime === 'node' ? [runPackage, runTools] : [runPackage]) await run(result => console.log(JSON.stringify(result)), process.argv[2]);
process.exit(0);
