// The service workers of coincident 4, `sw.js`, and of sabayon, `polyfill-sw.js`: what a worker asks is broadcast to the origin, and so is the answer.

/** @param {(name: unknown, question: unknown, answer: (text: string) => void) => void} hear gets each question */
export const listen = hear => {
  for (const id of CHANNELS) {
    const channel = new BroadcastChannel(id);
    channel.onmessage = ({ data }) => {
      // Answers of other pages are heard as well: they have no name here.
      if (Array.isArray(data) && data.length === 3) hear(data[1], data[2], text => channel.postMessage([data[0], [text]]));
    };
  }
};

/** coincident's, and sabayon's. */
const CHANNELS = ['dc78209b-186c-4f83-80e9-406becb7d9f3', 'dd78209b-186c-4f83-80e9-406becb7d9f3'];
