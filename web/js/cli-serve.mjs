// `coincide serve`: a server of files for web development.
import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { createServer, STATUS_CODES } from 'node:http';
import { extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { refusedHost } from './cli-host.mjs';
import { listing } from './cli-listing.mjs';

/**
 * Serves a folder. Resolves with the address of the server. Rejects if it cannot listen on the port.
 * @param {{ folder: string, host: string, port: number, isolated: boolean, cors: boolean, hosts: string[], lists: boolean }} options
 * `hosts` are allowed in requests, in addition to those of this machine.
 */
export const serve = ({ host, port, isolated, cors, ...site }) =>
  new Promise((resolve, reject) => {
    site.headers = { ...(isolated && ISOLATION), ...(cors ? CORS : OWN_ORIGIN) };
    // `respond` answers a missing `Host` like a malformed one.
    const server = createServer({ requireHostHeader: false }, (request, response) => {
      respond(request, response, site).catch(error => {
        // A connection that is closed early is not an error. If a file was truncated while it was sent, only closing the connection shows that its rest is missing:
        // the client would take later bytes for it.
        if (response.headersSent) return response.destroy();
        console.error(`${request.url}: ${error.message}`);
        refuse(request, response, 500);
      });
    });
    closeOldest(server);
    server.on('error', error => reject(new Error(reason(error, host, port))));
    server.listen({ host, port }, () => resolve(server.address()));
  });

/** Closes the oldest connection when there are too many, so that idle clients cannot block others. */
const closeOldest = server => {
  const connections = new Set();
  server.on('connection', socket => {
    const [oldest] = connections.size < CONNECTIONS ? [] : connections;
    connections.delete(oldest);
    oldest?.destroy();
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
};

/** Maximum number of open connections. Browsers open 6 to a host. */
const CONNECTIONS = 256;

const reason = ({ code, message }, host, port) => {
  if (code === 'EADDRINUSE')
    return `port ${port} is taken: choose another with \`--port\`, or let \`--port 0\` find one that is free`;
  if (code === 'EACCES') return `port ${port} needs more rights than this program has: choose one from 1024 with \`--port\``;
  return `cannot listen on ${host}, port ${port}: ${message}`;
};

/** Headers that isolate a page. Worker scripts and frames of isolated pages need them as well. */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Headers that let pages of all other origins, including isolated ones, load and read the files. */
const CORS = { 'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' };

/** Header that lets no page of another origin load the files. */
const OWN_ORIGIN = { 'Cross-Origin-Resource-Policy': 'same-origin' };

const respond = async (request, response, { folder, headers, hosts, lists }) => {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  // Browsers must not use a cached file after a change.
  response.setHeader('Cache-Control', 'no-cache');
  const { method } = request;
  const { authority, path, query } = targetOf(request);
  const host = refusedHost(request, authority, hosts);
  if (host === null) return refuse(request, response, 400, 'a request needs one `Host` header with a host name or an address');
  if (host) return refuse(request, response, 403, `the host ${host} is not allowed; \`coincide serve --allow-host ${host}\` allows it`);
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('Allow', 'GET,HEAD');
    return refuse(request, response, 405);
  }
  const names = namesOf(path);
  if (names === null) return refuse(request, response, 404);
  const place = join(folder, ...names);
  const isFolder = path.endsWith('/');
  const file = await find(isFolder ? join(place, 'index.html') : place);
  if (file) {
    try {
      return await send(request, response, file);
    } finally {
      await file.handle.close();
    }
  }
  if (!isFolder && (await kindOf(place))?.isDirectory()) return response.writeHead(307, { Location: `${path}/${query}` }).end();
  const list = isFolder && lists ? await listing(place, decodeURIComponent(path), isServed).catch(whenAbsent) : null;
  if (list === null) return refuse(request, response, 404);
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Length': Buffer.byteLength(list) });
  response.end(method === 'HEAD' ? undefined : list);
};

/** The parts of the target of a request. Only a target that is an absolute URL has an authority. */
const targetOf = ({ url }) => {
  const [, authority, rest] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url) ?? [undefined, undefined, url];
  const [path] = rest.split('?', 1);
  return { authority, path: path || '/', query: rest.slice(path.length) };
};

/**
 * The decoded names in a path; null if it cannot name a served file. Paths that begin with two slashes are refused, because in a redirection they would name another
 * host.
 */
const namesOf = path => {
  if (!/^\/(?!\/)/.test(path)) return null;
  try {
    const names = path.split('/').filter(Boolean).map(decodeURIComponent);
    return names.every(isServed) ? names : null;
  } catch {
    return null;
  }
};

/** Whether files and folders of this name are served. Hidden ones, such as `.env` and `.git`, are not, because they often hold secrets. */
const isServed = name => {
  const hidden = name.startsWith('.') && name !== '.well-known';
  return !hidden && !SPECIAL.test(name);
};

const SPECIAL = process.platform === 'win32' ? /[/\\\0:]/ : /[/\\\0]/;

/** Opens a regular file. Resolves with null if there is none. */
const find = async name => {
  // Opening or reading a FIFO or a device may block a thread indefinitely, or have side effects.
  if (!(await kindOf(name))?.isFile()) return null;
  const handle = await open(name, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(whenAbsent);
  const stats = await handle?.stat({ bigint: true });
  // The path may have changed since the check.
  if (stats?.isFile()) return { name, handle, stats };
  await handle?.close();
  return null;
};

const kindOf = name => stat(name).catch(whenAbsent);

/** Returns null for errors of paths without a readable file. Throws others. */
const whenAbsent = error => {
  if (['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ENAMETOOLONG', 'ELOOP', 'EINVAL'].includes(error.code)) return null;
  throw error;
};

const send = async (request, response, { name, handle, stats }) => {
  const { method, headers } = request;
  const size = Number(stats.size);
  const modified = new Date(Number(stats.mtimeMs));
  const tag = `"${stats.mtimeNs.toString(16)}-${size.toString(16)}"`;
  response.setHeader('ETag', tag);
  response.setHeader('Last-Modified', modified.toUTCString());
  const since = Math.floor(modified / 1000) * 1000;
  if (!isExpected(headers, tag, since)) return refuse(request, response, 412);
  if (isKnown(headers, tag, since)) return response.writeHead(304).end();
  response.setHeader('Accept-Ranges', 'bytes');
  // A range applies to GET only. With `If-Range`, the whole file is sent, which is always correct.
  const wanted = method === 'GET' && !headers['if-range'] ? rangeOf(headers.range, size) : null;
  if (wanted === UNSATISFIABLE) {
    response.setHeader('Content-Range', `bytes */${size}`);
    return refuse(request, response, 416);
  }
  const [first, last] = wanted ?? [0, size - 1];
  const length = last - first + 1;
  response.setHeader('Content-Type', KINDS[extname(name).slice(1).toLowerCase()] ?? 'application/octet-stream');
  response.setHeader('Content-Length', length);
  if (wanted) response.setHeader('Content-Range', `bytes ${first}-${last}/${size}`);
  response.writeHead(wanted ? 206 : 200);
  if (method === 'HEAD' || size === 0) return response.end();
  const content = handle.createReadStream({ start: first, end: last, autoClose: false });
  await pipeline(content, response, { end: false });
  if (content.bytesRead < length) throw new Error('the file has become shorter');
  response.end();
};

/** Whether the file is in the state that the client requires. A tag takes precedence over a date, which has a resolution of seconds. */
const isExpected = (headers, tag, since) => {
  const tags = headers['if-match'];
  if (tags) return tags === '*' || tags.split(',').some(expected => expected.trim() === tag);
  return !(since > Date.parse(headers['if-unmodified-since']));
};

/** Whether the client already has this state of the file. */
const isKnown = (headers, tag, since) => {
  const tags = headers['if-none-match'];
  if (tags) return tags === '*' || tags.split(',').some(known => known.trim().replace(/^W\//, '') === tag);
  return since <= Date.parse(headers['if-modified-since']);
};

const UNSATISFIABLE = Symbol();

/**
 * The first and the last byte of a range, as in section 14 of RFC 9110. Null for the whole file: the header is absent, malformed, in another unit than bytes, or has
 * several ranges.
 */
const rangeOf = (header = '', size) => {
  const [, set] = /^bytes=(.*)$/i.exec(header) ?? [];
  const [spec = '', ...more] = (set ?? '').split(',').map(spec => spec.trim()).filter(Boolean);
  const [, first, last] = /^(\d*)-(\d*)$/.exec(spec) ?? [];
  if (more.length > 0 || (!first && !last)) return null;
  if (!first) {
    if (Number(last) === 0) return UNSATISFIABLE;
    // By the RFC, a suffix range of an empty file is satisfiable, but no `Content-Range` can express it.
    return size === 0 ? null : [Math.max(0, size - Number(last)), size - 1];
  }
  if (last && BigInt(last) < BigInt(first)) return null;
  return Number(first) < size ? [Number(first), last ? Math.min(Number(last), size - 1) : size - 1] : UNSATISFIABLE;
};

/** Answers in plain text with the status and an explanation. */
const refuse = (request, response, status, explanation = `${request.method} ${targetOf(request).path}`) => {
  const text = `${status} ${STATUS_CODES[status]}: ${explanation}\n`;
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(text) });
  response.end(request.method === 'HEAD' ? undefined : text);
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
