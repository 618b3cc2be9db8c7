// coincide's own relay. How packets cross it is `transport-sw/js/link.js`'s business.

/** The protocol of section 20 of the specification. */
export const OWN = 'coincide';

/** Whether requests to the service worker at `url` reach a relay. No answer to this request is an error: without a relay, it is the script. */
export const reachesOwn = async url => {
  try {
    const answer = await fetch(addressOf(url), { cache: 'no-store' });
    return answer.headers.get('coincide') === '1';
  } catch {
    return false;
  }
};

/**
 * Whether a packet crosses the relay at `url`, which controls this page and answers requests: it is posted as main does, and collected as a
 * worker does that blocks.
 */
export const carriesOwn = async url => {
  const token = newToken();
  const { port1, port2 } = new MessageChannel();
  navigator.serviceWorker.controller.postMessage({ coincide: token, packet: packetWith(LAST) }, [port2]);
  port1.postMessage(packetWith(GONE));
  try {
    // The first packet comes with the message, the second one over the port.
    for (let refusals = 0; refusals < MOST_REFUSALS; ) {
      const answer = await fetch(addressOf(url), { method: 'POST', headers: { coincide: `${token} ${HOLD} 0 ${QUESTION}` } });
      if (answer.status === 503) {
        await new Promise(resolve => setTimeout(resolve, 10 * 2 ** refusals++));
        continue;
      }
      const body = new Uint8Array(await answer.arrayBuffer());
      if (answer.status !== 200 || body.length === 0) return false;
      for (let at = 0; at < body.length; at += LENGTH) if (body[at + FLAGS] === GONE) return true;
    }
    // Other pages take up all of its room, which says nothing of this one.
    return true;
  } catch {
    return false;
  } finally {
    port1.close();
  }
};

/** Whether a service worker hears messages to a relay. */
export const hearsOwn = async worker => {
  const { port1, port2 } = new MessageChannel();
  const heard = new Promise(resolve => {
    port1.onmessage = ({ data }) => resolve(data === VERSION);
    setTimeout(() => resolve(false), PATIENCE);
  });
  worker.postMessage({ coincide: VERSION }, [port2]);
  return heard.finally(() => port1.close());
};

/** The name of a link at the relay, which nobody can guess. */
export const newToken = () => hexOf(crypto.getRandomValues(new Uint8Array(16)));

const addressOf = url => `${url}?coincide`;

const hexOf = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');

/** A packet without frames. */
const packetWith = flags => {
  const packet = new Uint8Array(LENGTH);
  packet.set([...'coin'].map(char => char.charCodeAt(0)));
  packet[4] = VERSION;
  packet[FLAGS] = flags;
  return packet.buffer;
};

const VERSION = 1;
const LENGTH = 32;
/** Where a packet has its flags, two of which are *last* and *gone*. */
const FLAGS = 5;
const LAST = 1;
const GONE = 2;
const QUESTION = hexOf(new Uint8Array(packetWith(0)));

/** Milliseconds that a packet may take to cross the relay. Far more than it takes: a machine that is busy delays it. */
const HOLD = 5000;

/** Polls without room before that is given up, after some 10 s. */
const MOST_REFUSALS = 10;

/** Milliseconds in which a service worker answers a message. */
const PATIENCE = 1000;
