// Sends the console's output of a frame or a worker to the playground. Options are in the address: `?run=ID&end=main`.
const { searchParams } = new URL(import.meta.url);
const end = searchParams.get('end');
const channel = new BroadcastChannel(searchParams.get('run'));
const PROBED = 'playground: only loaded';
const post = entry => channel.postMessage({ end, time: performance.timeOrigin + performance.now(), ...entry });

/** Formats a value as a console does. */
const show = (value, depth = 0) => {
  if (typeof value === 'string') return depth ? JSON.stringify(value) : value;
  if (value instanceof Error) return withStack(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value !== 'object' || value === null) return String(value);
  try {
    if (value instanceof Map || value instanceof Set) return `${value.constructor.name} ${show([...value], depth)}`;
    const text = JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part));
    return text === '{}' ? Object.prototype.toString.call(value).replace('[object Object]', '{}') : text;
  } catch {
    return Object.prototype.toString.call(value);
  }
};

/** Text of an error with its stack. In Chromium a stack begins with the error, in Firefox it does not. */
const withStack = error => {
  const title = String(error);
  const stack = typeof error.stack === 'string' ? error.stack.trimEnd() : '';
  return stack.startsWith(title) || !stack ? stack || title : `${title}\n${stack}`;
};

for (const level of ['debug', 'log', 'info', 'warn', 'error']) {
  const original = console[level];
  console[level] = (...values) => {
    original.apply(console, values);
    post({ level, text: values.map(value => show(value)).join(' ') });
  };
}
/** The address of a worker's module, by the address of its probe. */
const probes = new Map();
/** Errors that events have reported: thrown values and messages. */
const uncaught = [];
addEventListener('error', ({ error, message, filename, lineno }) => {
  if (error === PROBED) return;
  uncaught.push({ error, message });
  const text = error instanceof Error && error.stack && !probes.has(filename) ? `Uncaught ${withStack(error)}` : message;
  if (text) post({ level: 'error', text, place: [probes.get(filename) ?? filename, lineno] });
});
addEventListener('unhandledrejection', ({ reason }) => post({ level: 'error', text: `Uncaught ${show(reason)}` }));

const moduleOf = text => URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));

/**
 * Reports why a worker's module cannot be loaded, which browsers do not report to its page. The module is loaded on the page, which reports errors in its syntax
 * and its imports with their lines. An import that throws keeps it from running.
 */
const explain = async address => {
  const probe = moduleOf(`import ${JSON.stringify(moduleOf(`throw ${JSON.stringify(PROBED)}`))}; ${await (await fetch(address)).text()}`);
  probes.set(probe, address);
  document.head.append(Object.assign(document.createElement('script'), { type: 'module', src: probe }));
};

/** Whether an event has reported what an import rejects with. For a missing export, Firefox creates another error for each import. */
const isReported = thrown => uncaught.some(({ error, message }) => error === thrown || (thrown instanceof SyntaxError && message.includes(thrown.message)));

/** Reports the error of the module `main`, unless an event has. WebKit has no event for modules that await. */
const watch = main =>
  import(main).catch(error =>
    setTimeout(() => {
      if (!isReported(error)) post({ level: 'error', text: `Uncaught ${show(error)}` });
    }, 100),
  );

if (end === 'main') {
  const begun = new Set();
  channel.onmessage = ({ data }) => {
    if (data.begun) begun.add(data.begun);
    if (data.main) watch(data.main);
  };
  globalThis.Worker = class extends Worker {
    constructor(url, options) {
      super(url, options);
      // A module that has begun to run reports its own errors, possibly after this event.
      this.addEventListener('error', () => setTimeout(() => begun.has(String(url)) || explain(String(url)), 100), { once: true });
    }
  };
} else post({ begun: location.href });
