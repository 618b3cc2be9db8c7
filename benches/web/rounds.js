// How many rounds a row is run for.

/**
 * The planned rounds, and as many again while a subject is unstable, until the row's time ends. There are enough for an interval, unless the
 * time of all rows ends.
 */
export class Rounds {
  #row;
  #planned;
  #end;
  #over;
  #now;
  #done = 0;
  /** By subject and figure, the medians of its batches. */
  #medians = new Map();

  /** `end` is when the row's time ends, and `over` when that of all rows ends, on the clock of `now`. */
  constructor(row, planned, end, over, now = () => performance.now()) {
    this.#row = row;
    this.#planned = planned;
    this.#end = end;
    this.#over = over;
    this.#now = now;
  }

  /** Whether a further round follows, which it counts. */
  wantsMore() {
    const now = this.#now();
    const done = this.#done;
    const more =
      now < this.#over &&
      (done < Math.min(this.#planned, LEAST) ||
        (now < this.#end && (done < this.#planned || (this.#row.steady === true && done < 2 * this.#planned && this.#isUnstable()))));
    if (more) this.#done += 1;
    return more;
  }

  /** Takes the line of a batch into account. */
  add({ subject, samples }) {
    for (const [figure, values] of Object.entries(samples)) {
      const key = `${figure}/${subject}`;
      this.#medians.set(key, [...(this.#medians.get(key) ?? []), quantile(values, 0.5)]);
    }
  }

  #isUnstable() {
    return [...this.#medians.values()].some(medians => spread(medians) > UNSTABLE);
  }
}

/** Half of the interquartile range, relative to the median. */
const spread = values => (quantile(values, 0.75) - quantile(values, 0.25)) / 2 / quantile(values, 0.5);

/** The nearest rank. */
export const quantile = (values, share) => [...values].sort((a, b) => a - b)[Math.max(1, Math.ceil(values.length * share)) - 1];

/** Fewer rounds give no interval. */
const LEAST = 3;

/** As in `benches/src/report/row.rs`. */
const UNSTABLE = 0.1;
