// The tests under Node.js: prints a line of JSON for each. An argument is a filter for names.
import { readFileSync } from 'node:fs';
import coincide from '../pkg/main.node.js';
import { source } from '../pkg/wasm.node.js';
import { all } from './all.mjs';

const here = name => new URL(name, import.meta.url);
const run = all({
  coincide,
  source,
  node: true,
  tiers: ['shared-memory', 'messages'],
  worker: name => here(`workers/${name}.node.js`),
  vectors: async () => JSON.parse(readFileSync(here('../../proto/vectors/values.json'), 'utf8')),
});
process.on('unhandledRejection', error => console.log(`unhandled: ${error?.stack ?? error}`));
await run(result => console.log(JSON.stringify(result)), process.argv[2]);
process.exit(0);
