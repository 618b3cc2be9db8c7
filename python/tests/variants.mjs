// Makes copies of the pages: node variants.mjs PAGES PACKAGE OUT
//
// `isolated`: unchanged. `relayed`: with a service worker for the page. `alone`: with `sync_main_only` for the page. `site`: with the files that a
// site serves beside its pages.
import { copyFileSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [pages, library, out] = process.argv.slice(2);
const CORE = '<script type="module" src="../../runtime/core.js"';

rmSync(out, { recursive: true, force: true });
for (const [name, attribute] of [
  ['isolated', ''],
  ['relayed', ' service-worker="./sw.js"'],
  ['alone', ' config="sync_main_only = true"'],
]) {
  cpSync(pages, join(out, name), { recursive: true });
  for (const page of readdirSync(pages)) {
    const file = join(out, name, page, 'index.html');
    const text = readFileSync(file, 'utf8');
    if (!text.includes(CORE)) throw new Error(`${file} does not load the core by the expected tag`);
    writeFileSync(file, text.replace(CORE, `${CORE}${attribute}`));
    if (name === 'relayed') copyFileSync(join(library, 'sw.js'), join(out, name, page, 'sw.js'));
  }
}
cpSync(pages, join(out, 'site'), { recursive: true });
copyFileSync(join(library, 'sw.js'), join(out, 'site/service-worker/sw.js'));
mkdirSync(join(out, 'tests'));
copyFileSync(join(library, 'sw.js'), join(out, 'tests/sw.js'));
copyFileSync(join(library, 'coi.js'), join(out, 'site/headers/mini-coi.js'));

// The page reports its own result: in a frame it would be isolated only if the outer page is.
const headers = join(out, 'reported/headers');
cpSync(join(out, 'site/headers'), headers, { recursive: true });
const text = readFileSync(join(headers, 'index.html'), 'utf8');
writeFileSync(join(headers, 'index.html'), text.replace('</head>', '<script type="module" src="../../tests/headers.js"></script></head>'));
