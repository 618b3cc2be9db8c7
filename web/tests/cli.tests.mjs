// The command of the package passes the cases of the crate's: `cli/tests/cases.json` says what they mean.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { hostOf, refusedHost } from '../pkg/cli-host.mjs';
import { skip } from './suite.mjs';

const here = name => fileURLToPath(new URL(name, import.meta.url));
const program = here('../pkg/cli.mjs');
const { files, links, unix, headers: always, ...tables } = JSON.parse(readFileSync(here('../../cli/tests/cases.json'), 'utf8'));
const onUnix = process.platform !== 'win32';

/** Makes the folder that the cases are about, hands it over, and removes it. */
const inWorld = async body => {
  const folder = mkdtempSync(join(tmpdir(), 'coincide-cli-'));
  const inItsFolder = name => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    const [before, after] = join(folder, name).split('$BYTE');
    return after === undefined ? before : Buffer.concat([Buffer.from(before), Buffer.of(0xff), Buffer.from(after)]);
  };
  const make = ({ files, links = {} }) => {
    for (const [name, content] of Object.entries(files)) writeFileSync(inItsFolder(name), content);
    for (const [name, to] of Object.entries(links)) symlinkSync(to, join(folder, name));
  };
  make({ files });
  let linked = true;
  try {
    make({ files: {}, links });
  } catch {
    // Links need rights that not every user has.
    linked = false;
  }
  if (onUnix) {
    make(unix);
    spawnSync('mkfifo', unix.fifos.map(inItsFolder), { stdio: 'inherit' });
  }
  const has = { undefined: true, links: linked, unix: onUnix };
  try {
    return await body(folder, ({ needs }) => has[needs]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Serves the folder `base` of a world while `body` runs. */
const whileServing = (options, body) =>
  inWorld(async (cwd, has) => {
    const arguments_ = [program, 'serve', 'base', '--port', '0', ...options];
    const child = spawn(process.execPath, arguments_, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise(resolve => child.once('exit', resolve));
    try {
      const first = await new Promise((resolve, reject) => {
        createInterface(child.stdout).once('line', resolve);
        child.once('exit', code => reject(new Error(`it ended with ${code}`)));
      });
      const port = Number(new URL(first.split(' ')[0]).port);
      return await body({ port, folder: cwd, has, child, ended });
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  });

/** The bytes of a request: clients of HTTP would tidy its path up. */
const bytesOf = ({ method = 'GET', path, host = 'localhost', request = {} }) => {
  const lines = [...[host].flat().map(name => ['Host', name]), ...Object.entries(request)].map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
};

const ask = async (port, { request, ...one }) => {
  const socket = net.connect(port, '127.0.0.1');
  socket.write(bytesOf({ ...one, request: { Connection: 'close', ...request } }));
  return parsed(await contentOf(socket));
};

/** What comes until the connection ends, in whatever way. */
const contentOf = async socket => {
  const chunks = [];
  socket.on('data', chunk => chunks.push(chunk));
  await new Promise(resolve => (socket.closed ? resolve() : socket.on('error', () => {}).on('close', resolve)));
  return Buffer.concat(chunks);
};

const parsed = bytes => {
  const end = bytes.indexOf('\r\n\r\n');
  const [first, ...rest] = bytes.toString('utf8', 0, end).split('\r\n');
  const headers = new Map(rest.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]));
  const rawBody = bytes.subarray(end + 4);
  return { status: Number(first.split(' ')[1]), headers, rawBody, body: rawBody.toString() };
};

/** Makes a file of that many bytes, without a content on the disk. */
const sparse = (file, size) => {
  writeFileSync(file, '');
  truncateSync(file, size);
};

export default (test, { assert, deepEqual, equal }) => {
  test('coincide serve answers every case as described', async () => {
    const failures = [];
    const optionsOf = ({ options = [] }) => JSON.stringify(options);
    for (const options of new Set(tables.cases.map(optionsOf)))
      await whileServing(JSON.parse(options), async ({ port, has }) => {
        for (const one of tables.cases.filter(one => optionsOf(one) === options && has(one))) {
          const path = one.path.replace('$LONG', 'a'.repeat(300)).replace('$DEEP', 'a/'.repeat(3000));
          const request = {};
          for (const [name, value] of Object.entries(one.request ?? {})) {
            const [before, asked] = value.split('$');
            const plain = asked && (await ask(port, { path }));
            request[name] = plain ? before + plain.headers.get(asked.toLowerCase()) : value;
          }
          const { status, headers, body } = await ask(port, { ...one, path, request });
          const wrong = [];
          if (status !== one.status) wrong.push(`status ${status} where ${one.status} was expected`);
          if (one.body !== undefined && body !== one.body) wrong.push(`content ${JSON.stringify(body)}`);
          for (const [name, value] of Object.entries({ ...always, ...one.headers })) {
            const found = headers.get(name.toLowerCase()) ?? null;
            if (found !== value) wrong.push(`${name} is ${found} where ${value} was expected`);
          }
          if (wrong.length) failures.push(`${one.name}: ${wrong.join(', ')}`);
        }
      });
    assert(failures.length === 0, failures.join('\n'));
  });

  test('coincide serve allows the address that a connection was made to', () => {
    const check = (host, localAddress) => refusedHost({ headersDistinct: { host: [host] }, socket: { localAddress } }, undefined, []);
    equal(check('192.0.2.1:8080', '192.0.2.1'), '');
    equal(check('192.0.2.1:8080', '::ffff:192.0.2.1'), '');
    equal(check('[2001:db8::1]:8080', '2001:db8::1'), '');
    equal(check('192.0.2.2:8080', '192.0.2.1'), '192.0.2.2');
    equal(hostOf('2001:DB8:0::1'), '2001:db8::1');
  });

  test('coincide serve closes the connection of a shrinking file and cuts a growing one', () =>
    whileServing([], async ({ port, folder }) => {
      const file = join(folder, 'base/changing.bin');
      for (const { name, request, size, becomes, whole } of tables.changing) {
        sparse(file, size);
        const socket = net.connect(port, '127.0.0.1');
        socket.write(bytesOf({ path: '/changing.bin', request }));
        socket.write(bytesOf({ path: '/digits.txt', request: { Connection: 'close' } }));
        // The rest waits until it is read.
        await new Promise(resolve => socket.once('readable', resolve));
        truncateSync(file, becomes);
        const { headers, rawBody } = parsed(await contentOf(socket));
        const length = Number(headers.get('content-length'));
        const sent = rawBody.subarray(0, length);
        assert(
          sent.every(byte => byte === 0),
          `${name}: something else is in the file`
        );
        if (whole) equal(rawBody.toString('latin1', length, length + 12), 'HTTP/1.1 200');
        else assert(rawBody.length < length, `${name}: ${rawBody.length} bytes of ${length}`);
      }
    }));

  test('coincide serve answers while crowds of clients are connected', () =>
    whileServing([], async ({ port, has }) => {
      for (const one of tables.crowds.filter(has)) {
        const clients = Array.from({ length: one.clients }, () => net.connect(port, '127.0.0.1').on('error', () => {}));
        await Promise.all(
          clients.map(async client => {
            await new Promise(resolve => client.once('connect', resolve).once('close', resolve));
            if (one.path) await new Promise(resolve => client.write(bytesOf(one), resolve));
          })
        );
        if (one.status) {
          const answer = await new Promise(resolve => clients.at(-1).once('data', resolve).once('close', resolve));
          equal(parsed(answer).status, one.status);
        }
        const { status, body } = await ask(port, { path: '/digits.txt' });
        deepEqual([one.name, status, body], [one.name, 200, '0123456789']);
        // Long before the server times out the connection.
        const open = new Promise(resolve => setTimeout(resolve, 4000, null));
        // The oldest, but connections need not be accepted in the order in which they were begun.
        assert(await Promise.race([...clients.map(contentOf), open]), `${one.name}: no connection was closed`);
        clients.forEach(client => client.destroy());
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
    if (process.platform === 'win32') return skip('there are no signals on Windows');
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
      for (const { name, run, status = 0, says, file, script, content } of tables.commands) {
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
