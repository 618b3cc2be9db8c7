import coincide from '../pkg/worker.js';

const { proxy } = await coincide();

// No await: the result is there when the call returns.
proxy.log(proxy.hello('PyScript'));
proxy.log('worker bootstrapped');

proxy.version = () => 42;

/** Calls main for so many milliseconds; how often it did. */
proxy.chat = milliseconds => {
  const end = performance.now() + milliseconds;
  let calls = 0;
  while (performance.now() < end) {
    for (let i = 0; i < 20; i++) proxy.inc(calls + i);
    calls += 20;
  }
  return calls;
};
