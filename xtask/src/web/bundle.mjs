// Bundles the modules of both packages: node bundle.mjs FOLDER_OF_ROLLDOWN FOLDER_OF_MODULES PACKAGE PACKAGE_IN_THE_SHAPE_OF_COINCIDENT VERSION.
//
// Entries share what they have in common, so that a page that imports two of them has one coincide. The builds that contain the wasm are one file each.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [tool, modules, main, coincident, version] = process.argv.slice(2);
const { rolldown } = await import(pathToFileURL(createRequire(resolve(tool, 'package.json')).resolve('rolldown')));

const BUNDLES = [
  { names: ['main', 'worker', 'window/main', 'window/worker', 'suspending/worker', 'wasm.dev'], shared: 'shared' },
  { names: ['main.node', 'worker.node', 'window/main.node', 'window/worker.node', 'suspending/worker.node'], shared: 'shared.node' },
  ...['main.inline', 'worker.inline', 'window/main.inline', 'window/worker.inline', 'suspending/worker.inline'].map(name => ({ names: [name] })),
  ...['', '.node'].map(platform => ({
    names: ['main', 'worker', 'window/main', 'window/worker'].map(name => `${name}${platform}`),
    shared: `shared${platform}`,
    from: 'coincident',
    into: coincident,
  })),
];

for (const { names, shared, from = '', into = main } of BUNDLES) {
  const bundle = await rolldown({
    input: Object.fromEntries(names.map(name => [name, join(modules, from, `${name}.js`)])),
    external: /^node:/,
    platform: 'neutral',
    onLog(level, log) {
      throw new Error(`${level}: ${log.message}`);
    },
  });
  await bundle.write({
    dir: into,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: `${shared}-[hash].js`,
    postBanner: `/*! coincide ${version}, MIT OR Apache-2.0 */`,
    sourcemap: true,
    minify: { compress: { target: 'es2022' }, mangle: { toplevel: true }, codegen: { removeWhitespace: true } },
  });
  await bundle.close();
}

/** Bundlers find files by such URLs, as long as they look as everybody writes them. */
const withUsualUrls = text => text.replaceAll(/new URL\(`([^`$]+)`,/g, 'new URL("$1",');

/** A source map without the text of the wasm, which is of no use in a debugger. It is not null: development servers warn of missing sources. */
const withoutWasm = text => {
  const map = JSON.parse(text);
  map.sourcesContent = map.sourcesContent.map((content, at) => (map.sources[at].endsWith('wasm.inline.js') ? '// The wasm, as text in base64.' : content));
  return JSON.stringify(map);
};

for (const into of [main, coincident])
  for (const name of readdirSync(into, { recursive: true })) {
    const change = name.endsWith('.js') ? withUsualUrls : name.endsWith('.js.map') ? withoutWasm : undefined;
    if (!change) continue;
    const path = join(into, name);
    writeFileSync(path, change(readFileSync(path, 'utf8')));
  }
