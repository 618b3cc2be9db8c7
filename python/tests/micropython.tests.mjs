// MicroPython under Node.js: prints a line of JSON for each test.
import { assert, equal, suite } from '../../web/tests/suite.mjs';
import { load } from '../runtime/micropython.js';

const { test, run } = suite();

const CALLS = 2_000;

const PROGRAM = `
import js
import host

class Owner:
    @property
    def made(self):
        return js.Object.new()

async def awaited():
    return js.Object.new()

host.take(lambda: js.Object.new(), Owner(), awaited)
`;

for (const [name, interrupted] of [
  ['with a poll for interrupts', () => false],
  ['without a poll for interrupts', undefined],
])
  test(`micropython: objects of JavaScript in results survive garbage collections, ${name}`, async () => {
    const python = await load({ print: console.error, printError: console.error, interrupted });
    let made, owner, awaited;
    python.offer('host', { take: (...given) => ([made, owner, awaited] = given) });
    await python.run(PROGRAM);
    for (const [way, get] of [
      ['function', made],
      ['callback of `then`', () => Promise.resolve().then(made)],
      ['property', () => owner.made],
      ['async function', awaited],
    ])
      for (let count = 0; count < CALLS; count++) equal(`${way} ${count}: ${typeof (await get())}`, `${way} ${count}: object`);
    // Each result had an entry. Entries of collected results are reused.
    assert(globalThis.proxy_js_ref.length < 3 * CALLS, `MicroPython keeps ${globalThis.proxy_js_ref.length} objects`);
  });

await run(result => console.log(JSON.stringify(result)));
