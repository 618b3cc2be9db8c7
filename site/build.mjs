// Writes the deployable site into a folder: node build.mjs FOLDER. Needs the built package and the installed interpreters.
import { cpSync, copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const at = path => fileURLToPath(new URL(path, import.meta.url));
const [out] = process.argv.slice(2);
const benches = at('../benches/web');
const { build } = createRequire(join(benches, 'package.json'))('esbuild');

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

/** Modules that are not bundled, and their paths in the site: coincide and the interpreters find their wasm beside them. */
const OUTSIDE = [
  [/^coincide\/(.+)$/, name => `coincide/${name}.js`],
  [/web\/pkg\/(.+)$/, name => `coincide/${name}`],
  [/node_modules\/(pyodide|@micropython\/[^/]+)\/([\w.-]+\.mjs)$/, (folder, name) => `python/${basename(folder).split('-')[0]}/${name}`],
];
const outside = folder => ({
  name: 'outside',
  setup({ onResolve }) {
    for (const [filter, placeOf] of OUTSIDE) {
      onResolve({ filter }, ({ path }) => {
        const place = relative(folder, placeOf(...filter.exec(path).slice(1)));
        return { path: place.startsWith('.') ? place : `./${place}`, external: true };
      });
    }
  },
});

const bundle = (folder, entryPoints, more = {}) =>
  build({
    entryPoints,
    outdir: join(out, folder),
    bundle: true,
    splitting: true,
    format: 'esm',
    minify: true,
    target: 'es2022',
    legalComments: 'linked',
    logLevel: 'warning',
    nodePaths: [join(benches, 'node_modules')],
    // In the folder of the entries, because paths to modules outside are relative to it.
    chunkNames: '[name]-[hash]',
    plugins: [outside(folder)],
    ...more,
  });

await Promise.all([
  bundle('.', [at('src/page.js')]),
  bundle('rate', readdirSync(at('src/rate')).filter(name => name.endsWith('.worker.js')).map(name => at(`src/rate/${name}`))),
  bundle('programs', { console: at('src/console.js') }),
  // wasmoon imports these in Node.js only.
  bundle('programs', { lua: at('../examples/lua/lua.js') }, { external: ['module', 'url', 'fs', 'path', 'child_process', 'crypto'] }),
  bundle('python', { main: at('../python/runtime/main.js'), worker: at('../python/runtime/worker.js') }),
]);

const copy = (from, to) => {
  mkdirSync(dirname(join(out, to)), { recursive: true });
  cpSync(from, join(out, to), { recursive: true });
};
for (const name of ['index.html', 'site.css', 'frame.html', 'programs']) copy(at(name), name);
for (const name of ['main.js', 'program.lua']) copy(at(`../examples/lua/${name}`), `programs/lua/${name}`);
copy(at('../examples/lua/node_modules/wasmoon/dist/glue.wasm'), 'programs/glue.wasm');
copy(at('../python/runtime/python'), 'python/python');
for (const [folder, from, wanted] of [
  ['python/pyodide', '../python/node_modules/pyodide', /^pyodide(\.mjs|\.asm\.mjs|\.asm\.wasm|-lock\.json)$|^python_stdlib\.zip$/],
  ['python/micropython', '../python/node_modules/@micropython/micropython-webassembly-pyscript', /\.(mjs|wasm)$/],
  ['coincide', '../web/pkg', /^(?!.*(\.node|\.inline|cli|-node|shared\.node)).*\.(js|wasm)$|^LICENSE/],
  ['coincide/window', '../web/pkg/window', /^(main|worker)\.js$/],
  ['coincide/suspending', '../web/pkg/suspending', /^worker\.js$/],
]) {
  mkdirSync(join(out, folder), { recursive: true });
  for (const name of readdirSync(at(from))) if (wanted.test(name)) copyFileSync(join(at(from), name), join(out, folder, name));
}
// A service worker serves its own folder.
copyFileSync(at('../web/pkg/coi.js'), join(out, 'coi.js'));
