// The relay of coincide: a service worker by itself, or imported by another one with `importScripts`, at its top. It answers the
// requests of coincide's workers and lets all others pass. Made of `sw-listeners.js`, which says more.
(() => {
'use strict';

/** Links with a poll that is held, or packets that are kept, by their tokens. */
const links = new Map();

/** Length in bytes of all packets that are kept. */
let keptBytes = 0;

const MAX_LINKS = 1024;
const MAX_PACKETS = 1024;
const MAX_BYTES = 8 << 20;
const MAX_ALL_BYTES = 64 << 20;
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
  if (method !== 'POST' || url !== ADDRESS) return;
  event.stopImmediatePropagation();
  const question = QUESTION.exec(headers.get('coincide'));
  event.respondWith(question ? poll(...question.slice(1)) : answer(400));
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
  receive(token, event.data.packet);
  // Packets that come this way are there sooner than those that the browser has to find this service worker for.
  const [port] = event.ports;
  if (port) port.onmessage = ({ data }) => receive(token, data);
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

/** Hands a packet of main to the poll that is held, or keeps it for the next one. */
function receive(token, packet) {
  if (!(packet instanceof ArrayBuffer)) return;
  const length = packet.byteLength;
  if (length < HEADER || length > MAX_BYTES || keptBytes + length > MAX_ALL_BYTES) return;
  const link = open(token);
  // What finds no room is lost like anything else, and asked for later.
  if (!link || link.packets.length >= MAX_PACKETS || link.bytes + length > MAX_BYTES) return;
  take(link, [...link.packets, packet]);
  if (link.release) link.release();
  else link.timer ??= setTimeout(() => forget(token, link), KEEP);
}

/** Holds the poll of a worker that has received what its packet says, until there is something for it. */
function poll(token, hold, ask, hex) {
  const link = open(token);
  if (!link) return answer(503);
  // Whoever asked before has given up, or he would not ask again.
  link.release?.();
  links.set(token, link);
  if (link.packets.length) {
    const packet = bytes(hex);
    take(link, link.packets.filter(kept => tellsMore(kept, packet)));
  }
  if (link.packets.length) return collect(token, link);
  return new Promise(resolve => {
    const timers = [
      setTimeout(() => link.release(), Math.min(hold, MAX_HOLD)),
      setTimeout(() => question(token, bytes(hex)), ask === '1' ? 0 : PATIENCE),
    ];
    link.release = () => {
      timers.forEach(clearTimeout);
      link.release = null;
      resolve(collect(token, link));
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

/** The answer with all packets that are kept. */
function collect(token, link) {
  const { packets, bytes } = link;
  forget(token, link);
  if (packets.length === 1) return answer(200, packets[0]);
  const body = new Uint8Array(bytes);
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

function open(token) {
  const link = links.get(token);
  if (link || links.size >= MAX_LINKS) return link;
  const fresh = { packets: [], bytes: 0, release: null, timer: null };
  links.set(token, fresh);
  return fresh;
}

/** Nobody asks, and nothing is kept. */
function forget(token, link) {
  take(link, []);
  clearTimeout(link.timer);
  link.timer = null;
  if (!link.release) links.delete(token);
}

/** Keeps these packets of a link only. */
function take(link, packets) {
  keptBytes -= link.bytes;
  link.packets = packets;
  link.bytes = packets.reduce((sum, packet) => sum + packet.byteLength, 0);
  keptBytes += link.bytes;
}

/** Whether a packet of main has frames, an acknowledgement or a farewell that the worker lacks, as its own packet tells. */
function tellsMore(kept, packet) {
  const [main, worker] = [new DataView(kept), new DataView(packet)];
  const end = main.getBigUint64(FIRST, true) + BigInt(main.getUint32(COUNT, true));
  return (
    end > worker.getBigUint64(ACK, true) || main.getBigUint64(ACK, true) > worker.getBigUint64(FIRST, true) || main.getUint8(FLAGS) !== 0
  );
}

for (const [type, listener] of Object.entries({ activate, fetch, install, message })) addEventListener(type, listener);
})();
