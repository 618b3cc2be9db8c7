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
  // A page that is always in front, or always behind another tab, runs the rows for which that fits.
  const tab = parameters.get('tab');
  const isInPlace = ({ hidden = false }) => !tab || hidden === (tab === 'behind');
  const rows = ROWS.filter(row => (row.plain ?? false) !== crossOriginIsolated && isInPlace(row));
  const isHere = subject => rows.some(({ name }) => subject.rows.includes(name));
  const lacking = SUBJECTS.filter(subject => subject.missing?.() && isHere(subject));
  const absent = Object.fromEntries(lacking.map(({ name, missing }) => [name, missing()]));
  const subjects = SUBJECTS.filter(({ name }) => !absent[name]);
  const prepare = crossOriginIsolated ? undefined : controlled;
  const at = { rows, subjects, post, prepare, absent, gauged: tab !== 'behind' };
  await bench(parameters, at).catch(error => post(`the page failed: ${error?.stack ?? error}`));
  await post('done');
}
