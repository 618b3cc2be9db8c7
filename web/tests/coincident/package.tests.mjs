// The package in the shape of coincident as a package: its entries, its listeners, its command.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { skip } from '../suite.mjs';

const ours = new URL('../../pkg-coincident/', import.meta.url);
const upstream = new URL('../node_modules/coincident/', import.meta.url);
const manifest = folder => JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'));

/** Its README says why. */
const MISSING = ['./server', './server/main', './server/worker', './dist/server', './dist/server/main', './dist/server/worker'];

export default (test, { assert, deepEqual, equal }) => {
  test('coincident: the package has its entries, except for those that the README names', () => {
    if (!existsSync(upstream)) return skip('coincident is not installed');
    const entries = Object.keys(manifest(upstream).exports);
    deepEqual(entries.filter(entry => !(entry in manifest(ours).exports)).sort(), [...MISSING].sort());
    assert(readFileSync(new URL('README.md', ours), 'utf8').includes('`coincident/server`'));
    deepEqual(Object.keys(manifest(ours).bin), Object.keys(manifest(upstream).bin));
    equal(manifest(ours).version, manifest(upstream).version);
  });

  test('coincident: the listeners have its names, and the fourth is added by itself', async () => {
    const source = `
      const { parentPort, workerData } = require('node:worker_threads');
      const added = [];
      Object.assign(globalThis, { addEventListener: type => added.push(type), location: { origin: '', pathname: '' } });
      import(workerData).then(module => parentPort.postMessage([Object.keys(module), added]));`;
    const found = await new Promise((resolve, reject) => {
      const thread = new Worker(source, { eval: true, workerData: new URL('sw-listeners.js', ours).href });
      thread.once('message', resolve).once('error', reject);
    });
    deepEqual(found, [['activate', 'fetch', 'install'], ['message']]);
  });

  test('coincident: its command writes the service worker, and reports when it cannot', () => {
    const folder = mkdtempSync(join(tmpdir(), 'coincident-'));
    try {
      const command = file => spawnSync(process.execPath, [fileURLToPath(new URL('cli.mjs', ours)), file], { cwd: folder, encoding: 'utf8' });
      equal(command('./sw.js').status, 0);
      equal(readFileSync(join(folder, 'sw.js'), 'utf8'), readFileSync(new URL('sw.js', ours), 'utf8'));
      const { status, stderr } = command('./missing/sw.js');
      equal(status, 1);
      assert(stderr.includes('create it first'), stderr);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
};
