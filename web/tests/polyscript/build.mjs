// Builds polyscript with coincide instead of coincident: node build.mjs FOLDER.
//
// The sources of polyscript are those on npm, with unchanged imports of coincident. As in polyscript's own build, the worker is bundled first, and
// its text is inserted into the module from which main starts it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const [into] = process.argv.slice(2);
const here = path => fileURLToPath(new URL(path, import.meta.url));

const bundled = async (input, plugins = []) => {
  const bundle = await rolldown({ input: here(input), resolve: { alias: { coincident: here('../../pkg-coincident') } }, platform: 'browser', plugins, logLevel: 'silent' });
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
  await bundle.close();
  return output[0].code;
};

const worker = await bundled('../node_modules/polyscript/esm/worker/_template.js');

/** Replaces the published bundle of the worker. */
const own = {
  name: 'own worker',
  transform(code, id) {
    if (!id.endsWith('polyscript/esm/worker/xworker.js')) return undefined;
    const [start, end] = ["'/*@*/'+", '.replace(re,place)'].map(mark => code.indexOf(mark));
    if (start < 0 || end < 0) throw new Error('`xworker.js` of polyscript starts its worker in an unknown way: adapt the marks here');
    return `${code.slice(0, start)}'/*@*/'+${JSON.stringify(worker)}${code.slice(end)}`;
  },
};

mkdirSync(into, { recursive: true });
writeFileSync(join(into, 'polyscript.js'), await bundled('../node_modules/polyscript/esm/index.js', [own]));
