// `coincide serve`: a server of files for whoever develops a page.
import { open, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/**
 * Serves a folder. Rejects when the port can't be listened on; resolves with where it listens.
 * @param {{ folder: string, host: string, port: number, isolated: boolean }} options
 */
export const serve = ({ folder, host, port, isolated }) =>
  new Promise((resolve, reject) => {
    const server = createServer((request, response) => {
      respond(request, response, folder, isolated ? ISOLATION : {}).catch(error => {
        // A browser that goes away in the middle is no fault of ours.
        if (response.headersSent) return response.destroy();
        console.error(`${request.url}: ${error.message}`);
        refuse(request, response, 500);
      });
    });
    server.on('error', error => reject(new Error(reason(error, host, port))));
    server.listen({ host, port }, () => resolve(server.address()));
  });

const reason = ({ code, message }, host, port) => {
  if (code === 'EADDRINUSE')
    return `port ${port} is taken: choose another with \`--port\`, or let \`--port 0\` find one that is free`;
  if (code === 'EACCES') return `port ${port} needs more rights than this program has: choose one from 1024 with \`--port\``;
  return `cannot listen on ${host}, port ${port}: ${message}`;
};

/** The headers of PyScript's page on workers: the second and third isolate a page, the others let pages of other origins load it. */
const ISOLATION = {
  'Access-Control-Allow-Origin': '*',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'cross-origin',
};

const respond = async (request, response, folder, headers) => {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  // Whoever develops a page wants to see what they have just saved.
  response.setHeader('Cache-Control', 'no-cache');
  const { method, url } = request;
  const path = decoded(pathOf(url));
  if (path === null) return refuse(request, response, 404);
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('Allow', 'GET,HEAD');
    return refuse(request, response, 405);
  }
  const file = await find(folder, path);
  if (file === null) return refuse(request, response, 404);
  if (file.redirect) return response.writeHead(307, { Location: url.replace(/(?=\?)|$/, '/') }).end();
  try {
    await send(request, response, file);
  } finally {
    await file.handle.close();
  }
};

const pathOf = url => url.split('?', 1)[0];

/**
 * The path without percent signs, null if there can be no such file. Names with a dot in front are left out, such as `.env` and
 * `.git`: any page in the user's browser may ask this server. So are `..`, and paths that begin with two slashes, which a
 * redirection would turn into another host.
 */
const decoded = path => {
  let text;
  try {
    text = decodeURIComponent(path);
  } catch {
    return null;
  }
  const hidden = name => name.startsWith('.') && name !== '.well-known';
  const device = process.platform === 'win32' && /[:\\]/.test(text);
  return text.startsWith('//') || text.includes('\0') || device || text.split(/[/\\]/).some(hidden) ? null : text;
};

/** The file of a path, opened; or that it is a folder, and the path lacks the slash; null if there is none. */
const find = async (folder, path) => {
  const asFolder = path.endsWith('/');
  const name = join(folder, path, asFolder ? 'index.html' : '');
  let handle;
  try {
    // Looked at first: some things can't be opened without waiting for somebody.
    const kind = await stat(name);
    if (kind.isDirectory()) return asFolder ? null : { redirect: true };
    if (!kind.isFile()) return null;
    handle = await open(name);
    return { name, handle, facts: await handle.stat({ bigint: true }) };
  } catch (error) {
    await handle?.close();
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ENAMETOOLONG'].includes(error.code)) return null;
    throw error;
  }
};

const send = async (request, response, { name, handle, facts }) => {
  const { method, headers } = request;
  const size = Number(facts.size);
  const modified = new Date(Number(facts.mtimeMs));
  const tag = `"${facts.mtimeNs.toString(16)}-${size.toString(16)}"`;
  response.setHeader('ETag', tag);
  response.setHeader('Last-Modified', modified.toUTCString());
  if (isKnown(headers, tag, modified)) return response.writeHead(304).end();
  response.setHeader('Accept-Ranges', 'bytes');
  // A range is for GET; whether that of `If-Range` still holds isn't looked into. All of the file is right anyway.
  const wanted = method === 'GET' && !headers['if-range'] ? rangeOf(headers.range, size) : null;
  if (wanted === UNSATISFIABLE) {
    response.setHeader('Content-Range', `bytes */${size}`);
    return refuse(request, response, 416);
  }
  const [first, last] = wanted ?? [0, size - 1];
  response.setHeader('Content-Type', KINDS[extname(name).slice(1).toLowerCase()] ?? 'application/octet-stream');
  response.setHeader('Content-Length', last - first + 1);
  if (wanted) response.setHeader('Content-Range', `bytes ${first}-${last}/${size}`);
  response.writeHead(wanted ? 206 : 200);
  if (method === 'HEAD' || size === 0) return response.end();
  await pipeline(handle.createReadStream({ start: first, end: last, autoClose: false }), response);
};

/** Whether the client has this state of the file already. A tag counts more than a date, which counts seconds. */
const isKnown = (headers, tag, modified) => {
  const tags = headers['if-none-match'];
  if (tags) return tags === '*' || tags.split(',').some(known => known.trim().replace(/^W\//, '') === tag);
  return Math.floor(modified / 1000) * 1000 <= Date.parse(headers['if-modified-since']);
};

const UNSATISFIABLE = Symbol();

/** The first and the last byte of the one range that is asked for; null for the whole. */
const rangeOf = (header, size) => {
  if (!header?.startsWith('bytes=') || header.includes(',')) return null;
  const [, first, last] = header.match(/^bytes=(\d*)-(\d*)$/) ?? [];
  if (!first && !last) return UNSATISFIABLE;
  const range = first
    ? [Number(first), last ? Math.min(Number(last), size - 1) : size - 1]
    : [Math.max(0, size - Number(last)), size - 1];
  return range[0] > range[1] ? UNSATISFIABLE : range;
};

const refuse = ({ method, url }, response, status) => {
  const text = `${status} ${REASONS[status]}: ${method} ${pathOf(url)}\n`;
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(text) });
  response.end(method === 'HEAD' ? undefined : text);
};

const REASONS = {
  404: 'Not Found',
  405: 'Method Not Allowed',
  416: 'Range Not Satisfiable',
  500: 'Internal Server Error',
};

const KINDS = {
  avif: 'image/avif',
  cjs: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  gif: 'image/gif',
  glb: 'model/gltf-binary',
  gltf: 'model/gltf+json',
  gz: 'application/gzip',
  htm: 'text/html; charset=utf-8',
  html: 'text/html; charset=utf-8',
  ico: 'image/x-icon',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  m4a: 'audio/m4a',
  map: 'application/json',
  md: 'text/markdown; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  ogg: 'audio/ogg',
  otf: 'font/otf',
  pdf: 'application/pdf',
  png: 'image/png',
  py: 'text/plain; charset=utf-8',
  svg: 'image/svg+xml',
  tar: 'application/x-tar',
  toml: 'text/x-toml; charset=utf-8',
  ts: 'text/plain; charset=utf-8',
  ttf: 'font/ttf',
  txt: 'text/plain; charset=utf-8',
  wasm: 'application/wasm',
  wav: 'audio/wav',
  webm: 'video/webm',
  webmanifest: 'application/manifest+json',
  webp: 'image/webp',
  woff: 'font/woff',
  woff2: 'font/woff2',
  xml: 'text/xml; charset=utf-8',
  yaml: 'text/x-yaml; charset=utf-8',
  yml: 'text/x-yaml; charset=utf-8',
  zip: 'application/zip',
};
