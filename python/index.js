// Shows the pages of the example, one at a time. With `?report`, posts the output of the first page to the server.
import { open, until } from './tests/open.js';

const PAGES = [
  ['common', 'Common use case', ['main.py', 'worker.py']],
  ['tag', 'A program in a worker', ['my-worker-code.py']],
  ['named', 'A worker with a name', ['main.py', 'my-worker-code.py']],
  ['launch', 'Starting a worker in Python', ['main.py', 'my-worker-code.py']],
  ['sync', 'Calling the page', ['main.py', 'worker.py']],
  ['export', 'Calling the worker', ['main.py', 'my-worker-code.py']],
  ['caching', 'References, repeated and kept', ['worker.py']],
  ['sync-main-only', 'Calls from the page only', ['main.py', 'worker.py']],
  ['orbits', 'A long computation', ['main.py', 'worker.py']],
];

/** Pages without the headers of this page. Its frames cannot show them. */
const APART = [
  ['headers', 'Headers from a script'],
  ['service-worker', 'The service-worker attribute'],
];

const element = (name, properties, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};
const [list, stage, output, files] = ['list', 'stage', 'console', 'files'].map(id => document.getElementById(id));

const show = async ([folder, , names]) => {
  for (const button of list.children) button.toggleAttribute('aria-current', button.value === folder);
  stage.replaceChildren();
  output.replaceChildren();
  const said = open(new URL(`pages/${folder}/index.html`, import.meta.url), stage);
  const texts = await Promise.all(['index.html', ...names].map(async name => [name, await (await fetch(`pages/${folder}/${name}`)).text()]));
  files.replaceChildren(...texts.map(([name, text]) => element('figure', {}, element('figcaption', {}, name), element('pre', {}, text.trim()))));
  const page = await said;
  const write = (text, className = '') => output.append(element('div', { className }, text));
  page.lines.forEach(line => write(line));
  page.heard = write;
  page.failed = text => write(text, 'error');
  return page;
};

list.append(
  ...PAGES.map(page => element('button', { value: page[0], onclick: () => show(page) }, page[1])),
  ...APART.map(([folder, title]) => element('a', { href: `/plain/python/site/${folder}/index.html`, target: '_blank' }, `${title} ↗`)),
);
const page = await show(PAGES.find(([folder]) => `#${folder}` === location.hash) ?? PAGES[0]);

if (new URLSearchParams(location.search).has('report')) {
  const post = line => fetch('/report', { method: 'POST', body: line });
  await until(() => page.errors.length > 0 || page.frame.contentDocument.body?.textContent.trim().endsWith('42'));
  for (const line of [...page.lines, ...page.errors]) await post(line);
  await post(`the page shows ${page.frame.contentDocument.body.textContent.trim()}`);
  await post('done');
}
