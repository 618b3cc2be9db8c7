// Growth of the memory of both sides over many calls, per call.

/** Memory that the browser attributes to each side. */
export const heaps = async context => {
  if (!performance.measureUserAgentSpecificMemory) {
    const why = 'the browser has no performance.measureUserAgentSpecificMemory';
    return { 'memory/main': why, 'memory/worker': why };
  }
  const [main, worker] = await growth(context, async () => {
    const { breakdown } = await performance.measureUserAgentSpecificMemory();
    const sum = fits =>
      breakdown.filter(({ attribution }) => attribution.some(fits)).reduce((sum, { bytes }) => sum + bytes, 0);
    const script = `/${context.subject.name}.worker.js`;
    return [
      sum(({ scope }) => scope === 'Window'),
      sum(({ scope, url }) => scope !== 'Window' && url.endsWith(script)),
    ];
  });
  return { 'memory/main': [main], 'memory/worker': [worker] };
};

/** The wasm memories of both sides, which every browser reports. */
export const wasm = async context => {
  const { link } = context;
  const [both] = await growth(context, async () => [link.wasm() + (await link.ask('wasm'))]);
  return { 'memory/wasm': [both] };
};

const growth = async ({ link, plan, progress }, weigh) => {
  const calls = async count => {
    for (let done = 0; done < count; done += STEP) {
      await link.ask('calls', { count: Math.min(STEP, count - done) });
      progress(`${Math.min(done + STEP, count)} of ${count} calls`);
    }
  };
  // Growth that happens once.
  await calls(Math.min(plan.calls, STEP));
  const before = await weigh();
  await calls(plan.calls);
  const after = await weigh();
  return after.map((bytes, i) => (bytes - before[i]) / plan.calls);
};

/** Calls between two signs of life. */
const STEP = 20_000;
