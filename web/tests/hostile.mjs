// Values and functions of a program that throw when they are touched, for both ends. `boom` is what they throw.

const boom = () => {
  throw new Error('boom');
};

const hostile = new Proxy({}, new Proxy({}, { get: () => boom }));

/** Installs something for as long as `body` runs, with all that it awaits. */
const during = async (target, name, descriptor, body) => {
  const before = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, { configurable: true, ...descriptor });
  try {
    return await body();
  } finally {
    if (before) Object.defineProperty(target, name, before);
    else delete target[name];
  }
};

/** `make` is the function that is called. `gives` is a text in the error of its caller, or the result. */
export const results = {
  'a `then` that throws when it is read': { make: () => ({ get then() { return boom(); } }), throws: 'boom' },
  'a `then` that throws when it is called': { make: () => ({ then: boom }), throws: 'boom' },
  'a `then` that settles twice and throws': { make: () => ({ then(ok, no) { ok(1); no(new Error('no')); boom(); } }), returns: 1 },
  'a `then` that throws only the second time': { make: () => ({ times: 0, get then() { return this.times++ ? boom() : boom; } }), throws: 'boom' },
  'a `then` that rejects with what throws': { make: () => ({ then: (ok, no) => no(hostile) }), throws: '' },
  'a promise whose `constructor` throws': { make: () => Object.defineProperty(Promise.resolve(1), 'constructor', { get: boom }), throws: 'boom' },
  'a promise whose `then` throws': { make: () => Object.assign(Promise.resolve(1), { then: boom }), returns: 1 },
  'a promise of a class whose `then` throws': { make: () => new (class extends Promise { then() { boom(); } })(() => {}), throws: 'boom' },
  'a rejection that throws when it is touched': { make: () => Promise.reject(hostile), throws: '' },
  'a proxy whose traps throw': { make: () => hostile, throws: 'boom' },
  'a promise of a proxy whose traps throw': { make: () => Promise.resolve().then(() => ({ inner: hostile })), throws: 'boom' },
  'a proxy that was revoked': {
    make() {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    },
    throws: '',
  },
  'a proxy whose prototype throws': { make: () => new Proxy({}, { getPrototypeOf: boom }), throws: 'boom' },
  'a proxy whose keys throw': { make: () => new Proxy({}, { ownKeys: boom }), throws: 'boom' },
  'a getter that throws': { make: () => ({ deep: [{ get x() { return boom(); } }] }), throws: 'boom' },
  'a getter that throws what throws': { make: () => ({ get x() { throw hostile; } }), throws: '' },
  'a `toJSON` that throws': { make: () => new (class { toJSON() { boom(); } })(), throws: 'boom' },
  'an exception that throws when it is touched': { make() { throw hostile; }, throws: '' },
  'an exception whose message throws': { make() { throw Object.defineProperty(new Error('x'), 'message', { get: boom }); }, throws: '' },
  'an exception whose `toString` throws': { make() { throw { toString: boom, get message() { return boom(); } }; }, throws: '' },
  'an exception whose stack throws': { make() { throw Object.defineProperty(new Error('x'), 'stack', { get: boom }); }, throws: '' },
  'a function that ends the stack': {
    make() {
      const descend = () => descend() + 1;
      return descend();
    },
    throws: /call stack|recursion|stack/i,
  },
  'a getter that ends the stack': { make: () => ({ get x() { return this.x + 1; } }), throws: /call stack|recursion|stack/i },
  'a proxy with a trap for calls that throws': { make: new Proxy(() => 1, { apply: boom, get: boom }), throws: 'boom' },
  'a function with an `apply` that throws': { make: Object.assign(() => 1, { apply: boom, call: boom }), returns: 1 },
  'a proxy that is no function': { make: new Proxy({}, { get: boom }), throws: 'not a function' },
};

/** What is around the program while a call runs. `make` is called as above. */
export const surroundings = {
  'a console whose `warn` throws': { install: body => during(console, 'warn', { value: boom }, body), make: () => ({ lost: () => 1 }), returns: { lost: undefined } },
  'a `prepareStackTrace` that throws': { install: body => during(Error, 'prepareStackTrace', { value: boom, writable: true }, body), make: boom, throws: '' },
  'a `prepareStackTrace` that gives no text': {
    install: body => during(Error, 'prepareStackTrace', { value: (error, sites) => sites, writable: true }, body),
    make: boom,
    throws: '',
  },
};
