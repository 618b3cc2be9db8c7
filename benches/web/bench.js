// Runs each row with each subject, in turns, and posts what it measures, a line of JSON at a time.
//
// The first line announces the rows and subjects. Then there is a line for each batch: `{ row, subject, samples: { figure: [...] } }`,
// with `skipped: { figure: why }` for figures that cannot be measured here, or `error` instead of both. Further lines: `{ repeated: row }`
// when further rounds follow, `{ begins: row }` before a row and `{ ends: row }` after it, `{ over: row }` when there is no time for a row, `{ gauges, at }` with readings of the gauges, `{ gauge, error }`
// when a gauge fails, and `{ note }` as a sign of life.
import { passes } from './filter.js';
import { Gauges } from './gauges.js';
import { Rounds } from './rounds.js';
import { Hangs, Watchdog } from './watchdog.js';

/**
 * Measures as the parameters say.
 *
 * @param parameters a `URLSearchParams`: the plan, the filter, the name of the group, and the row to continue after
 * @param at.rows the rows of this place
 * @param at.subjects its subjects
 * @param at.post takes a line
 * @param at.prepare is awaited before the first row
 * @param at.impossible why rows cannot be measured here, by name
 * @param at.absent why subjects cannot be measured here, by name
 * @param at.gauged whether the gauges are read
 */
export const bench = async (parameters, { rows, subjects: all, post, prepare, impossible = {}, absent = {}, gauged = true }) => {
  const numbers = ['rounds', 'warmUp', 'batch', 'samples', 'starts', 'flood', 'calls', 'budget', 'timeout'];
  const plan = Object.fromEntries(numbers.map(name => [name, Number(parameters.get(name))]));
  const [filter, group, after] = ['filter', 'group', 'after'].map(name => parameters.get(name) ?? '');
  const isTakenBy = row => ({ name, rows }) => rows.includes(row.name) && passes(`${group}/${row.name}/${name}`, filter);
  const left = rows.slice(rows.findIndex(({ name }) => name === after) + 1);
  const selected = left.map(row => [row, all.filter(isTakenBy(row))]).filter(([, subjects]) => subjects.length > 0);
  const cases = selected.filter(([{ name }]) => !impossible[name]);
  const missing = selected.filter(([{ name }]) => impossible[name]).map(([{ name }]) => [name, impossible[name]]);
  const isFirst = after === '';
  await post({
    rows: cases.map(([{ name, about, section, figures, once, heavy }, subjects]) => ({
      name,
      about,
      section,
      figures: Object.entries(figures).map(([name, unit]) => ({ name, unit })),
      subjects: subjects.map(({ name }) => name),
      batches: subjects.length * planned({ once, heavy }, plan),
    })),
    subjects: all.map(({ name, kind, about }) => ({ name, kind, about })),
    missing: Object.fromEntries(isFirst ? missing : []),
    absent: isFirst && filter === '' ? absent : {},
    ...(isFirst ? {} : { after }),
  });
  if (cases.length === 0) return;
  await prepare?.();
  const gauges = gauged ? new Gauges(plan, post) : undefined;
  const runner = new Runner(plan, post);
  const began = performance.now();
  const over = began + plan.budget;
  for (const [index, [row, subjects]] of cases.entries()) {
    await post({ begins: row.name });
    await gauges?.probe();
    const failed = new Set();
    // What earlier rows have left over, and the share of this one.
    const share = began + (plan.budget * (index + 1)) / cases.length;
    // Subjects that hang take no time from the others.
    const rounds = new Rounds(row, planned(row, plan), share, over, () => performance.now() - runner.lost);
    let round = 0;
    for (; rounds.wantsMore(); round++) {
      if (round === planned(row, plan)) await post({ repeated: row.name });
      for (let turn = 0; turn < subjects.length; turn++) {
        // Each round begins with another one, so that none always follows the same neighbour.
        const subject = subjects[(turn + round) % subjects.length];
        if (failed.has(subject)) continue;
        const line = await runner.run(row, subject);
        if (line.error) failed.add(subject);
        else rounds.add(line);
        await post(line);
      }
    }
    if (round === 0) await post({ over: row.name });
    await post({ ends: row.name });
  }
  await gauges?.probe();
  gauges?.end();
};

/** Runs batches; a subject's link stays open from its first to its last. */
class Runner {
  #plan;
  #post;
  #links = new Map();
  /** How often subjects have hung. */
  #hangs = new Map();
  /** Milliseconds for which subjects have hung, as far as the page may take longer for them. */
  lost = 0;

  constructor(plan, post) {
    this.#plan = plan;
    this.#post = post;
  }

  async run(row, subject) {
    const line = { row: row.name, subject: subject.name };
    const hangs = this.#hangs.get(subject) ?? 0;
    if (hangs >= MOST_HANGS) return { ...line, error: 'it hung in two earlier rows' };
    try {
      return { ...line, ...split(Object.entries(await this.#batch(row, subject))) };
    } catch (error) {
      if (error instanceof Hangs) {
        this.#hangs.set(subject, hangs + 1);
        this.lost = Math.min(this.lost + this.#plan.timeout, MOST_LOST * this.#plan.timeout);
      }
      this.#links.get(subject)?.close();
      this.#links.delete(subject);
      return { ...line, error: String(error?.message ?? error) };
    }
  }

  async #batch(row, subject) {
    const watchdog = new Watchdog(this.#plan.timeout);
    const progress = note => {
      watchdog.feed();
      this.#post({ note: `${row.name}/${subject.name}: ${note}` });
    };
    const batch = async () => {
      if (!this.#links.has(subject)) this.#links.set(subject, subject.open());
      const link = this.#links.get(subject);
      await link.started;
      return row.run({ subject, link, plan: this.#plan, progress });
    };
    try {
      return await Promise.race([batch(), watchdog.bark]);
    } finally {
      watchdog.end();
    }
  }
}

/** Rounds of a row: one of those that run `once`, and a third of those that are `heavy`. */
const planned = ({ once, heavy }, { rounds }) => (once ? 1 : heavy ? Math.ceil(rounds / 3) : rounds);

/** Samples of figures apart from the reasons why there are none. */
const split = figures => {
  const measured = figures.filter(([, samples]) => typeof samples !== 'string');
  const skipped = figures.filter(([, samples]) => typeof samples === 'string');
  return { samples: Object.fromEntries(measured), skipped: Object.fromEntries(skipped) };
};

/** Hangs for which the page may take longer; its time limit in `xtask/src/web/bench.rs` has room for them. */
const MOST_LOST = 2;

/** Hangs of a subject after which it is not run any more. */
const MOST_HANGS = 2;
