// The worker of the link tests: exports by which main has it do things.
export const run = async (coincide, CoincideError) => {
  const heard = [];
  // Threads of Deno and Bun have `addEventListener`, as workers of pages do.
  const host = globalThis.process ? (await import('node:worker_threads')).parentPort : null;
  const scope = await coincide({ ready: 'manual', deadlockTimeout: 500 });
  // Right after the await: messages that main posted right after `new Worker` must still come here.
  if (host) host.on('message', data => heard.push(data));
  else addEventListener('message', event => heard.push(event.data));

  const { proxy, within, ready, check, sleep, transfer, notify } = scope;
  const failure = error => ({
    thrown: error,
    isError: error instanceof Error,
    name: error?.name,
    class: error?.constructor?.name,
    message: error?.message,
    code: error?.code,
    function: error?.function,
    isCoincide: CoincideError && error instanceof CoincideError,
    stack: error?.stack,
  });
  /** The outcome of a call, or a promise of it where calls do not block. */
  const attempt = action => {
    try {
      const value = action();
      return value instanceof Promise ? value.then(value => ({ value }), failure) : { value };
    } catch (error) {
      return failure(error);
    }
  };

  proxy.heard = () => heard;
  proxy.capabilities = () => ({ native: scope.native, sync: scope.sync });
  proxy.echo = value => value;
  proxy.add = (a, b) => a + b;
  proxy.later = async (value, ms = 1) => {
    await new Promise(resolve => setTimeout(resolve, ms));
    return value;
  };
  proxy.fails = (kind, message, ...rest) => {
    throw kind ? new globalThis[kind](message, ...rest) : message;
  };
  proxy.failsLater = async () => {
    await null;
    throw new RangeError('too far');
  };
  proxy.failsAtOnce = async () => {
    throw new RangeError('too far');
  };
  /** Calls that throw in this worker itself. */
  proxy.attempts = name =>
    attempt({
      symbol: () => proxy[Symbol.iterator](),
      reserved: () => (proxy['coincide:x'] = 1),
      timeout: () => within({ timeout: 'x' }),
      sleep: () => sleep('x'),
      notify: () => notify('f', () => {}),
      options: () => coincide({ deadlockTimeout: 1 }),
    }[name]);
  /** Calls main. */
  proxy.call = (name, ...args) => attempt(() => proxy[name](...args));
  proxy.sendsBytes = (name, length) => attempt(() => proxy[name](new Uint8Array(length)));
  /** Sends bytes, which a call that is served in between overwrites. */
  let lent;
  proxy.lends = (name, length) => {
    lent = new Uint8Array(length).fill(1);
    return proxy[name](lent);
  };
  proxy.spoilsLent = () => void lent.fill(2);
  proxy.measures = bytes => attempt(() => [bytes.length, bytes[0], bytes.at(-1)]);
  proxy.sized = length => new Uint8Array(length);
  proxy.callWithin = (limits, name, ...args) => attempt(() => within(limits)[name](...args));
  proxy.callTimes = (times, name, ...args) => {
    if (!scope.sync) return Promise.all(Array.from({ length: times }, (_, i) => proxy[name](...args, i))).then(all => all.at(-1));
    let last;
    for (let i = 0; i < times; i++) last = proxy[name](...args, i);
    return last;
  };
  proxy.awaits = async (limits, name, ...args) => attempt(() => within({ ...limits, promise: true })[name](...args));
  proxy.awaitsBoth = async (name, one, two) => {
    const { [name]: call } = within({ promise: true });
    return Promise.all([call(one), call(two)]);
  };
  proxy.typeOf = (name, ...args) => {
    const value = proxy[name](...args);
    return { type: typeof value, then: typeof value?.then };
  };
  proxy.unsent = name => attempt(() => proxy[name]({ deep: [1, () => {}] }));
  proxy.transfers = name => {
    const buffer = new Uint8Array([1, 2, 3]).buffer;
    const length = proxy[name](buffer, transfer(buffer));
    return length instanceof Promise ? length.then(length => [length, buffer.byteLength]) : [length, buffer.byteLength];
  };
  proxy.shape = () => ({
    then: proxy.then,
    same: proxy.missing === proxy.missing,
    type: typeof proxy.missing,
    has: ['echo' in proxy, 'missing' in proxy],
    set: Reflect.set(proxy, 'then', 1),
  });
  proxy.removes = name => delete proxy[name];
  proxy.note = (name, ...args) => notify(name, ...args);
  /** Computes without receiving anything. */
  proxy.sleep = ms => {
    const end = performance.now() + ms;
    while (performance.now() < end);
  };
  const spin = (...begins) => {
    begins.forEach(name => notify(name));
    for (;;) {
      const stop = attempt(check);
      if ('thrown' in stop) return stop;
    }
  };
  proxy.spin = spin;
  /** Computes until it was stopped `times` times. Notifies `name` each time that it begins. */
  proxy.spinsOn = (times, name) => {
    const codes = [];
    while (codes.length < times) {
      notify(name);
      codes.push(spin().code);
    }
    return codes;
  };
  /** Computes for a while, and stops if main asks for it. */
  const looks = ms => {
    for (const end = performance.now() + ms; performance.now() < end; ) check();
    return 'to its end';
  };
  proxy.looks = looks;
  /** Acts in a task of its own, not in response to a message of main. */
  proxy.inOwnTask = async way => {
    await new Promise(resolve => setTimeout(resolve, 10));
    if (way === 'check') looks(250);
    else if (way === 'sleep') sleep(120);
    else if (way === 'call') proxy.ping();
    else if (way === 'notify') notify('ping');
    else proxy.other = () => way;
    return way;
  };
  proxy.sleeps = (given, ...begins) => {
    begins.forEach(name => notify(name));
    const start = performance.now();
    const { thrown } = attempt(() => sleep(given));
    return thrown ?? performance.now() - start;
  };
  /** Waits or computes until it is stopped. Notifies main that it begins, and keeps the error that stopped it for `stopped`. */
  const stops = [];
  const { never, ping } = proxy;
  proxy.stopped = () => stops.splice(0);
  proxy.until = (way, ...begins) => {
    begins.forEach(name => notify(name));
    const { isError, thrown, name, code } = attempt(() => {
      for (;;) {
        if (way === 'check') check();
        else if (way === 'sleep') sleep(60_000);
        else if (way === 'call') never();
        else ping();
      }
    });
    // A cancellation throws once. During `check`, unlike `sleep`, no call of main runs.
    check();
    stops.push([way, name, code, isError && typeof thrown.message]);
  };
  proxy.nests = (name, ...args) => {
    const result = attempt(() => proxy[name](...args));
    check();
    stops.push(['nests', result.name ?? result.value]);
  };
  /** Waits or computes until it is stopped. Returns the error that stopped it, which `stop` returns later. */
  let stop;
  proxy.stop = () => stop;
  const untilStopped = (way, ...begins) =>
    (stop = attempt(() => {
      begins.forEach(name => notify(name));
      for (;;) {
        if (way === 'sleep') sleep(60_000);
        else if (way === 'call') never();
        else check();
      }
    }));
  proxy.untilStopped = untilStopped;
  proxy.throwsWhenStopped = (...begins) => {
    begins.forEach(name => notify(name));
    for (;;) check();
  };
  /** Reports a failure, after which main closes the link, and posts the error that this has caused here. */
  proxy.failsAndGoesOn = way => {
    scope.fail('on purpose');
    const { name, code, message, function: fn } = untilStopped(way);
    (host ?? globalThis).postMessage({ stopped: { name, code, message, function: fn } });
  };
  proxy.isCoincide = value => value instanceof CoincideError;
  /** The requests of the worker, as far as the browser reports them. */
  proxy.responses = () => performance.getEntriesByType('resource').map(({ name, responseStatus }) => ({ name, responseStatus }));
  proxy.fibonacci = n => (n < 2 ? n : proxy.ask('fibonacci', n - 1) + proxy.ask('fibonacci', n - 2));
  ready();
};
