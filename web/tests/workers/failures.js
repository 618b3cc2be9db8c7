// A worker that fails in the way that its name tells.
export const run = (coincide, how, post = message => self.postMessage(message)) => ways[how](coincide, post);

class Own extends RangeError {
  name = 'Own';
}

/** Makes the error in a function whose name is looked for. */
const theWorkersOwn = (Class, ...args) => new Class(...args);
const tooFar = () => theWorkersOwn(RangeError, 'too far');
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

const ways = {
  beforeCoincide() {
    throw tooFar();
  },
  async afterCoincide(coincide) {
    const { proxy } = await coincide();
    proxy.early = () => 1;
    throw tooFar();
  },
  async afterAPause(coincide) {
    await coincide({ ready: 'manual' });
    await pause(10);
    throw tooFar();
  },
  async inATimer(coincide) {
    await coincide({ ready: 'manual' });
    setTimeout(() => {
      throw tooFar();
    }, 10);
  },
  async unhandled(coincide) {
    await coincide({ ready: 'manual' });
    Promise.reject(tooFar());
  },
  async notAwaited(coincide) {
    (async () => {
      const { proxy } = await coincide();
      proxy.early = () => 1;
      throw tooFar();
    })();
  },
  async ownClass(coincide) {
    await coincide();
    throw Object.assign(theWorkersOwn(Own, 'too far'), { code: 7 });
  },
  async withCause(coincide) {
    await coincide();
    throw theWorkersOwn(RangeError, 'too far', { cause: new TypeError('why') });
  },
  async dom(coincide) {
    await coincide();
    throw theWorkersOwn(DOMException, 'too far', 'DataCloneError');
  },
  async text(coincide) {
    await coincide();
    throw 'too far';
  },
  async null(coincide) {
    await coincide();
    throw null;
  },
  async says(coincide) {
    const { fail } = await coincide({ ready: 'manual' });
    fail(tooFar());
  },
  async ours(coincide) {
    await coincide({ ready: 'manual' });
    await coincide({ strict: true });
  },
  async saysOurs(coincide) {
    const { fail } = await coincide({ ready: 'manual' });
    await coincide({ strict: true }).catch(fail);
  },
  async aCircle(coincide) {
    await coincide({ ready: 'manual' });
    const error = tooFar();
    throw Object.assign(error, { cause: error });
  },
  async saysWhatThrows(coincide) {
    const { fail } = await coincide({ ready: 'manual' });
    fail(new Proxy(new RangeError('too far'), new Proxy({}, { get: () => () => { throw new Error('boom'); } })));
  },
  async saysWithKeysThatThrow(coincide) {
    const { fail } = await coincide({ ready: 'manual' });
    fail(new Proxy(new RangeError('too far'), { ownKeys() { throw new Error('boom'); } }));
  },
  async saysWhatChanges(coincide) {
    const { fail } = await coincide({ ready: 'manual' });
    let times = 0;
    fail(Object.defineProperty(tooFar(), 'x', { enumerable: true, get: () => (times++ % 2 ? () => {} : 1) }));
  },
  async postsWhatIsNoReport(coincide, post) {
    const { proxy } = await coincide();
    proxy.post = post;
    proxy.posts = messages => messages.forEach(message => post(message));
    proxy.never = () => new Promise(() => {});
    proxy.closes = () => close();
  },
  async exits(coincide) {
    await coincide();
    process.exit(3);
  },
  async onceReady(coincide) {
    const { proxy } = await coincide();
    proxy.echo = value => value;
    proxy.fails = () => void setTimeout(() => {
      throw tooFar();
    }, 0);
    proxy.never = () => new Promise(() => {});
  },
  async handled(coincide) {
    const { proxy, ready } = await coincide({ ready: 'manual' });
    proxy.echo = value => value;
    addEventListener('error', event => event.preventDefault());
    addEventListener('unhandledrejection', event => event.preventDefault());
    Promise.reject(tooFar());
    setTimeout(() => {
      setTimeout(ready, 10);
      throw tooFar();
    }, 0);
  },
};

ways.staysBeside = ways.postsWhatIsNoReport;
