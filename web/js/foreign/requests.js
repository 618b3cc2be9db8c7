// Relays of other libraries. A worker's synchronous request has a list of JSON in its body, pages are handed what stands in it, and the
// request is answered with the list that one of them gives. Nothing is kept there, so main has the poll of each of its workers held until it has a
// packet, and the rest is as with coincide's own relay: both ends number what they send, and what got lost is sent again for the next poll.

/** The start of all names here, among those of the libraries themselves. */
const PREFIX = 'coincide:';
/** Answers: a list, or a text when something else than an answer came from another page or service worker. */
const ANSWER = /^(?:\[(.*)\]|".*")$/;
const POLL = /^(\d{1,9}) ([01]) ([0-9a-f]{64})$/;
const MAX_HOLD = 60_000;
const LEFT = 256;

/** The half of a token that pages of the origin hear. The other one shows that an answer is for its worker: those of other pages may come instead. */
const nameOf = token => PREFIX + token.slice(0, 16);
const secretOf = token => token.slice(16);

/** What the service worker has in its request, so that no two are the same. */
let serial = 0;
const bodyOf = (name, question) => JSON.stringify([name, question, `${serial++}`]);
const addressOf = url => `${url}?sabayon`;

/**
 * How such a relay is spoken to, at a worker and at main, where `listen` of a protocol calls `hear`.
 *
 * @param {string} url of the service worker
 */
export const carrierAt = url => ({
  poll(question, timeout) {
    const [token] = question.split(' ', 1);
    const request = new XMLHttpRequest();
    try {
      request.open('POST', addressOf(url), false);
      request.timeout = timeout;
      request.setRequestHeader('content-type', 'application/json');
      request.send(bodyOf(nameOf(token), question.slice(token.length + 1)));
    } catch (error) {
      return `${error?.name ?? 'Error'}: ${error?.message ?? error}`;
    }
    if (request.status !== 200) return `the request was answered with status ${request.status}`;
    const answer = ANSWER.exec(request.responseText);
    if (!answer) return 'the request was answered with something else than a list';
    const [, text] = answer;
    const secret = secretOf(token);
    // Service workers of this kind number requests from 0 when they start, and broadcasts reach all of them: an answer to another
    // request is ignored.
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

/** Main's links by their names, and the last packets of those that were left. */
const links = new Map();
const left = new Map();

/** Main is asked, by whatever protocol: `reply` answers the request that waits for it. */
export const hear = (name, question, reply) => {
  if (left.has(name)) return reply(left.get(name));
  const link = links.get(name);
  const [, hold, ask, packet] = (link && POLL.exec(question)) ?? [];
  if (!packet) return;
  // The request before this one has timed out.
  link.held?.(NOTHING);
  const timer = setTimeout(() => held(NOTHING), Math.min(hold, MAX_HOLD));
  const held = answer => {
    clearTimeout(timer);
    link.held = null;
    reply(link.secret + textOf(answer));
  };
  link.held = held;
  link.answer(Uint8Array.from(packet.match(/../g), byte => parseInt(byte, 16)));
  // A worker whose last request has failed queries whether main is there. Timers alone wouldn't tell: pages in the background
  // have theirs once a minute.
  if (ask === '1') link.held?.(NOTHING);
};

const NOTHING = new Uint8Array();

/** The name of questions by which it is found out whether there is such a relay: a page answers them with what was asked. */
export const PROBE = `${PREFIX}probe`;

/** Whether requests from here reach the relay at `url`. */
export const reaches = async url => {
  // It answers nothing but polls, and these are errors on the console where they do not get to it.
  for (let attempt = 1; attempt <= GLANCES && !(await isIntercepted(`${url}?coincide`)); attempt++) await new Promise(resolve => setTimeout(resolve, 10 * attempt));
  return answers(url);
};

/** Whether requests from here go through a service worker, as far as one that any server answers tells. */
const isIntercepted = async address => {
  try {
    await (await fetch(address, { cache: 'no-store' })).arrayBuffer();
  } catch {
    return false;
  }
  const entry = performance.getEntriesByName(address).at(-1);
  // Firefox has no `workerStart`, and no status of responses that a service worker let pass.
  return !entry || entry.workerStart > 0 || entry.responseStatus === 0;
};

/** How often it is tried, in some 150 ms, until a worker that was there before the service worker has got it. */
const GLANCES = 5;

/** Whether requests to the service worker at `url` reach one that has them answered by pages; `sign` is what they are asked. */
export const answers = async (url, sign = crypto.randomUUID()) => {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const text = await answerOf(url, sign, FIRST_PATIENCE * 2 ** attempt);
    if (text === `[${sign}]`) return true;
    // It may have answered another request, or the page did not listen yet.
    if (text !== undefined && !ANSWER.test(text)) return false;
  }
  return false;
};

/** The text of the answer; undefined if it does not come in time. */
const answerOf = async (url, sign, patience) => {
  try {
    const signal = AbortSignal.timeout(patience);
    const answer = await fetch(addressOf(url), { method: 'POST', body: bodyOf(PROBE, sign), signal });
    return await answer.text();
  } catch {
    return undefined;
  }
};

/** Milliseconds in which an answer must come at first, doubled with each attempt, and the number of attempts. Without a listener there is no answer. */
const FIRST_PATIENCE = 250;
const ATTEMPTS = 6;

const textOf = bytes => {
  if (bytes.toBase64) return bytes.toBase64();
  let text = '';
  for (let at = 0; at < bytes.length; at += PIECE) text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return btoa(text);
};

const bytesOf = text => Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), char => char.charCodeAt(0));

/** How many bytes become arguments of one call. */
const PIECE = 8192;
