// The service workers of coincident 4 (`sw.js`) and of sabayon (`polyfill-sw.js`), which broadcast requests and answers to the origin.

/** @param {(name: unknown, request: unknown, answer: (text: string) => void) => void} onRequest receives each request */
export const listen = onRequest => {
  for (const id of CHANNELS) {
    const channel = new BroadcastChannel(id);
    channel.onmessage = ({ data }) => {
      // Answers of other pages arrive here as well. They have only 2 items.
      if (Array.isArray(data) && data.length === 3) onRequest(data[1], data[2], text => channel.postMessage([data[0], [text]]));
    };
  }
};

/** The channels of coincident and of sabayon. */
const CHANNELS = ['dc78209b-186c-4f83-80e9-406becb7d9f3', 'dd78209b-186c-4f83-80e9-406becb7d9f3'];
