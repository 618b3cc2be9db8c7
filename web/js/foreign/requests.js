// Relays of other libraries. A worker sends a synchronous request with a JSON list in its body. The service worker passes the list to pages, and answers the request
// with the list that a page returns. It stores nothing, so main holds the poll of each worker until there is a packet. As with coincide's own relay, both ends number
// packets, and lost packets are sent again for the next poll.

/** Prefix of all names here, to distinguish them from names of these libraries. */
const PREFIX = 'coincide:';
/** An answer: a list, or a string if another page or service worker has answered. */
const ANSWER = /^(?:\[(.*)\]|".*")$/;
const POLL = /^(\d{1,9}) ([01]) ([0-9a-f]{64})$/;
const MAX_HOLD = 60_000;
const LEFT = 256;

/** The half of a token that all pages of the origin receive. The other half shows that an answer is for this worker, and not one of another page. */
const nameOf = token => PREFIX + token.slice(0, 16);
const secretOf = token => token.slice(16);

/** Makes each request body unique. */
let serial = 0;
const bodyOf = (name, request) => JSON.stringify([name, request, `${serial++}`]);
const addressOf = url => `${url}?sabayon`;

/**
 * The carrier for such a relay, for workers and for main. On main, `listen` of a protocol calls `handleRequest`.
 *
 * @param {string} url of the service worker
 */
export const carrierAt = url => ({
  poll(request, timeout) {
    const [token] = request.split(' ', 1);
    const xhr = new XMLHttpRequest();
    try {
      xhr.open('POST', addressOf(url), false);
      xhr.timeout = timeout;
      xhr.setRequestHeader('content-type', 'application/json');
      xhr.send(bodyOf(nameOf(token), request.slice(token.length + 1)));
    } catch (error) {
      return `${error?.name ?? 'Error'}: ${error?.message ?? error}`;
    }
    if (xhr.status !== 200) return `the request was answered with status ${xhr.status}`;
    const answer = ANSWER.exec(xhr.responseText);
    if (!answer) return 'the answer of the service worker is not a list';
    const [, text] = answer;
    const secret = secretOf(token);
    // Such service workers number requests from 0 when they start, and broadcasts reach all of them. Answers to other requests are
    // ignored.
    if (!text?.startsWith(secret)) return new Uint8Array();
    try {
      return bytesOf(text.slice(secret.length));
    } catch (error) {
      return `the answer is malformed: ${error.message}`;
    }
  },
  attach: (token, answer) => links.set(nameOf(token), { secret: secretOf(token), answer, held: null }),
  relay: (token, packet) => links.get(nameOf(token))?.held?.(packet),
  detach(token, packet) {
    const name = nameOf(token);
    links.get(name)?.held?.(packet);
    links.delete(name);
    left.set(name, secretOf(token) + textOf(packet));
    if (left.size > LEFT) left.delete(left.keys().next().value);
  },
});

/** Main's links by name, and the last packets of closed links. */
const links = new Map();
const left = new Map();

/** Handles a request to main, of any protocol. `reply` answers it. */
export const handleRequest = (name, request, reply) => {
  if (left.has(name)) return reply(left.get(name));
  const link = links.get(name);
  const [, hold, ask, packet] = (link && POLL.exec(request)) ?? [];
  if (!packet) return;
  // The previous request has timed out.
  link.held?.(NOTHING);
  const timer = setTimeout(() => held(NOTHING), Math.min(hold, MAX_HOLD));
  const held = answer => {
    clearTimeout(timer);
    link.held = null;
    reply(link.secret + textOf(answer));
  };
  link.held = held;
  link.answer(Uint8Array.from(packet.match(/../g), byte => parseInt(byte, 16)));
  // A worker whose last request has failed checks whether main responds. Timers do not suffice: in background pages they fire once
  // a minute.
  if (ask === '1') link.held?.(NOTHING);
};

const NOTHING = new Uint8Array();

/** Name of requests that test for such a relay. A page answers them with their text. */
export const PROBE = `${PREFIX}probe`;

/** Whether requests from here reach the relay at `url`. */
export const reaches = async url => {
  // A poll that does not reach the relay logs an error on the console, so a GET is tried first.
  for (let attempt = 1; attempt <= INTERCEPTION_CHECKS && !(await isIntercepted(`${url}?coincide`)); attempt++) await new Promise(resolve => setTimeout(resolve, 10 * attempt));
  return answers(url);
};

/** Resolves with whether a GET from here passes through a service worker. */
const isIntercepted = async address => {
  try {
    await (await fetch(address, { cache: 'no-store' })).arrayBuffer();
  } catch {
    return false;
  }
  const entry = performance.getEntriesByName(address).at(-1);
  // Firefox has no `workerStart`, and no status of responses that passed through a service worker.
  return !entry || entry.workerStart > 0 || entry.responseStatus === 0;
};

/** Maximum number of checks, within about 150 ms, until the service worker controls a worker that started earlier. */
const INTERCEPTION_CHECKS = 5;

/** Resolves with whether a page answers requests to the service worker at `url`. `sign` is the text of the request. */
export const answers = async (url, sign = crypto.randomUUID()) => {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const text = await answerOf(url, sign, FIRST_TIMEOUT * 2 ** attempt);
    if (text === `[${sign}]`) return true;
    // The answer may belong to another request, or the page did not listen yet.
    if (text !== undefined && !ANSWER.test(text)) return false;
  }
  return false;
};

/** Resolves with the text of the answer; with undefined after `timeout` milliseconds. */
const answerOf = async (url, sign, timeout) => {
  try {
    const signal = AbortSignal.timeout(timeout);
    const answer = await fetch(addressOf(url), { method: 'POST', body: bodyOf(PROBE, sign), signal });
    return await answer.text();
  } catch {
    return undefined;
  }
};

/** Timeout in milliseconds of the first attempt, doubled with each further one, and the number of attempts. Without a listener there is no answer. */
const FIRST_TIMEOUT = 250;
const ATTEMPTS = 6;

const textOf = bytes => {
  if (bytes.toBase64) return bytes.toBase64();
  let text = '';
  for (let at = 0; at < bytes.length; at += PIECE) text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return btoa(text);
};

const bytesOf = text => Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), char => char.charCodeAt(0));

/** Number of bytes that are converted in one call. */
const PIECE = 8192;
