// The whole program. It runs in a worker; `document` is the page's.
import coincide from '../../web/pkg/window/worker.js';
import { COLUMNS, stations } from './stations.js';

const {
  window: { document },
  ffi,
} = await coincide();
const [head, body, find, summary, cost] = ['thead', 'tbody', '#find', '#summary', '#cost'].map(name => document.querySelector(name));

const rows = stations(1000);
/** Main's elements by row, and the visible rows. */
const elements = new Map();
let visible = new Set(rows);
let sorted = { key: 'id', direction: 1 };

/** Runs an action and shows its duration. Events also arrive while the worker is blocked; their actions run one after the other. */
const action = (name, act) => {
  if (waiting.push([name, act]) > 1) return;
  for (; waiting.length > 0; waiting.shift())
    try {
      perform(...waiting[0]);
    } catch (error) {
      // Later actions still run.
      reportError(error);
    }
};
const waiting = [];

const perform = (name, act) => {
  const { trips } = ffi.sizes();
  const start = performance.now();
  act();
  const took = performance.now() - start;
  const count = ffi.sizes().trips - trips;
  ffi.batch(() => {
    cost.textContent = `${name}: ${count} ${count === 1 ? 'trip' : 'trips'} to the page, ${took.toFixed(1)} ms`;
    summary.textContent = summed();
  });
};

const summed = () => {
  const seen = rows.filter(row => visible.has(row));
  if (seen.length === 0) return 'No station matches.';
  const mean = key => (seen.reduce((sum, row) => sum + row[key], 0) / seen.length).toFixed(1);
  return `${seen.length} of ${rows.length} stations, ${mean('temperature')} °C and ${mean('rain')} mm on average`;
};

const textOf = (row, { key, digits }) => (digits === undefined ? String(row[key]) : row[key].toFixed(digits));

const escaped = text => text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`);

const build = () => {
  const kind = ({ number }) => (number ? ' class="number"' : '');
  const cells = row => COLUMNS.map(column => `<td${kind(column)}>${escaped(textOf(row, column))}</td>`).join('');
  head.innerHTML = `<tr>${COLUMNS.map(column => `<th data-key="${column.key}"${kind(column)}>${column.title}</th>`).join('')}</tr>`;
  body.innerHTML = rows.map(row => `<tr data-id="${row.id}">${cells(row)}</tr>`).join('');
  // All of them in one trip.
  ffi.gather(body, ...rows.map((_, index) => `rows[${index}]`)).forEach((element, index) => elements.set(rows[index], element));
};

const sort = key => {
  sorted = { key, direction: sorted.key === key ? -sorted.direction : 1 };
  const compared = (a, b) => (typeof a === 'number' ? a - b : a.localeCompare(b));
  const order = [...rows].sort((a, b) => sorted.direction * compared(a[key], b[key]));
  const titles = ffi.gather(head, ...COLUMNS.map((_, index) => `rows[0].cells[${index}]`));
  ffi.batch(() => {
    ffi.post(body, 'append', ...order.map(row => elements.get(row)));
    COLUMNS.forEach((column, index) => {
      if (column.key === key) ffi.post(titles[index], 'setAttribute', 'aria-sort', sorted.direction > 0 ? 'ascending' : 'descending');
      else ffi.post(titles[index], 'removeAttribute', 'aria-sort');
    });
  });
};

const filter = wanted => {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const next = new Set(rows.filter(({ name, region }) => words.every(word => `${name} ${region}`.toLowerCase().includes(word))));
  const before = visible;
  visible = next;
  ffi.batch(() => {
    for (const row of rows) if (next.has(row) !== before.has(row)) elements.get(row).hidden = !next.has(row);
  });
};

/** Shows an input field in a cell. */
const edit = (cell, row, column) => {
  const input = document.createElement('input');
  ffi.batch(() => {
    input.value = textOf(row, column);
    ffi.post(cell, 'replaceChildren', input);
    ffi.post(input, 'focus');
    ffi.post(input, 'select');
  });
};

/** Applies the input, or shows why it is invalid. */
const take = (input, text, cell, row, column) => {
  const value = column.number ? Number(text.replace(',', '.')) : text.trim();
  const wrong = text.trim() === '' ? 'enter a text' : column.number && !Number.isFinite(value) ? 'enter a number' : undefined;
  if (wrong)
    return ffi.batch(() => {
      ffi.post(input, 'setAttribute', 'aria-invalid', 'true');
      input.title = wrong;
    });
  row[column.key] = value;
  cell.textContent = textOf(row, column);
};

/** The cell of an event in the table; undefined if the event concerns no cell or a removed one. */
const place = (event, path) => {
  const [cell, id, index] = ffi.gather(event, path, `${path}.parentNode.dataset.id`, `${path}.cellIndex`);
  const row = rows[id - 1];
  const column = COLUMNS[index];
  return row && column ? { cell, row, column } : undefined;
};

head.addEventListener('click', event => {
  const key = ffi.query(event, 'target.dataset.key');
  if (key) action('sorted', () => sort(key));
});
find.addEventListener('input', () => action('filtered', () => filter(find.value)));
body.addEventListener('dblclick', event => {
  const found = place(event, 'target');
  if (found && !found.column.fixed) action('opened', () => edit(found.cell, found.row, found.column));
});
body.addEventListener('change', event => {
  const found = place(event, 'target.parentNode');
  const [input, text] = ffi.gather(event, 'target', 'target.value');
  if (found) action('edited', () => take(input, text, found.cell, found.row, found.column));
});
body.addEventListener('focusout', event => {
  const found = place(event, 'target.parentNode');
  // Invalid input remains for correction.
  if (found && !ffi.query(event, 'target.ariaInvalid')) found.cell.textContent = textOf(found.row, found.column);
});

action('built', build);
find.disabled = false;
