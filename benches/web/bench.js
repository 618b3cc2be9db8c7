// Runs each row with each subject, in turns, and posts what it measures, a line of JSON at a time.
//
// The first line says what there is to measure. Then there is a line for each batch: `{ row, subject, samples: { figure: [...] } }`,
// with `skipped: { figure: why }` for figures that cannot be measured here, or `error` instead of both. `{ repeated: row }` says that further
// rounds follow, `{ gauges, at }` how the page itself does, `{ note }` is a sign of life.
import { Gauges } from './gauges.js';
import { Rounds } from './rounds.js';

/**
 * Measures what the parameters say.
 *
 * @param parameters a `URLSearchParams`: the plan and the filter
 * @param at.rows the rows of this place
 * @param at.subjects its subjects
 * @param at.post what takes a line
 * @param at.prepare what is awaited before the first row
 * @param at.impossible why rows cannot be measured here, by name
 */
export const bench = async (parameters, { rows, subjects: all, post, prepare, impossible = {} }) => {
  const plan = Object.fromEntries(
    ['rounds', 'warmUp', 'batch', 'samples', 'starts', 'flood', 'calls', 'budget'].map(name => [name, Number(parameters.get(name))]),
  );
  const filter = parameters.get('filter') ?? '';
  const isTakenBy = row => ({ name, rows }) => rows.includes(row.name) && `${row.name}/${name}`.includes(filter);
  const selected = rows.map(row => [row, all.filter(isTakenBy(row))]).filter(([, subjects]) => subjects.length > 0);
  const cases = selected.filter(([{ name }]) => !impossible[name]);
  const missing = selected.filter(([{ name }]) => impossible[name]).map(([{ name }]) => [name, impossible[name]]);
  await post({
    rows: cases.map(([{ name, about, section, figures, once }, subjects]) => ({
      name,
      about,
      section,
      figures: Object.entries(figures).map(([name, unit]) => ({ name, unit })),
      subjects: subjects.map(({ name }) => name),
      batches: subjects.length * (once ? 1 : plan.rounds),
    })),
    subjects: all.map(({ name, kind, about }) => ({ name, kind, about })),
    missing: Object.fromEntries(missing),
  });
  if (cases.length === 0) return;
  await prepare?.();
  const gauges = new Gauges(plan);
  const runner = new Runner(plan, post);
  const began = performance.now();
  for (const [index, [row, subjects]] of cases.entries()) {
    await post(await gauges.probe());
    const failed = new Set();
    // What earlier rows have left over, and the share of this one.
    const rounds = new Rounds(row, plan.rounds, began + (plan.budget * (index + 1)) / cases.length);
    for (let round = 0; rounds.wantsMore(); round++) {
      if (round === plan.rounds) await post({ repeated: row.name });
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
  }
  await post(await gauges.probe());
  gauges.end();
};

/** Runs batches; a subject's link stays open from its first to its last. */
class Runner {
  #plan;
  #post;
  #links = new Map();

  constructor(plan, post) {
    this.#plan = plan;
    this.#post = post;
  }

  async run(row, subject) {
    const line = { row: row.name, subject: subject.name };
    try {
      return { ...line, ...split(Object.entries(await this.#batch(row, subject))) };
    } catch (error) {
      this.#links.get(subject)?.close();
      this.#links.delete(subject);
      return { ...line, error: String(error?.message ?? error) };
    }
  }

  async #batch(row, subject) {
    const watchdog = new Watchdog();
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

/** `bark` rejects after too long without a sign of life. */
class Watchdog {
  #timer;
  #fail;

  constructor() {
    this.bark = new Promise((_, reject) => (this.#fail = reject));
    this.feed();
  }

  feed() {
    this.end();
    this.#timer = setTimeout(() => this.#fail(new Error(`it hangs: nothing for ${PATIENCE / 1000} s`)), PATIENCE);
  }

  end() {
    clearTimeout(this.#timer);
  }
}

/** Samples of figures apart from the reasons why there are none. */
const split = figures => {
  const measured = figures.filter(([, samples]) => typeof samples !== 'string');
  const skipped = figures.filter(([, samples]) => typeof samples === 'string');
  return { samples: Object.fromEntries(measured), skipped: Object.fromEntries(skipped) };
};

/** Milliseconds without a sign of life after which a subject is taken to hang. */
const PATIENCE = 60_000;
