// Tests of coincide's own relay. `link.js` sends packets through it.

/** The protocol of section 20 of the specification. */
export const OWN = 'coincide';

/** Resolves with whether requests to the service worker at `url` reach a relay. The request logs no error without a relay: the server answers with the script. */
export const reachesOwn = async url => {
  try {
    const answer = await fetch(addressOf(url), { cache: 'no-store' });
    return answer.headers.get('coincide') === '1';
  } catch {
    return false;
  }
};

/**
 * Resolves with whether packets pass through the relay at `url`, which controls this page and answers requests. They are posted as by main and polled as by a blocked
 * worker. Lost packets are posted again.
 */
export const carriesOwn = async url => {
  for (let hold = FIRST_HOLD; hold <= LAST_HOLD; hold *= 2) if (await carries(url, hold)) return true;
  return false;
};

/** Like `carriesOwn`, for packets that are posted once. They may take `hold` milliseconds. */
const carries = async (url, hold) => {
  const token = newToken();
  const { port1, port2 } = new MessageChannel();
  navigator.serviceWorker.controller.postMessage({ coincide: token, packet: packetWith(LAST) }, [port2]);
  port1.postMessage(packetWith(GONE));
  let status;
  try {
    // The first packet is sent with the message, the second one over the port.
    for (let polls = 0; polls < MOST_POLLS; polls++) {
      const headers = { coincide: `${token} ${hold} 0 ${EMPTY_PACKET}` };
      const answer = await fetch(addressOf(url), { method: 'POST', headers }).catch(() => undefined);
      status = answer?.status;
      if (status === 200) {
        const body = new Uint8Array(await answer.arrayBuffer());
        if (body.length === 0) return false;
        for (let at = 0; at < body.length; at += LENGTH) if (body[at + FLAGS] === GONE) return true;
      } else await new Promise(resolve => setTimeout(resolve, Math.min(10 * 2 ** polls, LONGEST_PAUSE)));
    }
  } finally {
    port1.close();
  }
  // The relay works, but other pages use all of its room.
  return status === 503;
};

/** Resolves with whether a service worker handles messages to a relay. */
export const servesOwn = async worker => {
  const { port1, port2 } = new MessageChannel();
  const answered = new Promise(resolve => {
    port1.onmessage = ({ data }) => resolve(data === VERSION);
    setTimeout(() => resolve(false), ANSWER_TIMEOUT);
  });
  worker.postMessage({ coincide: VERSION }, [port2]);
  return answered.finally(() => port1.close());
};

/** A random token for a link at the relay. */
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
/** Offset of the flags of a packet, and two flags: *last* and *gone*. */
const FLAGS = 5;
const LAST = 1;
const GONE = 2;
const EMPTY_PACKET = hexOf(new Uint8Array(packetWith(0)));

/** Milliseconds that packets may take through the relay, in the first and the last attempt. A busy machine delays them. */
const FIRST_HOLD = 1000;
const LAST_HOLD = 4000;

/** Maximum number of polls for them, as of a worker, and maximum milliseconds between two polls. */
const MOST_POLLS = 10;
const LONGEST_PAUSE = 1000;

/** Timeout in milliseconds for a service worker to answer a message. */
const ANSWER_TIMEOUT = 1000;
