// Copies of values, compared with those of `structuredClone`, and the rules of results and of decoding.

export default (test, { encode, decode, lost, assert, equal, deepEqual, throws }) => {
  const again = (value, options) => decode(encode(value, options));

  class Point {
    x = 1;
    #hidden = 2;
    get sum() {
      return this.x + this.#hidden;
    }
  }
  class Empty {
    #hidden = 1;
    get hidden() {
      return this.#hidden;
    }
  }
  const bytes = () => new Uint8Array([1, 2, 3, 4]);
  /** Objects of a language runtime: a `Proxy` of a class instance or of a function, whose properties cannot be listed. */
  const foreign = {
    ownKeys: target => [...Reflect.ownKeys(target), 'attribute'],
    has: () => true,
    get: (target, key, receiver) => (key === 'attribute' ? 1 : Reflect.get(target, key, receiver)),
  };
  const revoked = target => {
    const { proxy, revoke } = Proxy.revocable(target, {});
    revoke();
    return proxy;
  };

  /** Names of cases and how to make their values. `structuredClone` and the codec agree on each of these: on the copy, or on refusing. */
  const same = {
    'undefined': () => undefined,
    'null': () => null,
    'booleans': () => [true, false],
    'numbers': () => [0, -0, 1.5, NaN, -Infinity, 2 ** 53, 5e-324],
    'bigints': () => [0n, -1n, 2n ** 64n, -(2n ** 1000n)],
    'strings': () => ['', 'a', 'é', '😀', '\ud800', 'x'.repeat(10_000)],
    'boxed primitives': () => [Object(1), Object('a'), Object(true), Object(2n)],
    'dates': () => [new Date(5), new Date(NaN)],
    'a regular expression': () => /a(b)\/?/giu,
    'arrays': () => [[], [1, [2]], [undefined, null]],
    'arrays with holes': () => [[, 1, , 2], new Array(5), [1, ,]],
    'an instance of a class of arrays': () => (class extends Array {}).of(1, 2),
    'objects': () => ({ a: 1, 2: 'b', '': { c: [] }, ['__proto__']: 3, constructor: 4, toString: 5 }),
    'an object without a prototype': () => Object.assign(Object.create(null), { a: 1 }),
    'an object without a prototype and without properties': () => Object.create(null),
    'an object that inherits properties': () => Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true } }),
    'an object whose properties cannot be listed': () => Object.defineProperty({}, 'a', { value: 1 }),
    'accessors': () => ({ get a() { return [1]; }, set b(_) {} }),
    'an accessor that throws': () => ({ get a() { throw new Error('no'); } }),
    'an instance with fields': () => new Point(),
    'an instance without fields': () => new Empty(),
    'instances in an object': () => ({ list: [new Point(), new Empty()], map: new Map([[new Empty(), 1]]) }),
    'local symbols as keys': () => ({ a: 1, [Symbol('local')]: 2 }),
    'maps and sets': () => [new Map([[1, { a: 1 }], [[], new Set([1, 'a'])]]), new Set([new Map()])],
    'an instance of a class of maps': () => new (class extends Map {})([[1, 2]]),
    'properties of a map': () => Object.assign(new Map([[1, 2]]), { a: 1 }),
    'properties of a date': () => Object.assign(new Date(1), { a: 1 }),
    'shared references and cycles': () => {
      const shared = { a: 1 };
      const value = { shared, list: [shared, shared] };
      return Object.assign(value, { value });
    },
    'a buffer': () => bytes().buffer,
    'views': () => [bytes().subarray(1, 3), new DataView(bytes().buffer, 1, 2), new Float64Array([1.5]), new BigInt64Array([-1n])],
    'views of one buffer': () => {
      const { buffer } = bytes();
      return [new Uint8Array(buffer, 1), new Uint16Array(buffer), buffer];
    },
    'an error of each class': () => [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map(Class => new Class('text')),
    'an error without a message': () => new Error(),
    'a function': () => () => 1,
    'a class': () => Point,
    'a method': () => ({ method() {} }),
    'toJSON of an object': () => ({ a: 1, toJSON() {} }),
    'a local symbol': () => Symbol('local'),
    'a boxed local symbol': () => Object(Symbol('local')),
    'a weak map': () => new WeakMap(),
    'a weak set': () => new WeakSet(),
    'a weak reference': () => new WeakRef({}),
    'a promise': () => Promise.resolve(1),
    'an instance of a class of promises': () => (class extends Promise {}).resolve(1),
    'a generator': () => (function* () {})(),
    'iterators': () => [].values(),
    'an iterator of a map': () => new Map().entries(),
    'a proxy of a function': () => new Proxy(() => 1, {}),
    'a proxy of an instance without fields': () => new Proxy(new Empty(), {}),
    'a proxy of an instance of a language runtime': () => new Proxy(Object.create(Empty.prototype), foreign),
    'such a proxy within an object': () => ({ list: [new Proxy(Object.create(Empty.prototype), foreign)] }),
    'such a proxy in a map': () => new Map([[1, new Proxy(new Empty(), foreign)]]),
    'such a proxy of a function': () => new Proxy(Object.setPrototypeOf(function () {}, Empty.prototype), foreign),
    'a proxy of an object without a prototype': () => new Proxy(Object.create(null), foreign),
    'a proxy of a date': () => new Proxy(new Date(), {}),
    'a proxy of a map': () => new Proxy(new Map(), {}),
    'a proxy of a regular expression': () => new Proxy(/a/, {}),
    'a proxy of a buffer': () => new Proxy(new ArrayBuffer(1), {}),
    'a proxy of a typed array': () => new Proxy(bytes(), {}),
    'a proxy of a promise': () => new Proxy(Promise.resolve(), {}),
    'a proxy of a boxed number': () => new Proxy(Object(1), {}),
    'a revoked proxy': () => revoked({}),
    'a revoked proxy of an array': () => revoked([]),
    'a transferred buffer': () => {
      const { buffer } = bytes();
      structuredClone(buffer, { transfer: [buffer] });
      return buffer;
    },
  };
  if (ArrayBuffer.prototype.resize) {
    same['a resizable buffer'] = () => new ArrayBuffer(2, { maxByteLength: 4 });
    same['views of a resizable buffer'] = () => {
      const buffer = new ArrayBuffer(4, { maxByteLength: 8 });
      return [new Uint8Array(buffer), new Uint8Array(buffer, 1, 2)];
    };
  }
  if (typeof ImageData === 'function') same['an image'] = () => new ImageData(2, 1);
  if (typeof document === 'object') {
    same['an element'] = () => document.createElement('p');
    same['a style'] = () => document.createElement('p').style;
  }

  /** The copies of the codec where they differ. docs/reference/values.md lists each. */
  const other = {
    'namespaces': [() => [Math, JSON], [{}, {}]],
    'the arguments of a function': [() => (function () { return arguments; })(1, 2), { 0: 1, 1: 2 }],
    'an error whose message cannot be read': [() => Object.defineProperty(new TypeError('a'), 'message', { get() { throw new Error('no'); } }), { name: 'TypeError', message: '' }],
    'the lastIndex of a regular expression': [() => Object.assign(/a/g, { lastIndex: 3 }), { lastIndex: 3 }],
    'symbols that both ends know': [() => [Symbol.iterator, Symbol.for('a')], [Symbol.iterator, Symbol.for('a')]],
    'such symbols as keys': [() => ({ [Symbol.for('a')]: 1 }), { [Symbol.for('a')]: 1 }],
    'a boxed symbol that both ends know': [() => Object(Symbol.iterator), Object(Symbol.iterator)],
    'properties of an error': [() => Object.assign(new Error('a'), { code: 'E', list: [1] }), { code: 'E', list: [1] }],
    'a name of an error': [() => Object.assign(new Error('a'), { name: 'MyError' }), { name: 'MyError' }],
    'errors of an AggregateError': [() => new AggregateError([1], 'a'), { name: 'AggregateError', errors: [1] }],
    'a proxy of an array': [() => new Proxy([1, 2], {}), [1, 2]],
    'a proxy of an object': [() => new Proxy({ a: 1 }, {}), { a: 1 }],
    'a proxy of an instance with fields': [() => new Proxy(new Point(), {}), { x: 1 }],
    'a proxy that lists properties': [() => new Proxy({}, { ownKeys: () => ['a'], getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }), get: () => 1 }), { a: 1 }],
    'properties of an array': [() => Object.assign([1], { a: 1 }), [1]],
  };

  /** Objects of the platform are refused. Those that a runtime has written in JavaScript, `structuredClone` copies as objects without properties. */
  const refused = {
    'a URL': () => new URL('http://localhost/'),
    'URL parameters': () => new URLSearchParams('a=1'),
    'a controller': () => new AbortController(),
    'a signal': () => new AbortController().signal,
    'headers': () => new Headers(),
    'a response': () => new Response(),
    'an event': () => new Event('x'),
    'a proxy of a URL': () => new Proxy(new URL('http://localhost/'), {}),
  };

  const outcome = action => {
    try {
      return { value: action() };
    } catch {
      return { refused: true };
    }
  };
  /** Both have the properties of the second; for arrays and the like, both are alike. */
  const matches = (found, expected) => {
    if (Object.getPrototypeOf(expected) !== Object.prototype) return deepEqual(found, expected);
    for (const key of Reflect.ownKeys(expected)) deepEqual(found[key], expected[key]);
  };

  for (const [name, make] of Object.entries(same))
    test(`clone: copies as structuredClone does: ${name}`, () => {
      const [cloned, copied] = [outcome(() => structuredClone(make())), outcome(() => again(make()))];
      deepEqual(copied, cloned);
      // In an array of arguments, and where results are copied strictly.
      deepEqual(outcome(() => again([make()])), outcome(() => structuredClone([make()])));
      if (cloned.value instanceof Object) equal(Object.getPrototypeOf(copied.value), Object.getPrototypeOf(cloned.value));
      // The codec remains usable.
      deepEqual(again({ a: [1] }), { a: [1] });
    });

  for (const [name, make] of Object.entries(refused))
    test(`clone: refuses: ${name}`, () => {
      throws(() => encode([make()]));
      deepEqual(outcome(() => structuredClone(make())).value ?? {}, {});
    });

  for (const [name, [make, expected]] of Object.entries(other))
    test(`clone: copies otherwise than structuredClone: ${name}`, () => {
      const copied = again(make());
      matches(copied, expected);
    });

  const lenient = { lenient: true, root: 'result' };
  /** Results: how to make one, what it becomes, and the path of what it loses. */
  const results = {
    'toJSON of an object': [() => ({ a: 1, toJSON: () => ({ j: 1 }) }), { j: 1 }],
    'toJSON within an object': [() => [{ a: { toJSON: () => 5 } }], [{ a: 5 }]],
    'toJSON that cannot be listed': [() => Object.defineProperty({ a: 1 }, 'toJSON', { value: () => 'j' }), 'j'],
    'toJSON of a class': [() => new (class { toJSON() { return [this.a]; } a = 1; })(), [1]],
    'toJSON of a prototype': [() => Object.create({ toJSON: () => 1 }), 1],
    'toJSON of an object without a prototype': [() => Object.assign(Object.create(null), { toJSON: () => 1 }), 1],
    'toJSON that returns undefined': [() => [{ toJSON() {} }], [undefined]],
    'toJSON that returns a function': [() => [{ toJSON: () => () => 1 }], [undefined], 'result[0]'],
    'toJSON that returns the object itself': [() => ({ a: 1, toJSON() { return this; } }), { a: 1, toJSON: undefined }, 'result.toJSON'],
    'toJSON of the result of a toJSON is not called': [() => ({ toJSON: () => ({ b: 1, toJSON: () => 2 }) }), { b: 1, toJSON: undefined }, 'result.toJSON'],
    'toJSON that is no function': [() => ({ a: 1, toJSON: 2 }), { a: 1, toJSON: 2 }],
    'toJSON that is called with the object': [() => ({ a: 3, toJSON() { return this.a; } }), 3],
    'toJSON of a date has no meaning': [() => new Date(1), new Date(1)],
    'toJSON of a map has no meaning': [() => Object.assign(new Map([[1, 2]]), { toJSON: () => 1 }), new Map([[1, 2]])],
    'toJSON of an array has no meaning': [() => Object.assign([1], { toJSON: () => 1 }), [1]],
    'a URL': [() => ({ url: new URL('http://localhost/x') }), { url: 'http://localhost/x' }],
    'an object of the platform without toJSON': [() => [new URLSearchParams('a=1')], [{}], 'result[0]'],
    'functions and symbols': [() => ({ a: 1, f() {}, s: Symbol('local') }), { a: 1, f: undefined, s: undefined }, 'result.f'],
    'a proxy of an instance without fields': [() => ({ p: new Proxy(new Empty(), foreign) }), { p: {} }, 'result.p'],
    'a proxy of a function': [() => ({ p: new Proxy(() => 1, foreign) }), { p: undefined }, 'result.p'],
    'a proxy of an object': [() => new Proxy({ a: 1 }, {}), { a: 1 }],
    'instances': [() => [new Point(), new Empty()], [{ x: 1 }, {}]],
  };
  for (const [name, [make, expected, path]] of Object.entries(results))
    test(`clone: copies results leniently: ${name}`, () => {
      deepEqual(again(make(), lenient), expected);
      equal(lost(), path);
    });

  test('clone: an error of toJSON refuses the result', () => {
    const { message } = throws(() => encode({ a: { toJSON() { throw new Error('not now'); } } }, lenient));
    equal(message, 'result.a: reading it has thrown: not now');
    // Each toJSON returns another object with one.
    const endless = () => ({ toJSON: () => ({ inner: endless() }) });
    assert(throws(() => encode(endless(), lenient)).message.includes('nested too deep'), 'another error');
  });

  test('clone: the refusal of an object of a language runtime names its class', () => {
    equal(throws(() => encode([{ list: [new Proxy(Object.create(Empty.prototype), foreign)] }])).message, 'args[0].list[0]: an object of class Empty cannot be sent');
  });

  test('clone: line, column and file of an error are copied as own properties', () => {
    for (const key of ['line', 'column', 'sourceURL', 'fileName', 'lineNumber', 'columnNumber']) {
      const back = again(Object.assign(new Error('a'), { [key]: 'own' }));
      equal(back[key], 'own');
      // It can be listed there if it can here.
      const own = Object.getOwnPropertyDescriptor(Object.assign(new Error('a'), { [key]: 'own' }), key);
      deepEqual(Object.getOwnPropertyDescriptor(back, key), own);
    }
    const error = new Error('a');
    const back = again(error);
    deepEqual(Object.getOwnPropertyNames(back).filter(key => key !== 'name').sort(), [...new Set([...Object.getOwnPropertyNames(error), 'stack'])].sort());
    for (const key of Object.getOwnPropertyNames(error)) equal(back[key], error[key]);
  });

  /** Runs an action while a prototype has a property that the codec does not know. */
  const polluted = (target, key, descriptor, body) => {
    const before = Object.getOwnPropertyDescriptor(target, key);
    Object.defineProperty(target, key, { __proto__: null, configurable: true, ...descriptor });
    try {
      return body();
    } finally {
      if (before) Object.defineProperty(target, key, before);
      else delete target[key];
    }
  };

  test('clone: properties of prototypes do not affect decoding', () => {
    let ran = '';
    const accessor = key => ({ get() { ran += ` get ${String(key)}`; }, set() { ran += ` set ${String(key)}`; } });
    const error = Object.assign(new TypeError('e', { cause: { late: 1 } }), { late: 2, code: 1 });
    const value = () => [{ late: 1, [Symbol.for('late')]: 2, [`l${'o'.repeat(100)}ng`]: 3 }, { late: 2 }, [1, 2, , 4], error, new Map([[1, { late: 1 }]]), Object.assign(/a/, { lastIndex: 2 })];
    const list = list => Array.from({ length: 3000 }, (_, i) => (list ? [i] : i));
    // The codec knows the keys before the prototypes have them.
    for (const bytes of [encode(value()), encode(list(true)), encode(list(false)), encode([1, , 3])]) {
      const expected = decode(bytes);
      const all = [
        ...['late', Symbol.for('late'), `l${'o'.repeat(100)}ng`, 'code', 0, 2, 2500, 'cause', 'name', 'stack', 'lastIndex', 'value', 'get', 'set', 'writable', 'enumerable', 'then']
          .map(key => [Object.prototype, key]),
        ...[0, 1, 2, 2999].map(key => [Array.prototype, key]),
      ];
      for (const [target, key] of all) {
        ran = '';
        const found = polluted(target, key, accessor(key), () => {
          const found = decode(bytes);
          // Before any look at it runs accessors.
          return { __proto__: null, found, ran };
        });
        equal(found.ran, '');
        deepEqual(found.found, expected);
        // Constants that cannot be written do not keep values from being there, either.
        deepEqual(polluted(target, key, { value: 'constant', writable: false }, () => decode(bytes)), expected);
      }
      deepEqual(decode(bytes), expected);
    }
  });
};
