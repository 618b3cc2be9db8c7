// Runs one case on one page: `?3` is the fourth. The page inserts coi.js, waits until it is isolated or coi.js reports the reason why not,
// checks, reports, and loads the next case. A reload by coi.js restarts the case, whose state is in the session's storage.
// Browsers sometimes do not complete steps between two cases, so those steps have timeouts and are repeated.
import { assert, equal } from '../suite.mjs';
import { cases } from './cases.mjs';

clearTimeout(globalThis.unloaded);

const post = line => fetch('/report', { method: 'POST', body: line });
const number = Number(location.search.slice(1) || 0);
const one = cases[number];
// Removing a counter reaches pages in other processes late, so each case has a counter of its own.
const counter = `loads ${number}`;
const loads = Number(sessionStorage.getItem(counter) ?? 0) + 1;
sessionStorage.setItem(counter, loads);

/** One page requires trusted types. */
const scripts = globalThis.trustedTypes?.createPolicy('workers', { createScriptURL: url => url }) ?? { createScriptURL: url => url };

/** Resolves with the message of coi.js, which reports failures only. */
const heard = new Promise(resolve => {
  for (const level of ['error', 'info']) {
    const original = console[level];
    console[level] = (...words) => {
      original.apply(console, words);
      if (`${words[0]}`.startsWith('coi.js: ')) resolve(words[0]);
    };
  }
});

const registrations = () => navigator.serviceWorker.getRegistrations();

const late = new Promise((_, reject) =>
  setTimeout(() => reject(new Error('the case did not end within 20 s')), 20_000),
);

/** Resolves with the message of coi.js, or with `undefined` when the page is isolated. Pending if the page is reloaded. */
const settled = async () => {
  if (loads === 1) await one.before?.();
  if (one.src === null) return undefined;
  const script = document.createElement('script');
  script.src = scripts.createScriptURL((typeof one.src === 'function' ? one.src() : one.src) ?? '../../coi.js');
  for (const [name, value] of Object.entries(one.attributes ?? {})) script.setAttribute(name, value);
  await one.disguise?.();
  const ran = new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${script.src} cannot be loaded`));
  });
  document.head.append(script);
  await ran;
  return crossOriginIsolated ? undefined : heard;
};

const check = async () => {
  assert(loads < 5, 'the page is reloaded again and again');
  const said = await Promise.race([settled(), late]);
  if (one.reload && loads === 1) {
    if (one.reload !== true) assert(said.includes(one.reload), said);
    location.reload();
    await new Promise(() => {});
  }
  const { isolated, says } = typeof one.expect === 'function' ? one.expect() : one.expect;
  if (says) assert(said?.includes(says), `it says ${said}`);
  else equal(said, undefined);
  equal(crossOriginIsolated, isolated);
  equal(loads, one.loads ?? 1);
  if (one.registered !== undefined) equal((await registrations()).length, one.registered);
  await Promise.race([one.then?.(), late]);
};

try {
  await check();
  await post(JSON.stringify({ name: `coi.js: ${one.name}`, ok: true }));
} catch (error) {
  await post(JSON.stringify({ name: `coi.js: ${one.name}`, ok: false, error: `${error?.message}\n${error?.stack}` }));
}

const unregisterAll = async () => {
  for (const registration of await registrations()) await registration.unregister();
};
const slow = new Promise(resolve => setTimeout(resolve, 5_000, true));
if (await Promise.race([unregisterAll(), slow])) await post(`coi.js: ${one.name}: the service workers were not unregistered within 5 s`);

const next = number + 1 < cases.length && `${cases[number + 1].at ?? '/plain/site/coi/app/'}page.html?${number + 1}`;
const leave = () => location.replace(next);
if (next) {
  setInterval(leave, 10_000);
  leave();
} else await post('done');
