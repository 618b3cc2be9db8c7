// The page of `coincide serve` that lists a folder without an index.html.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Resolves with the HTML of a list of the served files and folders in a folder. Rejects if the folder cannot be read.
 * @param {string} folder
 * @param {string} path Its decoded path, with a slash at both ends.
 * @param {(name: string) => boolean} isServed
 */
export const listing = async (folder, path, isServed) => {
  const names = [];
  for (const name of (await readdir(folder)).filter(isServed)) {
    // Follows symbolic links. Only files and folders are served.
    const stats = await stat(join(folder, name)).catch(() => null);
    if (stats?.isDirectory() || stats?.isFile()) names.push(stats.isFile() ? name : `${name}/`);
  }
  names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  if (path !== '/') names.unshift('../');
  const title = escaped(path);
  // `./` prevents that a name is parsed as the scheme of a URL.
  const items = names.map(name => `<li><a href="./${encoded(name)}">${escaped(name)}</a></li>\n`);
  return `<!doctype html>
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<h1>${title}</h1>
<ul>
${items.join('')}</ul>
`;
};

const encoded = name => encodeURIComponent(name).replaceAll('%2F', '/');

const escaped = text => text.replace(/[&<>"']/g, character => ENTITIES[character]);

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
