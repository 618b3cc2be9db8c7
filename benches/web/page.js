// The page: isolated or not, it posts each line to the server that it is from. A line that is not JSON is an error of the page itself.
import { bench } from './bench.js';
import { controlled } from './controlled.js';
import { ROWS } from './rows.js';
import { beStarted, START } from './start.js';
import { SUBJECTS } from './subjects/index.js';

const post = line => fetch('/report', { method: 'POST', body: typeof line === 'string' ? line : JSON.stringify(line) });

const parameters = new URLSearchParams(location.search);
if (parameters.has(START)) await beStarted(SUBJECTS.find(({ name }) => name === parameters.get(START)));
else {
  addEventListener('unhandledrejection', event => post(`unhandled: ${event.reason?.stack ?? event.reason}`));
  const rows = ROWS.filter(({ plain = false }) => plain !== crossOriginIsolated);
  const prepare = crossOriginIsolated ? undefined : controlled;
  await bench(parameters, { rows, subjects: SUBJECTS, post, prepare }).catch(error => post(`the page failed: ${error?.stack ?? error}`));
  await post('done');
}
