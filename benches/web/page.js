// The page: runs each row with each subject, in turns, and posts what it measures, a line of JSON at a time.
//
// The first line says what there is to measure; then there is a line for each batch: `{ row, subject, samples: { figure: [...] } }`,
// with `skipped: { figure: why }` for figures that can't be measured here, or `error` in place of both. `{ note }` is a sign of life; what
// is no JSON says what went wrong with the page itself.
import { controlled } from './controlled.js';
import { ROWS } from './rows.js';
import { beStarted, START } from './start.js';
import { SUBJECTS } from './subjects/index.js';

const post = line => fetch('/report', { method: 'POST', body: typeof line === 'string' ? line : JSON.stringify(line) });

const bench = async parameters => {
  const plan = Object.fromEntries(
    ['rounds', 'warmUp', 'batch', 'samples', 'starts', 'flood', 'calls'].map(name => [name, Number(parameters.get(name))]),
  );
  const filter = parameters.get('filter') ?? '';
  const isTakenBy = row => ({ name, rows }) => rows.includes(row.name) && `${row.name}/${name}`.includes(filter);
  const rows = ROWS.filter(({ plain = false }) => plain !== crossOriginIsolated);
  const cases = rows.map(row => [row, SUBJECTS.filter(isTakenBy(row))]).filter(([, subjects]) => subjects.length > 0);
  await post({
    rows: cases.map(([{ name, about, section, figures }, subjects]) => ({
      name,
      about,
      section,
      figures: Object.entries(figures).map(([name, unit]) => ({ name, unit })),
      subjects: subjects.map(({ name }) => name),
    })),
    subjects: SUBJECTS.map(({ name, kind, about }) => ({ name, kind, about })),
  });
  if (!crossOriginIsolated && cases.length > 0) await controlled();
  const runner = new Runner(plan);
  for (const [row, subjects] of cases) {
    const failed = new Set();
    for (let round = 0; round < (row.once ? 1 : plan.rounds); round++)
      for (let turn = 0; turn < subjects.length; turn++) {
        // Each round begins with another one, so that nobody always follows the same neighbour.
        const subject = subjects[(turn + round) % subjects.length];
        if (failed.has(subject)) continue;
        const line = await runner.run(row, subject);
        if (line.error) failed.add(subject);
        await post(line);
      }
  }
};

/** Runs batches; a subject's link stays open from its first to its last. */
class Runner {
  #plan;
  #links = new Map();

  constructor(plan) {
    this.#plan = plan;
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
      post({ note: `${row.name}/${subject.name}: ${note}` });
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

/** `bark` rejects when nothing has been heard for too long. */
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

const parameters = new URLSearchParams(location.search);
if (parameters.has(START)) await beStarted(SUBJECTS.find(({ name }) => name === parameters.get(START)));
else {
  addEventListener('unhandledrejection', event => post(`unhandled: ${event.reason?.stack ?? event.reason}`));
  await bench(parameters).catch(error => post(`the page failed: ${error?.stack ?? error}`));
  await post('done');
}
