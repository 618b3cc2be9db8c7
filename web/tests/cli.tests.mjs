// The command of the package passes the cases of the crate's: `cli/tests/cases.json` says what they mean.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = name => fileURLToPath(new URL(name, import.meta.url));
const program = here('../pkg/cli.mjs');
const { files, links, headers: always, cases, commands } = JSON.parse(readFileSync(here('../../cli/tests/cases.json'), 'utf8'));

/** Makes the folder that the cases are about, hands it over, and removes it. */
const inWorld = async body => {
  const folder = mkdtempSync(join(tmpdir(), 'coincide-cli-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  let linked = true;
  try {
    for (const [name, to] of Object.entries(links)) symlinkSync(to, join(folder, name));
  } catch {
    // Links need rights that not every user has.
    linked = false;
  }
  try {
    return await body(folder, linked);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Serves the folder `base` of a world while `body` runs. */
const whileServing = (options, body) =>
  inWorld(async (cwd, linked) => {
    const arguments_ = [program, 'serve', 'base', '--port', '0', ...options];
    const child = spawn(process.execPath, arguments_, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise(resolve => child.once('exit', resolve));
    try {
      const first = await new Promise((resolve, reject) => {
        createInterface(child.stdout).once('line', resolve);
        child.once('exit', code => reject(new Error(`it ended with ${code}`)));
      });
      const port = Number(new URL(first.split(' ')[0]).port);
      return await body({ port, folder: cwd, linked, child, ended });
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  });

/** Asks with bytes of our own: clients of HTTP would tidy the path up. */
const ask = (port, { method = 'GET', path, request = {} }) =>
  new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    const lines = Object.entries(request).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines.join('')}\r\n`);
    const chunks = [];
    socket.on('data', chunk => chunks.push(chunk)).on('error', reject);
    socket.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const end = text.indexOf('\r\n\r\n');
      const [first, ...rest] = text.slice(0, end).split('\r\n');
      const headers = new Map(rest.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]));
      resolve({ status: Number(first.split(' ')[1]), headers, body: text.slice(end + 4) });
    });
  });

export default (test, { assert, deepEqual, equal }) => {
  test('coincide serve answers every case as described', () =>
    whileServing([], async ({ port, linked }) => {
      const failures = [];
      for (const one of cases) {
        if (one.needs === 'links' && !linked) continue;
        const request = {};
        for (const [name, value] of Object.entries(one.request ?? {})) {
          const [before, asked] = value.split('$');
          const plain = asked && (await ask(port, { path: one.path }));
          request[name] = plain ? before + plain.headers.get(asked.toLowerCase()) : value;
        }
        const { status, headers, body } = await ask(port, { ...one, request });
        const wrong = [];
        if (status !== one.status) wrong.push(`status ${status} where ${one.status} was expected`);
        if (one.body !== undefined && body !== one.body) wrong.push(`content ${JSON.stringify(body)}`);
        for (const [name, value] of Object.entries({ ...always, ...one.headers })) {
          const found = headers.get(name.toLowerCase()) ?? null;
          if (found !== value) wrong.push(`${name} is ${found} where ${value} was expected`);
        }
        if (wrong.length) failures.push(`${one.name}: ${wrong.join(', ')}`);
      }
      assert(failures.length === 0, failures.join('\n'));
    }));

  test('coincide serve leaves the headers of isolation out if asked', () =>
    whileServing(['--no-isolation'], async ({ port }) => {
      for (const path of ['/', '/none.html']) {
        const { headers } = await ask(port, { path });
        for (const name of Object.keys(always)) equal(headers.get(name.toLowerCase()), undefined);
        equal(headers.get('cache-control'), 'no-cache');
      }
    }));

  test('coincide serve sends a changed file anew, and large files whole', () =>
    whileServing([], async ({ port, folder }) => {
      const tag = (await ask(port, { path: '/digits.txt' })).headers.get('etag');
      // In the same second, and of the same length.
      writeFileSync(join(folder, 'base/digits.txt'), '9876543210');
      const again = await ask(port, { path: '/digits.txt', request: { 'If-None-Match': tag } });
      deepEqual([again.status, again.body], [200, '9876543210']);
      const content = '0123456789abcdef'.repeat(1 << 18);
      writeFileSync(join(folder, 'base/large.bin'), content);
      assert((await ask(port, { path: '/large.bin' })).body === content, 'the large file is another one');
      const range = await ask(port, { path: '/large.bin', request: { Range: 'bytes=16-3000015' } });
      assert(range.body === content.slice(16, 3_000_016), 'the range is another one');
    }));

  test('coincide serve ends well when it is interrupted', () => {
    if (process.platform === 'win32') return 'there are no signals on Windows';
    return whileServing([], async ({ port, child, ended }) => {
      const open = net.connect(port, '127.0.0.1');
      open.on('error', () => {});
      await new Promise(resolve => open.once('connect', resolve));
      child.kill('SIGINT');
      equal(await ended, 0);
      open.destroy();
    });
  });

  test('coincide, the command: every case is as described', () =>
    inWorld(async cwd => {
      const taken = net.createServer();
      await new Promise(resolve => taken.listen(0, '127.0.0.1', resolve));
      const fill = text => text.replaceAll('$TAKEN', taken.address().port);
      const failures = [];
      for (const { name, run, status = 0, says, file, script, content } of commands) {
        const { stdout, stderr, status: found } = spawnSync(process.execPath, [program, ...run.map(fill)], { cwd, encoding: 'utf8' });
        if (found !== status) failures.push(`${name}: status ${found} where ${status} was expected: ${stderr}`);
        if (!(stdout + stderr).includes(fill(says))) failures.push(`${name}: it says ${stdout}${stderr}`);
        const expected = () => content ?? readFileSync(here(`../pkg/${script}`), 'utf8');
        if (file && readFileSync(join(cwd, file), 'utf8') !== expected()) failures.push(`${name}: ${file} is something else`);
      }
      taken.close();
      assert(failures.length === 0, failures.join('\n'));
    }));
};
