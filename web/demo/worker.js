import coincide from '../pkg/worker.js';

const { proxy } = await coincide();

// No await: the result is there when the call returns.
proxy.log(proxy.hello('PyScript'));
proxy.log('worker bootstrapped');

proxy.version = () => 42;

/** Calls main for the given time, in milliseconds. Returns the number of calls. */
proxy.chat = milliseconds => {
  const end = performance.now() + milliseconds;
  let calls = 0;
  let batch = 1;
  while (performance.now() < end) {
    const before = performance.now();
    for (let i = 0; i < batch; i++) proxy.inc(calls + i);
    calls += batch;
    // One call may take microseconds or milliseconds.
    batch = performance.now() - before < 5 ? 20 : 1;
  }
  return calls;
};
