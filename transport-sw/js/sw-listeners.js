// The relay of coincide for service workers that have other things to do as well: add the four listeners before your own, and
// requests that are not the relay's reach those as before.
//
// A worker that blocks asks by a synchronous POST, which is held open until main has posted packets for it. Nothing here knows
// what they mean: when this service worker is stopped or replaced, the two ends find out what got lost. Section 20 of coincide's
// SPEC.md has the rules. `sw.js` is made of this file: `COINCIDE_BLESS=1 cargo test -p coincide-transport-sw --test relay`.

/**
 * Links with a held poll (`release`) or kept packets (`packets`, `bytes`, `timer`), never both, by token and oldest first. `client` is the id of
 * the page or worker whose message or request opened the link.
 */
const links = new Map();

/** Length in bytes of all packets that are kept. */
let keptBytes = 0;

// What all clients may take up together; `makeRoom` shares it out.
const MAX_LINKS = 1024;
const MAX_ALL_BYTES = 64 << 20;
// For one link.
const MAX_PACKETS = 1024;
const MAX_BYTES = 8 << 20;
const MAX_HOLD = 60_000;
/** How long packets wait for a poll. */
const KEEP = 10_000;
/** How long main may take before it is asked, in case what it sent got lost. */
const PATIENCE = 50;

/** What service workers that relay have to agree on. */
const VERSION = 1;
const ADDRESS = `${location.origin}${location.pathname}?coincide`;
const QUESTION = /^([0-9a-f]{32}) (\d{1,9}) ([01]) ([0-9a-f]{64})$/;
const TOKEN = /^[0-9a-f]{32}$/;

// Where the fields of a packet's header are, and how long it is.
const FLAGS = 5;
const COUNT = 12;
const FIRST = 16;
const ACK = 24;
const HEADER = 32;

// One that relays as well goes on for as long as it has pages. Browsers end it when another one takes over, and in Firefox a worker that
// blocks at that moment never gets to the new one.
const install = event => event.waitUntil(relays(registration.active).then(does => does || skipWaiting()));

const activate = event => event.waitUntil(clients.claim());

const fetch = event => {
  const { method, url, headers } = event.request;
  if (url !== ADDRESS || (method !== 'POST' && method !== 'GET')) return;
  event.stopImmediatePropagation();
  // Where no relay intercepts a GET, the server answers it with the script: neither answer is an error on the console.
  if (method === 'GET') return event.respondWith(answer(204));
  const question = QUESTION.exec(headers.get('coincide'));
  event.respondWith(question ? poll(event.clientId, ...question.slice(1)) : answer(400));
};

const message = event => {
  const token = event.data?.coincide;
  // A page has workers that were started before this service worker.
  if (token === 'claim') {
    event.stopImmediatePropagation();
    return event.waitUntil(clients.claim());
  }
  if (token === VERSION) return event.ports[0]?.postMessage(VERSION);
  if (typeof token !== 'string' || !TOKEN.test(token)) return;
  event.stopImmediatePropagation();
  const client = event.source?.id;
  receive(client, token, event.data.packet);
  // Packets that come this way are there sooner than those that the browser has to find this service worker for.
  const [port] = event.ports;
  if (port) port.onmessage = ({ data }) => receive(client, token, data);
};

/** Whether a service worker relays as this one does. */
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

/** Hands a packet of main to the held poll, or keeps it for the next one. A packet without room is lost; the worker's next poll asks for it. */
function receive(client, token, packet) {
  if (!(packet instanceof ArrayBuffer)) return;
  const length = packet.byteLength;
  if (length < HEADER || length > MAX_BYTES) return;
  let link = links.get(token);
  // It leaves at once and needs no room.
  if (link?.release) return link.release(collected([packet]));
  if (link && (link.packets.length >= MAX_PACKETS || link.bytes + length > MAX_BYTES)) return;
  if (!makeRoom(link?.client ?? client, keptBytes + length - MAX_ALL_BYTES, ({ bytes }) => bytes)) return;
  // That may have dropped it.
  link = links.get(token) ?? open(client, token);
  if (!link) return;
  link.packets.push(packet);
  link.bytes += length;
  keptBytes += length;
  link.timer ??= setTimeout(forget, KEEP, link);
}

/** Holds the poll of a worker that has received what its packet says, until there is something for it. */
function poll(client, token, hold, ask, hex) {
  let link = links.get(token);
  // The worker has given up its earlier poll.
  link?.release?.(answer(200));
  if (link?.packets.length) {
    const packet = bytes(hex);
    forget(link);
    const news = link.packets.filter(kept => tellsMore(kept, packet));
    if (news.length) return collected(news);
  }
  link = open(client, token);
  if (!link) return answer(503);
  return new Promise(resolve => {
    const timers = [
      setTimeout(() => link.release(answer(200)), Math.min(hold, MAX_HOLD)),
      setTimeout(() => question(token, bytes(hex)), ask === '1' ? 0 : PATIENCE),
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

/** Asks all pages for what the worker lacks. The one that knows the link answers. */
async function question(token, packet) {
  // Half of the token names the link, and is of no use to others.
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

/** A fresh link; undefined if there is no room for one. */
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
 * Drops links of the client that has most, as `measure` weighs links, until `excess` is gone; says whether it is. A client that has as much as any
 * other gets nothing so: no client keeps the others out, however many links or bytes it claims.
 */
function makeRoom(client, excess, measure) {
  if (excess <= 0) return true;
  const shares = new Map([[client, 0]]);
  for (const link of links.values()) shares.set(link.client, (shares.get(link.client) ?? 0) + measure(link));
  while (excess > 0) {
    const [most, share] = [...shares].reduce((a, b) => (b[1] > a[1] ? b : a));
    if (share <= shares.get(client)) return false;
    const theirs = [...links.values()].filter(link => link.client === most && measure(link) > 0);
    // A link that is not polled may be one of a worker that is gone.
    const link = theirs.find(({ release }) => !release) ?? theirs[0];
    const weight = measure(link);
    shares.set(most, share - weight);
    excess -= weight;
    if (link.release) link.release(answer(503));
    else forget(link);
  }
  return true;
}

/** Whether a packet of main has frames, an acknowledgement or a farewell that the worker lacks, as its own packet tells. */
function tellsMore(kept, packet) {
  const [main, worker] = [new DataView(kept), new DataView(packet)];
  const end = main.getBigUint64(FIRST, true) + BigInt(main.getUint32(COUNT, true));
  return (
    end > worker.getBigUint64(ACK, true) || main.getBigUint64(ACK, true) > worker.getBigUint64(FIRST, true) || main.getUint8(FLAGS) !== 0
  );
}

export { activate, fetch, install, message };
