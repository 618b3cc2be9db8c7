// Tests of each page of the example: its output and its content.
import { ahead } from './ahead.js';
import { open, until } from './open.js';

/**
 * @param {object} variant
 * @param {string} variant.folder of the pages
 * @param {boolean} variant.blocks whether workers can call the page
 */
export default (register, { folder, blocks, assert, deepEqual, equal }) => {
  const test = ahead(register, 3);

  /** The errors of a program that needs the page, in a worker that cannot block. */
  const refused = /RuntimeError: `\w+` cannot be used: `sync_main_only` is in the configuration|cannot block: the tier messages was requested/;

  /** Opens a page, waits until `done` returns true, and passes its output to `check`; where workers cannot block, to `alone`. */
  const page = (name, done, check, alone = ({ errors }) => assert(refused.test(errors.join('\n')), `the errors are ${errors}`)) =>
    test(`page ${name} shows its result`, async () => {
      const said = await open(`../${folder}/${name}/index.html`);
      const ends = blocks ? done : (alone.done ?? (({ errors }) => errors.length > 0));
      try {
        await until(() => ends(Object.assign(said, { text: said.frame.contentDocument.body?.textContent ?? '' })), 90_000).catch(error => {
          throw new Error(`${error.message}; lines: ${said.lines.join('\n')}; errors: ${said.errors.join('\n').slice(0, 2000)}`);
        });
        (blocks ? check : alone)(said);
        if (blocks) deepEqual(said.errors, []);
      } finally {
        said.frame.remove();
      }
    });
  /** A page with the same output whether workers can block or not. */
  const anywhere = (name, done, check) => page(name, done, check, Object.assign(check, { done }));
  const has = line => ({ lines }) => lines.includes(line);

  page(
    'common',
    ({ lines, text }) => lines.includes('42') && text.trim().endsWith('42'),
    ({ lines }) => deepEqual(lines, ['before ready', 'Pyodide bootstrapped', 'after ready', '42']),
    Object.assign(
      ({ lines, errors }) => {
        deepEqual(lines, ['before ready', 'after ready']);
        // The first error is of the worker, the second one of the page.
        for (const text of [/`greetings` was not called, since this worker cannot block: the tier messages was requested/, /heavy_computation/])
          assert(errors.some(error => text.test(error)), errors.join('\n'));
      },
      { done: ({ errors }) => errors.length > 1 },
    ),
  );
  page('tag', ({ text }) => /in a worker$/.test(text.trim()), ({ text }) => assert(/Python 3\.\d+\.\d+ in a worker/.test(text), text));
  page('sync', has('Hello, PyScript'), ({ lines }) => deepEqual(lines, ['Hello, PyScript']));
  page('caching', ({ lines }) => lines.length > 2, ({ lines }) => {
    deepEqual(lines.slice(0, 2), ['not ideal', 'not ideal']);
    const [, anew, kept] = lines[2].match(/(\d+), and (\d+)/).map(Number);
    // With coincident: 342 and 172 trips.
    assert(kept < anew && anew <= 20 && kept <= 12, lines[2]);
  });
  page('service-worker', ({ text }) => text.trim().endsWith('Hello PyScript!'), ({ lines }) => deepEqual(lines, []));
  anywhere('named', has('my-worker'), ({ lines }) => deepEqual(lines, ['my-worker']));
  anywhere('launch', has('micropython in a worker'), ({ lines }) => equal(lines.length, 1));
  anywhere('export', ({ lines }) => lines.length > 0, ({ lines }) => assert(/^3\.\d+\.\d+ \(main/.test(lines[0]), lines[0]));
  anywhere('sync-main-only', ({ lines, text }) => lines.length > 1 && text.includes('is 42'), ({ lines, text }) => {
    equal(lines[0], '42');
    assert(/^RuntimeError: `window` cannot be used: `sync_main_only`/.test(lines[1]), lines[1]);
    assert(text.includes('6 times 7 is 42'), text);
  });

  if (!blocks)
    test('on a page without headers and service worker, Pyodide suspends where JSPI exists, and MicroPython warns once that it cannot block', async () => {
      const said = await open('../site/tag/index.html');
      try {
        const { document } = said.frame.contentWindow;
        if (WebAssembly.Suspending) await until(() => /Python 3.* in a worker$/.test(document.body?.textContent.trim()));
        else await until(() => said.errors.length > 0);
        const program = textContent => {
          const tag = document.createElement('script');
          Object.assign(tag, { type: 'mpy', textContent });
          tag.toggleAttribute('worker');
          document.body.append(tag);
        };
        const before = said.errors.length;
        program('from pyscript import document\ndocument.title');
        await until(() => said.errors.length > before);
        program('print("again")');
        await until(() => said.lines.includes('again'));
        equal(said.warnings.length, 1);
        assert(/^Workers of this page cannot call main.*isolated.*`sync_main_only = true`/.test(said.warnings[0]), said.warnings[0]);
        for (const error of said.errors) assert(/RuntimeError: `document` cannot be used: .*(isolated|isolation)/.test(error), error);
      } finally {
        said.frame.remove();
      }
    });

  page(
    'orbits',
    said => {
      const { document } = said.frame.contentWindow;
      const { status } = said;
      const [start, stop, years, text] = ['start', 'stop', 'years', 'status'].map(id => document.getElementById(id));
      if (status === undefined && start?.disabled === false) {
        said.status = 'short';
        years.value = 4;
        start.click();
      } else if (status === 'short' && /^Done/.test(text.textContent)) {
        said.status = 'long';
        said.result = text.textContent;
        said.rows = Array.from(document.querySelectorAll('#results tr'), row => Array.from(row.cells, cell => cell.textContent));
        years.value = 1000;
        start.click();
      } else if (status === 'long' && Number(document.getElementById('progress').value) > 0 && !stop.disabled) {
        said.status = 'stopping';
        stop.click();
      }
      return status === 'stopping' && /^Stopped/.test(text.textContent);
    },
    ({ rows, result, frame }) => {
      equal(rows.length, 8);
      const earth = rows[2];
      equal(earth[0], 'Earth');
      assert(Math.abs(earth[4] - 1) < 0.01 && Math.abs(earth[3] - 4) < 0.02, earth.join());
      const frames = Number(result.match(/painted (\d+) frames/)[1]);
      assert(frames > 2, result);
      assert(/off by \d\.\de-0[5-9]|off by \d\.\de-1/.test(result), result);
      equal(frame.contentDocument.querySelectorAll('#results tr').length, 8);
    },
    Object.assign(({ frame }) => assert(/RuntimeError: .*cannot block/.test(frame.contentDocument.getElementById('status').textContent)), {
      done: ({ frame }) => {
        const { document } = frame.contentWindow;
        const start = document.getElementById('start');
        if (start?.disabled === false && document.getElementById('status').textContent === 'Ready.') start.click();
        return /Error/.test(document.getElementById('status')?.textContent);
      },
    }),
  );
};
