// docs/reference/values.md: each row of its table is sent in all four ways.
import { difference } from './suite.mjs';
import { movesStreams } from './workers/posted.js';
import { made } from './workers/values.js';

/** The cells of the rows of a table in Markdown. */
export const rowsOf = (text, heading) => {
  const start = text.indexOf(heading);
  if (start < 0) throw new Error(`there is no table ${heading}`);
  const lines = text.slice(start).split('\n');
  const rows = [];
  for (let i = 2; lines[i]?.startsWith('|'); i++) rows.push(lines[i].slice(2, -2).split(' | '));
  return rows;
};

/** `{ refused }`, or `{ expected, warns }` with the source of the expected value; `blocked` is the outcome in calls that block if that is another. */
const outcomeOf = (cell, source) => {
  if (cell === 'refused') return { refused: true };
  if (cell === 'the same') return { expected: source };
  if (cell === 'the same, but refused in calls that block') return { expected: source, blocked: { refused: true } };
  if (cell === 'moved, but refused in calls that block') return { expected: source, isMoved: true, blocked: { refused: true } };
  if (cell === 'the same, but what `toJSON` returns in calls that block') return { expected: source, blocked: { expected: `(${source}).toJSON()` } };
  if (cell === 'the same, but in Node.js refused in calls that block') return { expected: source, isReadLater: true };
  const [, expected, warns] = /^`(.*)`(, with a warning)?$/.exec(cell) ?? [];
  if (expected === undefined) throw new Error(`the outcome ${cell} is of no known form`);
  return { expected, warns: Boolean(warns) };
};

const isPromise = value => value instanceof Promise;

export default (register, { coincide, worker, tier, node, valuesPage, assert, equal, rejects }) => {
  const test = (name, body) => register(`${tier}: docs: ${name}`, body);

  test('each kind of value is converted as documented', async () => {
    const rows = rowsOf(await valuesPage(), '| value | such as |');
    assert(rows.length > 40, `there are ${rows.length} rows`);
    const { Worker } = coincide({ tier, promises: true });
    const { Worker: Strict } = coincide({ tier, promises: true, strict: true });
    const [usual, strict] = [new Worker(worker('values')), new Strict(worker('values-strict'))];
    const received = expected => value => difference(value, made(expected, usual.proxy));
    const { warn } = console;
    let warnings = 0;
    console.warn = () => warnings++;
    const faults = [];
    // Browsers have `FileReaderSync`.
    const blocks = node && tier !== 'messages';
    try {
      for (const [at, [what, cell, argument, result]] of rows.entries()) {
        const source = cell.slice(1, -1);
        const lacking = await usual.proxy.lacks(source);
        if (lacking) {
          equal(lacking, 'ReferenceError');
          continue;
        }
        const make = proxy => made(source, proxy);
        const check = (way, found, wanted) => found === wanted || faults.push(`${what}, ${way}: ${found ?? 'it is sent'}, not ${wanted ?? 'sent'}`);
        const named = async action => Promise.resolve().then(action).catch(error => error.name);

        const sent = outcomeOf(argument, source);
        const fault = sent.refused ? 'DataCloneError' : undefined;
        usual.proxy.receive = value => received(sent.expected)(value);
        check('as an argument of the worker', await usual.proxy.send(source, sent.expected ?? '0'), sent.isReadLater && blocks ? 'DataCloneError' : fault);
        check('as an argument of main', await named(() => usual.proxy.receive(make(usual.proxy), sent.expected ?? '0')), fault);

        const given = outcomeOf(result, source);
        if (given.isMoved && !movesStreams) continue;
        for (const [kind, link, { refused, expected = '0', warns, blocked }] of [
          ['', usual, given],
          [' under strict', strict, isPromise(make()) || given.isMoved ? given : { ...sent, blocked: given.blocked && { refused: true } }],
        ]) {
          // A warning is given once for each name.
          const name = `${tier}: value ${at}${kind}`;
          const fault = refused ? 'DataCloneError' : undefined;
          warnings = 0;
          link.proxy[name] = () => make(link.proxy);
          const there = tier !== 'messages' && blocked ? blocked : { refused, expected };
          check(`as a result for the worker${kind}`, await link.proxy.fetch(name, there.expected ?? '0'), there.refused ? 'DataCloneError' : undefined);
          check(`warnings of main${kind}`, warnings, warns ? 1 : 0);
          await link.proxy.offer(name, source);
          check(`as a result for main${kind}`, await named(async () => received(expected)(await link.proxy[name]())), fault);
          check(`warnings of the worker${kind}`, await link.proxy.warned(), warns ? 1 : 0);
        }
      }
    } finally {
      console.warn = warn;
      usual.terminate();
      strict.terminate();
    }
    equal(faults.join('\n'), '');
  });

  test('a worker, and the result of coincide(), are refused as arguments', async () => {
    const main = coincide({ tier });
    const w = new main.Worker(worker('values'));
    for (const value of [w, main, main.workers]) equal((await rejects(async () => w.proxy.lacks(value))).name, 'DataCloneError');
    w.terminate();
  });
};
