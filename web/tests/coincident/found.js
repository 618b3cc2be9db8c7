// What the program finds, with coincident and with coincide in its shape alike. Coincide has further members.

const plainMembers = {
  main: { Worker: 'function', native: 'boolean', transfer: 'function' },
  worker: { proxy: 'object' },
  scope: { proxy: 'object', native: 'boolean', sync: 'boolean', transfer: 'function', ffi_timeout: 'number' },
};

const utilities = { assign: 'function', direct: 'function', evaluate: 'function', gather: 'function', query: 'function' };

const windowMembers = {
  main: plainMembers.main,
  worker: { ...plainMembers.worker, ffi: 'object' },
  ffi: utilities,
  scope: { ...plainMembers.scope, window: 'object', isWindowProxy: 'function', ffi: 'object' },
  utilities,
};

const plain = {
  members: plainMembers,
  worker: {
    sync: true,
    native: true,
    ffi_timeout: 5,
    hello: 'Hello, you',
    later: 42,
    nothing: 'undefined',
    self: true,
    errors: ['RangeError: too far', 'TypeError: returned', 'TypeError', 'DataCloneError'],
    size: [[8, 0], 0],
    mixed: ['fn,date,map,list,bytes', 'undefined', 0, 'a', 2, '1,2'],
    then: undefined,
  },
  doubled: 42,
  thrown: 'SyntaxError: from the worker',
  unsent: 'DataCloneError',
  then: undefined,
  same: true,
  moved: [2, 0],
  ffi: undefined,
};

const withWindow = {
  ...plain,
  members: windowMembers,
  worker: {
    ...plain.worker,
    window: {
      read: [2, 2, 'function', true, undefined],
      called: 3,
      set: 'from the worker',
      callback: 44,
      proxies: [true, true, true, false, false, false],
      same: true,
      instance: true,
      imported: './module.js',
      assigned: 3,
      queried: 2,
      gathered: '2,from the worker,',
      evaluated: 3,
      direct: true,
    },
  },
  ffi: [{ a: 1, b: 2 }, 3, 3, [1, 2, undefined], true],
};

/** Where the worker cannot block, its calls return promises. */
const unblocked = { ...plain, worker: { sync: false, native: false, ffi_timeout: 5, hello: ['function', 'Hello, you'] } };

export const expected = { plain, window: withWindow, unblocked };
