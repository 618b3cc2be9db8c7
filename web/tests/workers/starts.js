// A worker that begins its link in the way that its address names. `load(entry)` imports an entry of the package.
export const start = (how, host, load) => ways[how](host, load);

const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
const listen = (host, listener) => host.addEventListener('message', ({ data }) => listener(data));

/** The link, with the functions that the tests call. */
const linked = async (load, entry = 'worker', options) => {
  const { default: coincide } = await load(entry);
  const scope = await coincide(options);
  scope.proxy.add = (a, b) => a + b;
  return { coincide, ...scope };
};

/** The functions `coincide` of the entries of another copy, which is in one file per entry on pages. */
const copy = async (host, load) => {
  const names = ['worker', 'window/worker', 'suspending/worker'].map(name => (host === globalThis ? `${name}.inline` : `../modules/${name}`));
  return (await Promise.all(names.map(load))).map(({ default: coincide }) => coincide);
};

const ways = {
  atOnce: (host, load) => linked(load),
  async late(host, load) {
    await pause(60);
    await linked(load);
  },
  /** Imports coincide on a message. */
  onMessage: (host, load) =>
    listen(host, data => {
      if (data === 'load') linked(load);
    }),
  /** The same, after it has posted a message. */
  async posts(host, load) {
    ways.onMessage(host, load);
    host.postMessage('what now?');
  },
  /** Listens before coincide is imported. */
  async listens(host, load) {
    const seen = [];
    if (host === globalThis) onmessage = ({ data }) => seen.push(data);
    else listen(host, data => seen.push(data));
    const { proxy } = await linked(load);
    proxy.seen = () => seen;
  },
  /** Listens once it has its link. */
  async listensLater(host, load) {
    const { proxy } = await linked(load);
    const seen = [];
    listen(host, data => seen.push(data));
    proxy.seen = () => seen;
  },
  async twice(host, load) {
    const { default: coincide } = await load('worker');
    const [one, other] = await Promise.all([coincide(), coincide()]);
    const third = await coincide({ strict: false });
    const refused = await coincide({ strict: true }).catch(({ code, message }) => [code, message.includes('`strict`')]);
    one.proxy.add = (a, b) => a + b;
    one.proxy.checks = () => [one === other, one === third, refused];
  },
  /** Both entries share the link. */
  async both(host, load) {
    const { default: plain } = await load('worker');
    const { default: window } = await load('window/worker');
    const scope = await plain();
    const more = await window();
    scope.proxy.add = (a, b) => a + b;
    scope.proxy.checks = () => ['window' in scope, 'window' in more, scope.proxy === more.proxy];
  },
  /** Another copy of coincide shares the link. It cannot have members of the scope that the first one lacks. */
  async copies(host, load) {
    const { default: one } = await load('worker');
    const [other, ...more] = await copy(host, load);
    const refused = await Promise.all(more.map(coincide => coincide().catch(({ code }) => code)));
    const scope = await other();
    scope.proxy.add = (a, b) => a + b;
    scope.proxy.checks = async () => [(await one()) === scope, ...refused];
  },
  async copiesWithWindow(host, load) {
    const { default: one } = await load('window/worker');
    const [plain, window, suspending] = await copy(host, load);
    const refused = await suspending().catch(({ code }) => code);
    const scope = await one();
    scope.proxy.add = (a, b) => a + b;
    scope.proxy.checks = async () => [(await plain()) === scope, (await window()) === scope, refused];
  },
  /** Has work for a while, and nothing that main may call. */
  async isDone(host, load) {
    const { default: coincide } = await load('worker');
    const { within } = await coincide();
    await within({ promise: true }).slow();
    host.postMessage('done');
  },
  /** Takes an export back when it was called. */
  async takesBack(host, load) {
    const { proxy } = await linked(load);
    /** Removes all functions but one. */
    const leave = last => {
      for (const name of Object.keys(proxy)) if (name !== last) delete proxy[name];
    };
    proxy.leave = leave;
    // Errors of coincide call its own functions by this name.
    proxy['a callback'] = leave;
  },
  /** Imports coincide, and asks for no link. */
  imports: (host, load) => load('worker'),
  /** Posts what it warns of. Its listener keeps it alive. */
  async warns(host, load) {
    listen(host, () => {});
    console.warn = text => host.postMessage({ warned: text, channels: host.channels?.() });
    const { proxy } = await linked(load);
    proxy.channels = () => host.channels?.();
  },
  /** Dispatches events whose data throws when it is read, or looks like a message of main, before and after it has its link. */
  async dispatches(host, load) {
    const odd = [new Proxy({}, { get() { throw new RangeError('boom'); } }), { get 'coincide:packet:1'() { throw new RangeError('boom'); } }, { 'coincide:boot:1': 5 }, { 'coincide:out-of-band:1': 'x' }];
    let seen = 0;
    const dispatch = () => {
      for (const data of odd) host.dispatchEvent(new MessageEvent('message', { data }));
    };
    await load('worker');
    // An event that no listener has read is dispatched again.
    host.addEventListener('message', ({ data }) => data && seen++);
    dispatch();
    const { proxy } = await linked(load);
    dispatch();
    proxy.seen = () => seen;
  },
  nothing() {},
  never: host => listen(host, data => host.postMessage(data)),
  /** Posts what looks like coincide's own messages. */
  async forges(host, load) {
    for (let i = 0; i < 300; i++) for (const what of [null, 1, {}, { url: 'http://[' }, { url: i }, { url: 'x', port: 1 }]) for (const mark of ['hello', 'boot', 'packet']) host.postMessage({ [`coincide:${mark}:1`]: what });
    await linked(load);
  },
};
