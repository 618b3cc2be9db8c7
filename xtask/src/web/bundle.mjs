// Bundles the modules of both packages: node bundle.mjs FOLDER_OF_ROLLDOWN FOLDER_OF_MODULES PACKAGE PACKAGE_IN_THE_SHAPE_OF_COINCIDENT VERSION.
//
// Entries share what they have in common, so that a page that imports two of them has one coincide. The builds that contain the wasm are one file each.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { withBundler } from './fields.mjs';

const [tool, modules, main, coincident, version] = process.argv.slice(2);
const { rolldown } = await import(pathToFileURL(createRequire(resolve(tool, 'package.json')).resolve('rolldown')));
const { fieldsIn, lower } = await withBundler(tool);

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

/** Modules whose classes programs have instances of: main's handles of workers and of pools. Little follows them in main's script. */
const KEEPS_FIELDS = /[\\/](?:controller|pool)\.js$/;

for (const { names, shared, from = '', into = main } of BUNDLES) {
  const bundle = await rolldown({
    input: Object.fromEntries(names.map(name => [name, join(modules, from, `${name}.js`)])),
    external: /^node:/,
    platform: 'neutral',
    checks: { pluginTimings: false },
    plugins: [{ name: 'without-fields', transform: (code, id) => (KEEPS_FIELDS.test(id) ? null : lower(id, code)) }],
    onLog(level, log) {
      throw new Error(`${level}: ${log.message}`);
    },
  });
  const { output } = await bundle.write({
    dir: into,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: `${shared}-[hash].js`,
    postBanner: `/*! coincide ${version}, MIT OR Apache-2.0 */`,
    sourcemap: true,
    minify: { compress: { target: 'es2022' }, mangle: { toplevel: true }, codegen: { removeWhitespace: true } },
  });
  await bundle.close();
  checkWorkers(output);
}

/** Throws if a worker loads a script with a class field or a static block. */
function checkWorkers(output) {
  const files = new Map(output.map(file => [file.fileName, file]));
  const loaded = new Set(output.filter(({ isEntry, name }) => isEntry && /(^|\/)worker\b/.test(name)).map(({ fileName }) => fileName));
  for (const name of loaded) {
    const { code, imports, dynamicImports } = files.get(name);
    const [field] = fieldsIn(name, code);
    if (field) throw new Error(`${name} has the class field or static block \`${field.slice(0, 80)}\`, which slows down its start in Firefox: see fields.mjs`);
    for (const file of [...imports, ...dynamicImports]) if (files.has(file)) loaded.add(file);
  }
}

/** Bundlers find files by such URLs in their usual form only. */
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
