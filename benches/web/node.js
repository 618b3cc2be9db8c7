// The benches under Node.js: prints each line. `node node.js QUERY`, as the page has it. A line that is not JSON is an error.
import './node-globals.js';
import { bench } from './bench.js';
import { ROWS } from './rows.js';
import coincide from './subjects/coincide.js';
import comlink from './subjects/comlink.js';
import doorbell from './subjects/doorbell.js';
import limit from './subjects/limit.js';
import syncMessage from './subjects/sync-message.js';

const post = line => console.log(typeof line === 'string' ? line : JSON.stringify(line));

const IMPOSSIBLE = {
  'start/first': 'Node.js has no frames to start afresh in',
  flood: 'Node.js paints no frames',
  hidden: 'Node.js has no pages',
  memory: 'Node.js has no performance.measureUserAgentSpecificMemory',
};

const ABSENT = {
  coincident: 'its entry for servers connects them to pages; it has none for threads of Node.js',
  'coincide lua': 'it is a subject of pages',
  'coincide window': 'Node.js has no document',
  'coincident window': 'Node.js has no document',
};

process.on('unhandledRejection', reason => post(`unhandled: ${reason?.stack ?? reason}`));
const rows = ROWS.filter(({ plain = false }) => !plain);
const subjects = [limit, doorbell, coincide, syncMessage, comlink];
const parameters = new URLSearchParams(process.argv[2]);
await bench(parameters, { rows, subjects, post, impossible: IMPOSSIBLE, absent: ABSENT }).catch(error =>
  post(`the benches failed: ${error?.stack ?? error}`),
);
process.exit();
