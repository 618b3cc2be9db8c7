// Times calls, a batch at a time: on the side that makes them.

/** Milliseconds on a clock that all threads of a page share. */
export const clock = () => performance.timeOrigin + performance.now();

/** One batch of samples: nanoseconds of a call. */
export const time = (plan, call) => {
  const samples = [];
  let k = 0;
  for (const calls of turns(plan, samples)) for (let i = 0; i < calls; i++) call(k++);
  return samples;
};

/** The same for calls that are awaited. */
export const timeAwaited = async (plan, call) => {
  const samples = [];
  let k = 0;
  for (const calls of turns(plan, samples)) for (let i = 0; i < calls; i++) await call(k++);
  return samples;
};

/**
 * Yields the number of calls to be made next: for `warmUp` milliseconds that do not count, then for `batch` milliseconds or until there are
 * enough samples. Clocks of browsers are coarse, so a sample is the mean of as many calls as take long enough.
 */
function* turns({ warmUp, batch, samples: least }, samples) {
  const began = performance.now();
  while (performance.now() - began < warmUp) yield 1;
  let calls = 1;
  let last = performance.now();
  const end = last + batch;
  while (samples.length < least || last < end) {
    yield calls;
    const now = performance.now();
    const took = now - last;
    last = now;
    if (took < SAMPLE) calls *= 2;
    else samples.push((took * 1e6) / calls);
  }
}

/** The least that a sample takes, in milliseconds: 50 steps of the clock in Chromium, 12 in Firefox. Clocks of pages that are not isolated are coarser. */
const SAMPLE = crossOriginIsolated ? 0.25 : 12;
