// The playground: programs in two panes, which run in a frame.
import { Pane } from './editor.js';
import { fragmentOf, programOf } from './link.js';
import { Program } from './program.js';

const $ = id => document.getElementById(id);
const ENTRIES = 500;
const CHANGES_SETTLE = 400;

const programs = await (await fetch('programs/programs.json')).json();
const fileOf = async (id, name) => (await (await fetch(`programs/${id}/${name}`)).text()).trimEnd();

let running;
/** The name of the worker's file, and the example in the panes; none if the program came with a link. */
let shown = { file: 'worker.js' };
let edited = false;
let settling;

// --- the editor ---

const changed = () => {
  setEdited(true);
  clearTimeout(settling);
  settling = setTimeout(async () => history.replaceState(null, '', await fragmentOf(current())), CHANGES_SETTLE);
};
const current = () => ({ main: panes.main.text, worker: panes.worker.text, file: shown.file });
const panes = {
  main: new Pane($('main-pane'), { label: 'Code of the page', changed, run: () => run() }),
  worker: new Pane($('worker-pane'), { label: 'Code of the worker', changed, run: () => run() }),
};
const paneOf = name => ({ 'main.js': panes.main, [shown.file]: panes.worker })[name];

const setEdited = now => {
  edited = now;
  $('reset').hidden = !now || !shown.example;
};

const show = (program, example) => {
  end();
  clear();
  clearTimeout(settling);
  shown = { file: program.file, example };
  panes.main.show('main.js', program.main);
  panes.worker.show(program.file, program.worker);
  $('worker-name').textContent = program.file;
  for (const choice of $('examples').querySelectorAll('input')) choice.checked = choice.value === example?.id;
  if (example) $('about').innerHTML = example.about;
  else $('about').textContent = 'This program came with the link. Read it before you run it: it runs as a part of this site.';
  setEdited(false);
};

const choose = async id => {
  const example = programs.find(program => program.id === id) ?? programs[0];
  const [main, worker] = await Promise.all(['main.js', example.worker].map(name => fileOf(example.id, name)));
  show({ main, worker, file: example.worker }, example);
};

// --- the console ---

let entries = [];
let waiting = [];

/** Queues an entry. Each animation frame shows the newest entries of both ends, in the order of their clocks. */
const receive = entry => {
  waiting.push(entry);
  if (waiting.length > ENTRIES) waiting.shift();
  if (waiting.length === 1) requestAnimationFrame(flush);
};

const flush = () => {
  for (const entry of waiting.splice(0)) {
    let at = entries.length;
    while (at > 0 && entries[at - 1].time > entry.time) at -= 1;
    entry.row = rowOf(entry);
    $('console').insertBefore(entry.row, entries[at]?.row ?? null);
    entries.splice(at, 0, entry);
    if (entry.level === 'error') markLine(entry);
  }
  for (const { row } of entries.splice(0, entries.length - ENTRIES)) row.remove();
  $('console').scrollTop = $('console').scrollHeight;
};

/** `worker.js:3`, `program.lua:3`, and Python's `File "program.py", line 3`. */
const PLACE = /\b(main\.js|\w+\.(?:js|py|lua))(?::|", line )(\d+)/;

const rowOf = ({ end, level, text }) => {
  const row = document.createElement('li');
  row.className = level;
  row.dataset.end = end;
  const label = document.createElement('span');
  label.textContent = end;
  const content = document.createElement('pre');
  let rest = text;
  for (let found = PLACE.exec(rest); found; found = PLACE.exec(rest)) {
    const pane = paneOf(found[1]);
    content.append(rest.slice(0, found.index));
    rest = rest.slice(found.index + found[0].length);
    if (!pane) {
      content.append(found[0]);
      continue;
    }
    const link = document.createElement('button');
    link.type = 'button';
    link.textContent = found[0];
    link.onclick = () => pane.go(Number(found[2]));
    content.append(link);
  }
  content.append(rest);
  row.append(label, content);
  return row;
};

const marks = new Map();
/** Marks the line where an error was thrown: the first place in its stack; in Python's traceback the last. */
const markLine = ({ text, place }) => {
  if (!/^Uncaught|^\S*SyntaxError|Traceback|^\w+\.lua:/.test(text) && !place) return;
  const found = [...text.matchAll(new RegExp(PLACE, 'g'))].map(([, name, line]) => [name, Number(line)]).filter(([name]) => paneOf(name));
  const [name, line] = (text.includes('Traceback') ? found.at(-1) : found[0]) ?? place ?? [];
  const pane = paneOf(name);
  if (!pane) return;
  const errors = marks.get(pane) ?? [];
  errors.push([line, text.split('\n', 1)[0]]);
  marks.set(pane, errors);
  pane.mark(errors);
};

const clear = () => {
  entries = [];
  waiting = [];
  $('console').replaceChildren();
  for (const pane of marks.keys()) pane.mark([]);
  marks.clear();
};

// --- running ---

const say = status => ($('status').textContent = status);

const end = () => {
  running?.end();
  running = undefined;
  $('stop').disabled = true;
  $('page').replaceChildren();
  say('');
};

const run = () => {
  end();
  clear();
  running = new Program($('page'), { 'main.js': panes.main.text, [shown.file]: panes.worker.text }, receive);
  $('stop').disabled = false;
  say('running');
};

/** The first press lets the program stop by itself if it listens to `stop`; the next one ends it. */
const stop = () => {
  if (!running) return;
  if (!running.asked && running.ask()) {
    running.asked = true;
    return say('asked to stop; press Stop again to end it');
  }
  end();
  say('stopped');
};

$('run').onclick = run;
$('stop').onclick = stop;
$('reset').onclick = () => {
  history.replaceState(null, '', `#${shown.example.id}`);
  choose(shown.example.id);
};
$('share').onclick = async () => {
  history.replaceState(null, '', edited || !shown.example ? await fragmentOf(current()) : `#${shown.example.id}`);
  try {
    await navigator.clipboard.writeText(location.href);
    say('the link is copied');
  } catch {
    say('the link is the address of this page');
  }
};
$('examples').append(
  ...programs.map(({ id, title }) => {
    const label = document.createElement('label');
    const choice = Object.assign(document.createElement('input'), { type: 'radio', name: 'example', value: id });
    choice.onchange = () => {
      history.replaceState(null, '', `#${id}`);
      choose(id);
    };
    label.append(choice, title);
    return label;
  }),
);

const open = async () => {
  const program = await programOf(location.hash);
  return program ? show(program) : choose(location.hash.slice(1));
};
addEventListener('hashchange', open);
await open();
$('run').disabled = false;
