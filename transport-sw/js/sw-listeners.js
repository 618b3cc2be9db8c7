// The relay of coincide for service workers with other tasks: add the four listeners before your own. Requests that are not
// for the relay reach your listeners.
//
// A worker that blocks polls by a synchronous POST, which is held open until main has posted packets for it. The relay does not interpret
// packets: when this service worker is stopped or replaced, the two ends detect and retransmit what was lost. Section 20 of coincide's
// SPEC.md specifies the rules. `sw.js` is generated from this file: `COINCIDE_BLESS=1 cargo test -p coincide-transport-sw --test relay`.

/**
 * Links with a held poll (`release`) or kept packets (`packets`, `bytes`, `timer`), never both, by token and oldest first. `client` is the id of
 * the page or worker whose message or request opened the link.
 */
const links = new Map();

/** Total length in bytes of kept packets. */
let keptBytes = 0;

// Limits for all clients together; `makeRoom` divides them.
const MAX_LINKS = 1024;
const MAX_ALL_BYTES = 64 << 20;
// Limits for one link.
const MAX_PACKETS = 1024;
const MAX_BYTES = 8 << 20;
const MAX_HOLD = 60_000;
/** Time in milliseconds for which packets are kept without a poll. */
const KEEP = 10_000;
/** Time in milliseconds after which main is queried, in case packets were lost. */
const QUERY_AFTER = 50;

/** Version of the relay, which relays of different versions compare. */
const VERSION = 1;
const ADDRESS = `${location.origin}${location.pathname}?coincide`;
const REQUEST = /^([0-9a-f]{32}) (\d{1,9}) ([01]) ([0-9a-f]{64})$/;
const TOKEN = /^[0-9a-f]{32}$/;

// Offsets of the fields of a packet's header, and its length.
const FLAGS = 5;
const COUNT = 12;
const FIRST = 16;
const ACK = 24;
const HEADER = 32;

// A relay that is active stays so while it has pages. Browsers stop it when another one takes over, and in Firefox a worker that
// is blocked at that moment never reaches the new one.
const install = event => event.waitUntil(relays(registration.active).then(does => does || skipWaiting()));

const activate = event => event.waitUntil(clients.claim());

const fetch = event => {
  const { method, url, headers } = event.request;
  if (url !== ADDRESS || (method !== 'POST' && method !== 'GET')) return;
  event.stopImmediatePropagation();
  // If no relay intercepts a GET, the server answers it with the script: neither answer is an error on the console.
  if (method === 'GET') return event.respondWith(answer(204));
  const request = REQUEST.exec(headers.get('coincide'));
  event.respondWith(request ? poll(event.clientId, ...request.slice(1)) : answer(400));
};

const message = event => {
  const token = event.data?.coincide;
  // A page may have workers that were started before this service worker.
  if (token === 'claim') {
    event.stopImmediatePropagation();
    return event.waitUntil(clients.claim());
  }
  if (token === VERSION) return event.ports[0]?.postMessage(VERSION);
  if (typeof token !== 'string' || !TOKEN.test(token)) return;
  event.stopImmediatePropagation();
  const client = event.source?.id;
  receive(client, token, event.data.packet);
  // Packets over this port arrive sooner than messages for which the browser has to look up this service worker.
  const [port] = event.ports;
  if (port) port.onmessage = ({ data }) => receive(client, token, data);
};

/** Whether a service worker is a relay of this version. */
async function relays(other) {
  if (!other) return false;
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise(resolve => {
    port1.onmessage = ({ data }) => resolve(data === VERSION);
    setTimeout(() => resolve(false), 1000);
  });
  other.postMessage({ coincide: VERSION }, [port2]);
  return answer;
}

/** Answers the held poll with a packet of main, or keeps the packet for the next poll. Without room the packet is lost; the worker's next poll requests it. */
function receive(client, token, packet) {
  if (!(packet instanceof ArrayBuffer)) return;
  const length = packet.byteLength;
  if (length < HEADER || length > MAX_BYTES) return;
  let link = links.get(token);
  // It is sent at once and needs no room.
  if (link?.release) return link.release(collected([packet]));
  if (link && (link.packets.length >= MAX_PACKETS || link.bytes + length > MAX_BYTES)) return;
  if (!makeRoom(link?.client ?? client, keptBytes + length - MAX_ALL_BYTES, ({ bytes }) => bytes)) return;
  // `makeRoom` may have dropped the link.
  link = links.get(token) ?? open(client, token);
  if (!link) return;
  link.packets.push(packet);
  link.bytes += length;
  keptBytes += length;
  link.timer ??= setTimeout(forget, KEEP, link);
}

/** Holds a poll of a worker until there is news for it. The poll's packet acknowledges what the worker has received. */
function poll(client, token, hold, ask, hex) {
  let link = links.get(token);
  // The worker has abandoned its earlier poll.
  link?.release?.(answer(200));
  if (link?.packets.length) {
    const packet = bytes(hex);
    forget(link);
    const news = link.packets.filter(kept => hasNews(kept, packet));
    if (news.length) return collected(news);
  }
  link = open(client, token);
  if (!link) return answer(503);
  return new Promise(resolve => {
    const timers = [
      setTimeout(() => link.release(answer(200)), Math.min(hold, MAX_HOLD)),
      setTimeout(() => query(token, bytes(hex)), ask === '1' ? 0 : QUERY_AFTER),
    ];
    link.release = response => {
      timers.forEach(clearTimeout);
      forget(link);
      resolve(response);
    };
  });
}

function bytes(hex) {
  return Uint8Array.from(hex.match(/../g), byte => parseInt(byte, 16)).buffer;
}

/** Queries all pages for packets that the worker lacks. The page that knows the link answers. */
async function query(token, packet) {
  // Half of the token identifies the link, and does not suffice for access.
  const name = token.slice(0, 16);
  const all = await clients.matchAll({ type: 'all', includeUncontrolled: true });
  for (const client of all) client.postMessage({ coincide: name, packet });
}

/** The answer with these packets. */
function collected(packets) {
  if (packets.length === 1) return answer(200, packets[0]);
  const body = new Uint8Array(packets.reduce((sum, packet) => sum + packet.byteLength, 0));
  let at = 0;
  for (const packet of packets) {
    body.set(new Uint8Array(packet), at);
    at += packet.byteLength;
  }
  return answer(200, body);
}

function answer(status, body) {
  return new Response(body, { status, headers: { coincide: '1' } });
}

/** Creates a link. Returns undefined if there is no room for one. */
function open(client, token) {
  if (!makeRoom(client, links.size + 1 - MAX_LINKS, () => 1)) return undefined;
  const link = { token, client, packets: [], bytes: 0, timer: null, release: null };
  links.set(token, link);
  return link;
}

function forget(link) {
  clearTimeout(link.timer);
  links.delete(link.token);
  keptBytes -= link.bytes;
}

/**
 * Drops links of the client that has the most, by `measure`, until `excess` is freed. Returns whether it is. A client that has as much as any
 * other frees nothing, so no client can lock out the others by its number of links or bytes.
 */
function makeRoom(client, excess, measure) {
  if (excess <= 0) return true;
  const shares = new Map([[client, 0]]);
  for (const link of links.values()) shares.set(link.client, (shares.get(link.client) ?? 0) + measure(link));
  while (excess > 0) {
    const [most, share] = [...shares].reduce((a, b) => (b[1] > a[1] ? b : a));
    if (share <= shares.get(client)) return false;
    const theirs = [...links.values()].filter(link => link.client === most && measure(link) > 0);
    // A link that is not polled may belong to a worker that is gone.
    const link = theirs.find(({ release }) => !release) ?? theirs[0];
    const weight = measure(link);
    shares.set(most, share - weight);
    excess -= weight;
    if (link.release) link.release(answer(503));
    else forget(link);
  }
  return true;
}

/** Whether a packet of main has frames, an acknowledgement or a farewell that the worker lacks, according to the packet of its poll. */
function hasNews(kept, packet) {
  const [main, worker] = [new DataView(kept), new DataView(packet)];
  const end = main.getBigUint64(FIRST, true) + BigInt(main.getUint32(COUNT, true));
  return (
    end > worker.getBigUint64(ACK, true) || main.getBigUint64(ACK, true) > worker.getBigUint64(FIRST, true) || main.getUint8(FLAGS) !== 0
  );
}

export { activate, fetch, install, message };
