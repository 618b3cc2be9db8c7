// Bundles the page and its workers into a folder, and prints what an application ships of each library, a line of JSON each:
// `node build.mjs FOLDER`.
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const coincide = join(here, '../../web/pkg');
const [folder] = process.argv.slice(2);

const options = {
  absWorkingDir: here,
  alias: { coincide },
  bundle: true,
  format: 'esm',
  minify: true,
  target: 'es2022',
  logLevel: 'warning',
  // wasmoon imports these where it runs in Node.js.
  external: ['module', 'url'],
  // wasm-bindgen's glue has some.
  logOverride: { 'duplicate-object-key': 'silent' },
};

/** What an application imports of each library at either end, and what it loads beside that. */
const SHIPPED = {
  coincide: {
    main: "export { default } from 'coincide/main'",
    worker: "export { default } from 'coincide/worker'",
    wasm: 'coincide_bg.wasm',
  },
  'coincide window': {
    main: "export { default } from 'coincide/window/main'",
    worker: "export { default } from 'coincide/window/worker'",
    wasm: 'coincide_bg.wasm',
  },
  coincident: { main: "export { default } from 'coincident/main'", worker: "export { default } from 'coincident/worker'" },
  'sync-message': {
    main: "export { makeChannel, writeMessage } from 'sync-message'",
    worker: "export { readMessage, uuidv4 } from 'sync-message'",
  },
  comlink: { main: "export { wrap } from 'comlink'", worker: "export { expose } from 'comlink'" },
};

const workers = readdirSync(join(here, 'subjects')).filter(name => name.endsWith('.worker.js'));
await build({
  ...options,
  entryPoints: Object.fromEntries(
    [...workers.map(name => `subjects/${name}`), 'page.js'].map(path => [basename(path, '.js'), path]),
  ),
  outdir: folder,
});
// The same for Node.js.
const node = join(folder, 'node');
const ofNode = ['coincide', 'comlink', 'doorbell', 'limit', 'post', 'sync-message'].map(name => `subjects/${name}.worker.js`);
await build({
  ...options,
  alias: {
    'coincide/main': join(coincide, 'main.node.js'),
    'coincide/worker': join(coincide, 'worker.node.js'),
  },
  platform: 'node',
  inject: ['node-globals.js'],
  entryPoints: Object.fromEntries([...ofNode, 'node.js', 'counts.js', 'counts.worker.js'].map(path => [basename(path, '.js'), path])),
  outdir: node,
});
writeFileSync(join(node, 'package.json'), '{ "type": "module" }');

for (const [from, to] of [
  [join(coincide, 'coincide_bg.wasm'), 'node/coincide_bg.wasm'],
  [join(here, 'index.html'), 'index.html'],
  [join(here, 'service-worker.js'), 'service-worker.js'],
  [join(coincide, 'coincide_bg.wasm'), 'coincide_bg.wasm'],
  [join(coincide, 'sw.js'), 'coincide.sw.js'],
  [join(here, 'node_modules/wasmoon/dist/glue.wasm'), 'glue.wasm'],
  [join(here, 'node_modules/coincident/dist/sw.js'), 'coincident.sw.js'],
])
  copyFileSync(from, join(folder, to));

const bundled = async contents => {
  const { outputFiles } = await build({ ...options, stdin: { contents, resolveDir: here }, write: false });
  return outputFiles[0].contents;
};
for (const [subject, { main, worker, wasm }] of Object.entries(SHIPPED)) {
  const parts = { main: await bundled(main), worker: await bundled(worker) };
  if (wasm) parts.wasm = readFileSync(join(coincide, wasm));
  const manifest = wasm ? join(coincide, 'package.json') : join(here, 'node_modules', subject, 'package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
  const sizes = Object.fromEntries(
    Object.entries(parts).map(([part, bytes]) => [part, { raw: bytes.length, brotli: brotliCompressSync(bytes).length }]),
  );
  console.log(JSON.stringify({ subject, version, sizes }));
}
