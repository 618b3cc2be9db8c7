// Lua in a worker of Node.js: prints a line of JSON for each test. The site's tests run Lua in browsers.
import { Worker } from 'node:worker_threads';
import coincide from 'coincide/window/main';
import { assert, deepEqual, equal, rejects, suite } from '../../web/tests/suite.mjs';

const { test, run } = suite();
const here = name => new URL(name, import.meta.url);
const worker = coincide().wrap(new Worker(here('lua.js')));
const lines = [];
worker.proxy.print = line => lines.push(line);
const lua = code => worker.proxy.run(code, 'program.lua');

/** Runs a program, and interrupts it when it has called `input`. */
const interrupted = code => {
  worker.proxy.input = () => {
    setTimeout(() => worker.interrupt(), 20);
    return '';
  };
  return lua(`input("")\n${code}`);
};

test('lua: input blocks until main answers, and print formats values as Lua does', async () => {
  worker.proxy.input = async prompt => {
    await new Promise(resolve => setTimeout(resolve, 10));
    return `${prompt}Ada`;
  };
  equal(await lua('local name = input("I am ") print("Hello,", name, nil, 1.5) sleep(0.01) return #name'), 8);
  deepEqual(lines.splice(0), ['Hello,\tI am Ada\tnil\t1.5']);
});

test('lua: programs read, set and call objects of main, and null becomes nil', async () => {
  const element = { textContent: 'old' };
  globalThis.document = { title: 'page', getElementById: id => (id === 'here' ? element : null) };
  equal(await lua('local e = window.document:getElementById("here") e.textContent = "new" return e.textContent'), 'new');
  equal(element.textContent, 'new');
  equal(await lua('return window.document:getElementById("there") == nil'), true);
});

test('lua: an interrupt ends a loop, a sleep, a coroutine and a call of main', async () => {
  for (const code of ['while true do end', 'sleep(60)', 'coroutine.wrap(function() while true do end end)()'])
    equal((await rejects(() => interrupted(code))).code, 'Interrupted');
  worker.proxy.input = () => new Promise(() => setTimeout(() => worker.interrupt(), 20));
  equal((await rejects(() => lua('input("")'))).code, 'Interrupted');
  equal(await interrupted('local ok, e = pcall(function() while true do end end) return e.code'), 'Interrupted');
  equal(await lua('return 1 + 1'), 2);
});

test('lua: an interrupt ends a listener', async () => {
  const called = new Promise(resolve => (globalThis.listen = fn => resolve(() => fn('click'))));
  await lua('window:listen(function(event) print(event) while true do end end)');
  worker.proxy.print = line => {
    lines.push(line);
    setTimeout(() => worker.interrupt(), 20);
  };
  const listener = await called;
  assert((await rejects(listener)).message.includes('main has interrupted the worker'));
  deepEqual(lines.splice(0), ['click']);
});

test('lua: a timeout of main ends the program', async () => {
  equal((await rejects(() => worker.within({ timeout: 50 }).run('while true do end', 'program.lua'))).name, 'TimeoutError');
  equal(await lua('return "alive"'), 'alive');
});

test('lua: errors name the line, and errors of main keep their class', async () => {
  assert((await rejects(() => lua('\nlocal x = nil + 1'))).message.startsWith('program.lua:2: attempt to perform arithmetic'));
  assert((await rejects(() => lua('\nx = = 2'))).message.startsWith('program.lua:2: unexpected symbol'));
  worker.proxy.input = () => {
    throw new RangeError('nothing to read');
  };
  equal((await rejects(() => lua('input("")'), RangeError)).message, 'nothing to read');
  equal(await lua('local ok, e = pcall(input, "") return tostring(e)'), 'RangeError: nothing to read');
});

await run(result => console.log(JSON.stringify(result)));
worker.terminate();
