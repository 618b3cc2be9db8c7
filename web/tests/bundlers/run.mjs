// Builds and serves small programs with the usual bundlers, and opens them in Chromium: `node run.mjs FOLDER CHROMIUM [FILTER]`. FOLDER contains the
// installed packages of `package.json`, and coincide as npm would publish it. Prints a line of JSON for each test.
//
// Each folder beside this file is a project: the files that it adds to `program`. The recipes in `docs/guides/bundlers.md` are these files.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { assert, equal, rejects, suite } from '../suite.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const [target, program, filter = ''] = process.argv.slice(2);
const folder = resolve(target);
const { chromium } = await import(pathToFileURL(join(folder, 'node_modules/playwright-core/index.mjs')));

/** Timeout in milliseconds for a server to answer, a build to end and a page to print the expected lines. */
const LIMIT = 150_000;
const suites = [suite({ limit: 3 * LIMIT }), suite({ limit: 3 * LIMIT })];
/** Two suites that run concurrently, for two cores: most tests, and the slow ones. */
const [{ test }, { test: testSlowly }] = suites;

const tools = join(folder, 'node_modules/.bin');
const coincide = join(folder, 'node_modules/coincide');
/** Named by its path, since another version is installed whose command has the same name. */
const vite = `node ${join(folder, 'node_modules/vite/bin/vite.js')}`;
const env = { ...process.env, PATH: `${tools}${delimiter}${process.env.PATH}`, NEXT_TELEMETRY_DISABLED: '1', NO_COLOR: '1' };
delete env.NODE_ENV;

// --- projects ---

/** A fresh copy of a project. */
const project = (name, ...more) => {
  const to = join(folder, [name, ...more].join('-'));
  rmSync(to, { recursive: true, force: true });
  if (!['next', 'node', 'vitest'].includes(name)) cpSync(join(here, 'program'), to, { recursive: true });
  cpSync(join(here, name), to, { recursive: true });
  return to;
};

const edit = (file, change) => writeFileSync(file, change(readFileSync(file, 'utf8')));

// --- processes ---

const running = new Set();

/** Starts a command in a process group of its own. `said` is its output. */
const start = (command, cwd) => {
  const child = spawn(command, { cwd, env, shell: true, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const process = { child, said: '', ended: null };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (process.said += data));
  process.end = new Promise(resolve => child.on('close', code => resolve((process.ended = code ?? -1))));
  running.add(process);
  process.end.then(() => running.delete(process));
  return process;
};

const stop = async process => {
  if (process.ended === null) kill(process);
  await process.end;
};

const kill = ({ child }) => {
  try {
    globalThis.process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The process has ended.
  }
};
process.on('exit', () => running.forEach(kill));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

/** Runs a command to its end. Resolves with its exit code and its output. */
const runs = async (command, cwd) => {
  const process = start(command, cwd);
  const timer = setTimeout(() => kill(process), LIMIT);
  const code = await process.end;
  clearTimeout(timer);
  return { code, said: process.said };
};

/** Runs a command that must succeed. Resolves with its output. */
const build = async (command, cwd) => {
  const { code, said } = await runs(command, cwd);
  assert(code === 0, `\`${command}\` ended with ${code}:\n${said}`);
  return said;
};

/** Runs a command that must fail by itself. Resolves with its output. */
const buildFails = async (command, cwd) => {
  const { code, said } = await runs(command, cwd);
  assert(code > 0, `\`${command}\` ended with ${code}:\n${said}`);
  return said;
};

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** Starts a server and calls `use` with its address when it answers. `command` returns the command for a port. */
const serving = async (command, cwd, use) => {
  const port = await freePort();
  const process = start(command(port), cwd);
  try {
    const address = `http://localhost:${port}/`;
    const end = Date.now() + LIMIT;
    for (;;) {
      assert(process.ended === null, `\`${command(port)}\` ended with ${process.ended}:\n${process.said}`);
      assert(Date.now() < end, `\`${command(port)}\` does not answer:\n${process.said}`);
      if (await fetch(address, { signal: AbortSignal.timeout(LIMIT) }).then(() => true, () => false)) break;
      await pause(100);
    }
    return await use(address).catch(error => {
      throw new Error(`${error.message}\nOutput of the server:\n${process.said}`);
    });
  } finally {
    await stop(process);
  }
};

const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

/** Serves files with the headers of isolation, as the package's own command does. */
const files = (cwd, use, options = '') => serving(port => `node ${join(coincide, 'cli.mjs')} serve --port ${port} ${options} .`, cwd, use);

// --- pages ---

let browser;
/** `program` may be a name, which is looked up in `PATH`. */
const executablePath = process.env.PATH.split(delimiter).map(path => join(path, program)).find(existsSync) ?? program;

/** Opens a page and calls `use` with the output of its console and its workers. */
const visit = async (address, use) => {
  browser ??= chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  const context = await (await browser).newContext();
  try {
    const page = await context.newPage();
    const lines = [];
    const errors = [];
    const requests = [];
    page.on('console', message => lines.push(message.text()));
    page.on('pageerror', error => errors.push(error.message));
    context.on('request', request => requests.push(request.url()));
    await page.goto(address, { timeout: LIMIT });
    const until = async (isDone, what) => {
      const end = Date.now() + LIMIT;
      while (!isDone({ lines, errors })) {
        // An error ends the wait, but a development server may reload the page after one.
        const isHopeless = Date.now() > end || (errors.length > 0 && Date.now() > end - LIMIT + 10_000);
        assert(!isHopeless, `the page has not ${what}. Errors: ${errors.join('\n') || 'none'}\nConsole: ${lines.join('\n')}\nRequests: ${requests.join('\n')}`);
        await pause(50);
      }
    };
    return await use({ page, lines, errors, requests, until });
  } finally {
    await context.close();
  }
};

/** Asserts that the worker calls main synchronously and that main awaits the worker. A `bundled` page requests no file of `node_modules`. */
const works = (address, { isolated = true, origins = 1, bundled = false } = {}) =>
  visit(address, async ({ page, errors, requests, until }) => {
    await until(({ lines }) => lines.includes('Hello, worker') && lines.includes('42'), 'printed the expected lines');
    equal(await page.evaluate('crossOriginIsolated'), isolated);
    equal(errors.join('\n'), '');
    const addresses = requests.filter(url => url.startsWith('http'));
    equal(new Set(addresses.map(url => new URL(url).origin)).size, origins);
    if (bundled) equal(addresses.filter(url => url.includes('node_modules')).join('\n'), '');
  });

const isBundled = (address, options) => works(address, { ...options, bundled: true });

// --- the tests ---

/** Tests a project with the development server of Vite, and built. */
const inVite = (name, options, path = '') => {
  test(`bundlers: ${name} runs in development`, () => serving(port => `${vite} --port ${port} --strictPort`, project(name, 'dev'), address => works(address + path, options)));
  test(`bundlers: ${name} runs when built`, async () => {
    const root = project(name, 'build');
    await build(`${vite} build`, root);
    await serving(port => `${vite} preview --port ${port} --strictPort`, root, address => isBundled(address + path, options));
  });
};

inVite('vite');
inVite('vite-plugin');
inVite('vite-import');
inVite('vite-late');
inVite('vite-service-worker', { isolated: false }, 'site/');

test('bundlers: the plug-in for Vite keeps the headers and the worker format of the configuration', async () => {
  const root = project('vite-plugin', 'kept');
  const headers = "{ 'cross-origin-embedder-policy': 'credentialless' }";
  writeFileSync(
    join(root, 'vite.config.js'),
    `import coincide from 'coincide/vite';\nexport default { server: { headers: ${headers} }, worker: { format: 'iife' }, plugins: [coincide()] };\n`,
  );
  const wanted = [['cross-origin-opener-policy', 'same-origin'], ['cross-origin-embedder-policy', 'credentialless']];
  await serving(port => `${vite} --port ${port} --strictPort`, root, async address => {
    for (const path of ['', 'main.js', 'worker.js?worker_file&type=module', 'missing.js']) {
      const { headers } = await fetch(address + path);
      for (const [name, value] of wanted) equal(`${path}: ${headers.get(name)}`, `${path}: ${value}`);
    }
  });
  const said = await buildFails(`${vite} build`, root);
  assert(said.includes("`worker.format: 'iife'`"), said);
});

test('bundlers: the plug-in for Vite refuses to replace a service worker of the site', async () => {
  const root = project('vite-service-worker', 'taken');
  cpSync(join(here, 'program/worker.js'), join(root, 'public/sw.js'));
  const said = await buildFails(`${vite} build`, root);
  assert(said.includes('exists and is not coincide'), said);
  // A copy of coincide's own file, as `npx coincide sw public` writes it, is accepted.
  cpSync(join(coincide, 'sw.js'), join(root, 'public/sw.js'));
  await build(`${vite} build`, root);
  assert(readFileSync(join(root, 'dist/sw.js')).equals(readFileSync(join(coincide, 'sw.js'))));
});

test('bundlers: the plug-in for Vite refuses unknown options', async () => {
  const { default: plugin } = await import(pathToFileURL(join(coincide, 'vite.mjs')));
  for (const options of [{ isolate: true }, { isolation: true }, { isolation: 'same-origin' }, { serviceWorker: '../sw.js' }, { serviceWorker: '' }, { serviceWorker: 'https://a/sw.js' }])
    await rejects(async () => plugin(options), TypeError);
});

test('bundlers: vite 7 runs in development', () => serving(port => `node ../node_modules/vite7/bin/vite.js --port ${port} --strictPort`, project('vite', '7'), works));

testSlowly('bundlers: webpack runs in development', () => serving(port => `webpack serve --mode development --port ${port}`, project('webpack', 'dev'), works));

testSlowly('bundlers: webpack runs when built', async () => {
  const root = project('webpack', 'build');
  await build('webpack --mode production', root);
  cpSync(join(root, 'index.html'), join(root, 'dist/index.html'));
  await files(join(root, 'dist'), isBundled);
});

test('bundlers: rollup runs when built', async () => {
  const root = project('rollup');
  await build('rollup -c', root);
  cpSync(join(root, 'index.html'), join(root, 'dist/index.html'));
  await files(join(root, 'dist'), isBundled);
});

const ESBUILD = 'esbuild main.js worker.js --bundle --format=esm --outdir=dist';

test('bundlers: esbuild runs when built', async () => {
  const root = project('esbuild');
  await build(ESBUILD, root);
  cpSync(join(root, 'index.html'), join(root, 'dist/index.html'));
  await files(join(root, 'dist'), isBundled);
});

test('bundlers: an error names wasm that a bundler did not copy, and a copy repairs the page', async () => {
  const root = project('esbuild', 'file');
  cpSync(join(here, 'program/main.js'), join(root, 'main.js'));
  await build(ESBUILD, root);
  cpSync(join(root, 'index.html'), join(root, 'dist/index.html'));
  await files(join(root, 'dist'), async address => {
    await visit(address, async ({ errors, until }) => {
      await until(({ errors }) => errors.length > 0, 'failed');
      for (const text of [`${address}coincide_bg.wasm was answered with status 404`, 'coincide/inline/main']) assert(errors[0].includes(text), errors[0]);
    });
    cpSync(join(coincide, 'coincide_bg.wasm'), join(root, 'dist/coincide_bg.wasm'));
    await isBundled(address);
  });
});

/** A project for Parcel, which takes the nearest folder with a lock file as the root of the project. */
const parcel = kind => {
  const root = project('parcel', kind);
  writeFileSync(join(root, 'package-lock.json'), '{}');
  return root;
};

testSlowly('bundlers: parcel runs in development', () => serving(port => `parcel index.html --port ${port}`, parcel('dev'), works));

testSlowly('bundlers: parcel runs when built', async () => {
  const root = parcel('build');
  await build('parcel build index.html', root);
  await files(join(root, 'dist'), isBundled);
});

testSlowly('bundlers: next runs in development', () => serving(port => `next dev -p ${port}`, project('next', 'dev'), works));

testSlowly('bundlers: next runs when built', async () => {
  const root = project('next', 'build');
  await build('next build', root);
  await serving(port => `next start -p ${port}`, root, isBundled);
});

test('bundlers: a static page runs without a bundler', async () => {
  const root = project('static');
  cpSync(coincide, join(root, 'coincide'), { recursive: true });
  await files(root, works);
});

test('bundlers: a static page runs with the package, and with the worker, on another origin', async () => {
  const root = project('cdn');
  const cdn = join(root, 'cdn');
  cpSync(coincide, join(cdn, 'coincide@0.1.0'), { recursive: true });
  cpSync(join(root, 'worker.js'), join(cdn, 'worker.js'));
  await files(cdn, other => {
    for (const file of ['index.html', 'blob.html', 'worker.js', 'cdn/worker.js'])
      edit(join(root, file), text => text.replaceAll(/https:\/\/(unpkg\.com|static\.example)\//g, other));
    return files(root, async address => {
      await works(address, { origins: 2 });
      await works(`${address}blob.html`, { origins: 2 });
    });
  }, '--cors');
});

/** The executable of a runtime that is installed by npm, in the package for this platform. */
const runtime = (scope, name) => {
  const packages = join(here, '../node_modules', scope);
  const files = readdirSync(packages).flatMap(one => [join(packages, one, name), join(packages, one, 'bin', name)]);
  return files.find(file => existsSync(file));
};

for (const [name, command] of [
  ['Node.js', () => 'node'],
  ['Deno', () => `${runtime('@deno', 'deno')} run --allow-read`],
  ['Bun', () => runtime('@oven', 'bun')],
])
  test(`bundlers: ${name} runs without a bundler`, async () => {
    const said = await build(`${command()} main.mjs`, project('node', name));
    for (const line of ['Hello, worker', '42']) assert(said.split('\n').includes(line), said);
  });

test('bundlers: vitest runs in each environment', async () => {
  const root = project('vitest');
  for (const environment of ['node', 'jsdom', 'happy-dom']) {
    const said = await build(`vitest run --environment ${environment}`, root);
    assert(/1 passed/.test(said) && said.includes('Hello, worker'), `${environment}: ${said}`);
  }
});

test('bundlers: importing `coincide` throws an error that names the entries', async () => {
  const { message } = await rejects(() => import(pathToFileURL(join(coincide, 'index.mjs'))));
  for (const name of ['coincide/main', 'coincide/worker']) assert(message.includes(name), message);
});

test('bundlers: each recipe of the documentation equals a tested file', () => {
  const text = readFileSync(join(here, '../../../docs/guides/bundlers.md'), 'utf8');
  const shown = new Set();
  for (const [, name, shows] of text.matchAll(/<!-- ([\w./-]+) -->\s+```\w+\n([^]*?)```/g)) {
    const file = existsSync(join(here, name)) ? join(here, name) : join(here, 'program', name.split('/').slice(1).join('/'));
    equal(`${name}:\n${shows.trim()}`, `${name}:\n${readFileSync(file, 'utf8').trim()}`);
    shown.add(name);
  }
  const projects = readdirSync(here, { withFileTypes: true }).filter(entry => entry.isDirectory() && !['program', 'vite-late'].includes(entry.name));
  const all = projects.flatMap(({ name }) => readdirSync(join(here, name), { recursive: true, withFileTypes: true }));
  const missing = all.filter(entry => entry.isFile()).map(entry => relative(here, join(entry.parentPath ?? entry.path, entry.name)));
  equal(missing.filter(name => !shown.has(name) && !/index\.html$|layout\.js$/.test(name)).join('\n'), '');
  assert(text.includes(`npx ${ESBUILD}`), 'the documentation shows another command for esbuild');
});

await Promise.all(suites.map(({ run }) => run(result => console.log(JSON.stringify(result)), filter)));
await (await browser)?.close();
