// The test runner itself: what passes, what fails and what is skipped.
import { difference, skip, suite } from './suite.mjs';

export default (test, { assert, deepEqual, rejects, throws }) => {
  /** What is reported of a test with this body. */
  const reported = async (body, options) => {
    const results = [];
    const { test, run } = suite(options);
    test('name', body);
    await run(result => results.push(result));
    deepEqual(results.length, 1);
    return results[0];
  };

  test('suite: a test passes if its body returns undefined, also by a promise', async () => {
    for (const body of [() => {}, async () => {}]) deepEqual(await reported(body), { name: 'name', ok: true, skipped: undefined });
  });

  test('suite: `skip` skips a test, and so does a reason of `lack`', async () => {
    for (const body of [() => skip('why'), async () => skip('why')]) deepEqual(await reported(body), { name: 'name', ok: true, skipped: 'why' });
    deepEqual((await reported(() => {}, { lack: () => 'lacking' })).skipped, 'lacking');
    for (const reason of [undefined, '', 1]) throws(() => skip(reason), TypeError);
  });

  test('suite: a test fails if its body throws, rejects or returns a value', async () => {
    const bodies = {
      thrown: () => { throw new Error('thrown'); },
      rejected: async () => { throw new Error('rejected'); },
      '"a text"': () => 'a text',
      '"late"': async () => 'late',
      'the test returned true': () => true,
      'the test returned null': () => null,
    };
    for (const [part, body] of Object.entries(bodies)) {
      const { ok, error } = await reported(body);
      assert(!ok && error.includes(part), `${part}: ${ok}, ${error}`);
    }
  });

  test('suite: a test that does not end fails, and the next one runs', async () => {
    const results = [];
    const { test, run } = suite({ limit: 10 });
    test('endless', () => new Promise(() => {}));
    test('next', () => {});
    await run(result => results.push(result));
    deepEqual(results.map(({ name, ok }) => [name, ok]), [['endless', false], ['next', true]]);
    assert(results[0].error.includes('not done after 0.01 s'), results[0].error);
  });

  test('suite: assertions about errors fail without an error', async () => {
    throws(() => throws(() => {}), Error);
    await rejects(() => rejects(() => {}), Error);
    throws(() => throws(() => { throw new Error('x'); }, TypeError), Error);
  });

  test('suite: buffers and views differ by their length, their range and their bytes', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    for (const [found, expected, text] of [
      [bytes, Uint8Array.of(1, 2, 3), undefined],
      [bytes, Uint8Array.of(1, 2, 4), 'byte 2 of the value is 3 where 4 was expected'],
      [{ a: bytes.buffer }, { a: new ArrayBuffer(2) }, '.a has 3 bytes where 2 were expected'],
      [{ a: bytes.buffer }, { a: bytes.slice().buffer }, undefined],
      [bytes.subarray(1), Uint8Array.of(2, 3), ' (offset, length).0 is 1 where 0 was expected'],
      [bytes, Int8Array.of(1, 2, 3), 'the value is [object Uint8Array] where [object Int8Array] was expected'],
    ])
      deepEqual(difference(found, expected), text);
  });
};
