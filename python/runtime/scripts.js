// The tags of a page: `<script type="py">`, `<script type="mpy">`, `<py-script>` and `<mpy-script>`.
import { PythonWorker, relayed } from './main.js';
import { run } from './page.js';
import { fileOf, textOf } from './text.js';

/** Runs the tags of the page, and tags that are added later. */
export const watch = () => {
  const take = root => {
    if (root.matches?.(TAGS)) runOnce(root);
    for (const tag of root.querySelectorAll?.(TAGS) ?? []) runOnce(tag);
  };
  take(document);
  new MutationObserver(records => {
    for (const { addedNodes } of records) for (const node of addedNodes) take(node);
  }).observe(document, { childList: true, subtree: true });
};

/** Runs a tag once. */
const runOnce = async tag => {
  if (taken.has(tag)) return;
  taken.add(tag);
  try {
    await (tag.hasAttribute('worker') ? inWorker(tag) : onMain(tag));
  } catch (error) {
    console.error(error);
    tag.dispatchEvent(new ErrorEvent('error', { error, message: error.message, bubbles: true }));
  }
};
const taken = new WeakSet();

const inWorker = async tag => {
  if (tag.getAttribute('worker')) throw new SyntaxError('the attribute `worker` has no value: the program is named by `src`');
  const serviceWorker = tag.getAttribute('service-worker');
  await relayed(serviceWorker);
  const worker = new PythonWorker({ ...program(tag), type: typeOf(tag), name: tag.getAttribute('name'), config: tag.getAttribute('config'), serviceWorker });
  tag.worker = worker;
  await worker.ready;
};

const onMain = async tag => {
  const { url, code } = program(tag);
  const details = { file: url ? fileOf(url) : 'the page', config: tag.getAttribute('config'), waits: !tag.hasAttribute('async') };
  await run(typeOf(tag), code ?? textOf(url), details);
};

/** The address of the program of a tag, or its text. */
const program = tag => {
  if (!tag.hasAttribute('src')) return { code: dedented(tag.textContent) };
  if (!tag.getAttribute('src')) throw new SyntaxError('the attribute `src` is empty: it names a program');
  return { url: new URL(tag.getAttribute('src'), document.baseURI).href };
};

/** Removes the common indentation of a program in a page. */
const dedented = text => {
  const lines = text.split('\n');
  const indents = lines.filter(line => line.trim()).map(line => line.match(/^\s*/)[0].length);
  const least = Math.min(...indents);
  return lines.map(line => line.slice(least)).join('\n');
};

const typeOf = tag => TYPES[tag.localName === 'script' ? tag.type : tag.localName.replace('-script', '')];

const TYPES = { py: 'pyodide', mpy: 'micropython' };
const TAGS = 'script[type="py"], script[type="mpy"], py-script, mpy-script';
