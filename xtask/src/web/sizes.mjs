// Prints what the npm package weighs: `node sizes.mjs FOLDER [--files]`. Fails when a module refers to a file that is not there.
import { readdirSync, readFileSync, existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const [folder, files] = process.argv.slice(2);

/** What a module loads: what it imports, and what it has the URL of. */
const references = file => {
  if (!file.endsWith('.js')) return [];
  const text = readFileSync(join(folder, file), 'utf8');
  // URLs in single quotes are those of examples in messages: the build writes all others in double quotes.
  const found = text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*(['"`])(\.{1,2}\/[^'"`]+)\1|new URL\("(\.{1,2}\/[^"]+)"/g);
  return [...found].map(([, , imported, url]) => join(dirname(file), imported ?? url));
};

const missing = [];
/** The file, and all that it loads. */
const reach = (file, seen = new Set()) => {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const next of references(file))
    if (existsSync(join(folder, next))) reach(next, seen);
    else missing.push(`${file} refers to ${next}, which is not there`);
  return seen;
};

const weights = new Map();
const weigh = file => {
  if (!weights.has(file)) {
    const bytes = readFileSync(join(folder, file));
    weights.set(file, [bytes.length, gzipSync(bytes, { level: 9 }).length, brotliCompressSync(bytes).length]);
  }
  return weights.get(file);
};
const sum = files => [...files].map(weigh).reduce((sum, weight) => sum.map((n, i) => n + weight[i]), [0, 0, 0]);
const row = (name, columns) => console.log(name.padEnd(32) + columns.map(column => String(column).padStart(10)).join(''));

row('', ['bytes', 'gzip', 'brotli']);
const all = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile() && !entry.name.endsWith('.map'))
  .map(entry => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
  .sort();
if (files) for (const file of all) row(file, weigh(file));

const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const reached = new Set();
for (const [name, conditions] of Object.entries(exports)) {
  if (typeof conditions === 'string') continue;
  for (const other of [conditions.node?.default ?? conditions.node, conditions.development])
    if (other) reach(join(other)).forEach(file => reached.add(file));
  const loaded = reach(join(conditions.default));
  loaded.forEach(file => reached.add(file));
  row(`${name}, ${loaded.size} files`, sum(loaded));
}
for (const file of all)
  if (file.endsWith('.js') && !reached.has(file)) console.log(`no entry loads ${file}`);
if (missing.length) {
  console.log(missing.join('\n'));
  process.exit(1);
}
