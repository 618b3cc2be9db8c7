// The vectors of operations, in both directions.
import { reflection } from '../modules/reflect/main.js';
import { reflect as reflectWorker } from '../modules/reflect/worker.js';
import { codecKit, hex, unhex } from './codec.kit.mjs';

export default (test, kit) => {
  const { assert, equal, deepEqual } = kit;
  const onVectors = (name, body) => kit.operations && test(`window: the operations of the vectors, ${name}`, body);

  onVectors('on main', async () => {
    const { trace } = await kit.operations();
    const list = [1, 2];
    const root = { inner: { name: 'x' }, list, same: list, answer: 42, add: (a, b) => a + b };
    let references, serve;
    reflection.reflect({ reflect: (...given) => ([references, serve] = given), release() {}, invoke() {} }, { root, membrane: false });
    const codec = codecKit(references);
    assert(trace.length > 10);
    for (const { name, bytes, resultBytes } of trace)
      equal(`${name}: ${hex(codec.encode(serve(...codec.decode(unhex(bytes))), { root: 'result' }))}`, `${name}: ${resultBytes}`);
  });

  onVectors('in a worker', async () => {
    const { trace } = await kit.operations();
    // Proxies have a trip for each step of a path.
    const wanted = trace.filter(({ flags, operation }) => flags.length === 0 && operation !== 'reach');
    let codec;
    let next = 0;
    const end = {
      reflect: references => (codec = codecKit(references)),
      release() {},
      operate([number, ...rest]) {
        const { name, bytes, resultBytes } = wanted[next++];
        // Some operations request metadata for their result and later ones. These vectors have none.
        const wantsFacts = Boolean(number & 64);
        equal(`${name}: ${hex(codec.encode([number & ~64, ...rest]))}`, `${name}: ${bytes}`);
        const result = codec.decode(unhex(resultBytes));
        return wantsFacts ? [result, undefined, false] : result;
      },
    };
    const { window, ffi } = reflectWorker(end, {}).scope;
    const { inner } = window;
    inner.name;
    inner.name = 'y';
    const { list } = window;
    equal(window.same, list);
    deepEqual(Reflect.ownKeys(inner), ['name']);
    equal(Object.getOwnPropertyDescriptor(inner, 'name').value, 'y');
    ffi.query(window, 'inner.name');
    ffi.gather(window, 'answer', 'list.length');
    const { add } = window;
    equal(add(20, 22), 42);
    const callback = () => {};
    window.callback = callback;
    equal(window.callback, callback);
    equal('missing' in window, false);
    equal(typeof Object.getPrototypeOf(inner), 'object');
    delete inner.name;
    ffi.batch(() => {
      window.answer = 43;
      delete window.same;
    });
    equal(next, wanted.length - 1);
  });
};
