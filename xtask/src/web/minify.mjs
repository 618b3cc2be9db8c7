// Minifies modules in place: node minify.mjs FOLDER_OF_ROLLDOWN FOLDER. Snippets of crates, which lie deeper, too.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [tool, folder] = process.argv.slice(2);
const utils = createRequire(resolve(tool, 'package.json')).resolve('rolldown/utils');
const { minifySync } = await import(pathToFileURL(utils));

for (const name of readdirSync(folder, { recursive: true })) {
  // What lies on somebody's site under its own name is read there by people.
  if (!/\.js$/.test(name) || /^(coi|sw)\b/.test(name)) continue;
  const path = join(folder, name);
  const text = readFileSync(path, 'utf8');
  // Bundlers find files by the URLs that such modules make, as long as they look as everybody writes them.
  if (text.includes('import.meta.url')) continue;
  const { code, errors } = minifySync(name, text, {
    module: true,
    compress: { target: 'es2022' },
    mangle: { toplevel: true },
    codegen: { removeWhitespace: true },
  });
  if (errors.length > 0) throw new Error(`${name}: ${errors.map(({ message }) => message).join('; ')}`);
  writeFileSync(path, code);
}
