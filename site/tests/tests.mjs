// Tests of the site, in a frame: each example of `programs.json` runs and prints the listed lines.
import { assert, deepEqual, equal, skip, suite } from '/web/tests/suite.mjs';

const post = line => fetch('/report', { method: 'POST', body: line });
// Pyodide takes up to half a minute to start on a busy machine.
const { test, run } = suite({ limit: 85_000 });
const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

let site;
const $ = selector => site.contentDocument.querySelector(selector);
const rows = end => [...site.contentDocument.querySelectorAll(`#console li[data-end=${end}] pre`)].map(row => row.textContent);
const firstLines = end => rows(end).map(row => row.split('\n', 1)[0]);
const frame = () => $('#page iframe')?.contentDocument;

const until = async (condition, what) => {
  for (const end = performance.now() + 80_000; ; await pause(20)) {
    const found = condition();
    if (found) return found;
    if (performance.now() > end) throw new Error(`${what} did not appear; the consoles show ${JSON.stringify([rows('main'), rows('worker')])}, the status is "${$('#status')?.textContent}"`);
  }
};

/** Opens the site, at this fragment. */
const open = async (fragment = '') => {
  site?.remove();
  site = document.createElement('iframe');
  site.style.cssText = 'width: 1000px; height: 1600px';
  site.src = `index.html?quiet${fragment}`;
  document.body.append(site);
  // The editor is loaded when it scrolls into view.
  await until(() => $('#playground'), 'the page');
  $('#playground').scrollIntoView();
  await until(() => $('#run').disabled === false, 'the editor');
};

const choose = async example => {
  if (!site) await open();
  if (!$('#reset').hidden) $('#reset').click();
  $(`#examples input[value=${example.id}]`).click();
  await until(() => $('#reset').hidden && $('#worker-name').textContent === example.worker && $('#about').innerHTML === example.about, example.id);
};

/** The text of a pane's editor. */
const textOf = pane => [...site.contentDocument.querySelectorAll(`#${pane}-pane .cm-line`)].map(line => line.textContent).join('\n');

/** Replaces the text of a pane, as a user does. */
const edit = async (pane, text) => {
  const content = $(`#${pane}-pane .cm-content`);
  content.focus();
  site.contentWindow.getSelection().selectAllChildren(content);
  site.contentDocument.execCommand('insertText', false, text);
  await until(() => textOf(pane) === text && !$('#reset').hidden, text);
};

/** Actions of a user. */
const STEPS = {
  await: ([end, line]) => until(() => firstLines(end).includes(line), line),
  click: async selector => (await until(() => frame()?.querySelector(selector), selector)).click(),
  async answer(text) {
    const field = await until(() => frame()?.querySelector('form input'), 'the prompt');
    field.value = text;
    field.form.requestSubmit();
  },
  stop: () => $('#stop').click(),
};

const programs = await (await fetch('programs/programs.json')).json();
const named = id => programs.find(program => program.id === id);
const chromium = navigator.userAgent.includes('Chrome');

test('site: coi.js isolates the page, and the page marks its tier', async () => {
  await open();
  assert(site.contentWindow.crossOriginIsolated, 'the page is not isolated');
  equal($('#tiers [aria-current]').dataset.tier, 'shared-memory');
});

for (const program of programs) {
  test(`site: the example "${program.title}" runs and prints the listed lines`, async () => {
    // Pyodide takes seconds to load, and the tests of `python/` cover it in other browsers.
    if (program.id === 'python' && !chromium) return skip('runs in Chromium only');
    await choose(program);
    $('#run').click();
    for (const step of program.steps ?? []) for (const [what, value] of Object.entries(step)) await STEPS[what](value);
    const { main, worker } = program.prints;
    await until(() => rows('main').length >= main.length && rows('worker').length >= worker.length, 'all that it prints');
    if (program.page) await until(() => frame().querySelector('h1')?.textContent === program.page, program.page);
    await pause(50);
    deepEqual({ main: firstLines('main'), worker: firstLines('worker') }, program.prints);
    for (const [end, places] of Object.entries(program.stacks ?? {}))
      for (const place of places) assert(rows(end).some(row => row.includes(place)), `no error of ${end} names ${place}: ${rows(end)}`);
    for (const [pane, line] of Object.entries(program.marks ?? {})) {
      const marked = await until(() => $(`#${pane}-pane .cm-lintRange-error`), 'the mark');
      equal([...$(`#${pane}-pane .cm-content`).children].indexOf(marked.closest('.cm-line')) + 1, line);
    }
  });
}

test('site: Stop ends a worker in an endless loop, and the next program runs', async () => {
  await choose(named('hello'));
  await edit('worker', 'for (let n = 0; ; n++) if (n % 1e7 === 0) console.log(n);');
  $('#run').click();
  await until(() => rows('worker').length > 2, 'output of the loop');
  $('#stop').click();
  equal($('#status').textContent, 'stopped');
  equal($('#page iframe'), null);
  // Lines that were printed before may still arrive.
  let count;
  for (let attempts = 0; rows('worker').length !== count; attempts++) {
    assert(attempts < 20, 'the worker keeps running');
    count = rows('worker').length;
    await pause(500);
  }
  $('#reset').click();
  await until(() => textOf('worker').includes('PyScript'), 'the example');
  $('#run').click();
  await until(() => rows('main').includes('42'), '42');
});

test('site: a syntax error of either end is shown with its line', async () => {
  await choose(named('hello'));
  await edit('main', 'const a = 1;\nconst = 2;\n');
  $('#run').click();
  await until(() => rows('main').some(row => row.includes('SyntaxError')), 'the error of main');
  await until(() => $('#main-pane .cm-lintRange-error'), 'the mark in main');
  $('#reset').click();
  await until(() => textOf('main').includes('hello'), 'the example');
  await edit('worker', 'const b = 1;\nconst = 2;\n');
  $('#run').click();
  await until(() => rows('main').some(row => row.includes('SyntaxError')), 'the error of the worker');
  await until(() => $('#worker-pane .cm-lintRange-error'), 'the mark in the worker');
});

test('site: a value that main throws is shown once', async () => {
  await choose(named('hello'));
  await edit('main', "setTimeout(() => console.log('later'), 1000);\nthrow { a: 1 };\n");
  $('#run').click();
  await until(() => rows('main').includes('later'), 'the line after the error');
  equal(rows('main').length, 2);
});

test('site: an edited program is stored in the address, does not run when opened, and runs from the keyboard', async () => {
  await choose(named('hello'));
  const before = site.contentWindow.location.hash;
  await edit('main', `${textOf('main')}\nconsole.log('shared');`);
  const { hash } = await until(() => site.contentWindow.location.hash.startsWith('#code=') && site.contentWindow.location.hash !== before && site.contentWindow.location, 'the address');
  await open(hash);
  await until(() => textOf('main').endsWith("console.log('shared');"), 'the edited program');
  assert($('#about').textContent.includes('Read it before you run it'), $('#about').textContent);
  equal($('#page iframe'), null);
  const key = { key: 'Enter', keyCode: 13, bubbles: true, cancelable: true };
  const mac = /Mac/.test(navigator.platform);
  $('#main-pane .cm-content').dispatchEvent(new site.contentWindow.KeyboardEvent('keydown', { ...key, ctrlKey: !mac, metaKey: mac }));
  await until(() => rows('main').includes('shared'), 'the output');
  await open('#code=damaged');
  assert(textOf('main').includes('worker.proxy.hello'), textOf('main'));
});

test('site: the measurement shows figures of all three libraries for both rows', async () => {
  $('#measure').click();
  await until(() => $('#measured').textContent.startsWith('Fastest in this browser'), 'the end of the measurement');
  for (const row of ['inc', 'echo']) {
    const figures = [...site.contentDocument.querySelectorAll(`#rate-${row} tbody tr`)].map(line => [line.dataset.library, line.cells[2].textContent]);
    deepEqual(figures.map(([library]) => library), ['coincide', 'coincident', 'comlink']);
    for (const [library, figure] of figures) assert(/^[\d,.]+ \/s[\d,.]+ (µs|ms) \(.+ to .+\)$/.test(figure), `${library}: ${figure}`);
    equal(site.contentDocument.querySelectorAll(`#rate-${row} .fastest`).length, 1);
  }
});

test('site: the page fits a narrow screen', async () => {
  site.style.width = '360px';
  await choose(named('errors'));
  $('#run').click();
  await until(() => rows('worker').length > 1, 'the errors');
  const page = site.contentDocument.documentElement;
  equal(page.clientWidth, 360 - (site.contentWindow.innerWidth - page.clientWidth));
  assert(page.scrollWidth <= page.clientWidth, `${page.scrollWidth} px on ${page.clientWidth}`);
});

test('site: each control has an accessible name', async () => {
  const controls = site.contentDocument.querySelectorAll('button, input, [role=textbox], [role=log], iframe, [role=toolbar], [role=radiogroup]');
  assert(controls.length > 10, `${controls.length} controls`);
  for (const control of controls) {
    const name = control.ariaLabel || control.title || control.textContent || control.labels?.[0]?.textContent;
    assert(name, control.outerHTML);
  }
});

// The page is reloaded once it is isolated.
if (crossOriginIsolated) {
  addEventListener('unhandledrejection', event => post(`unhandled: ${event.reason?.stack ?? event.reason}`));
  await run(result => post(JSON.stringify(result)), new URLSearchParams(location.search).get('filter') ?? '').catch(error => post(`the page failed: ${error?.stack ?? error}`));
  await post('done');
}
