// The service worker of sabayon, `sw.js`: it posts what a worker asks to all pages that it controls, each of which may answer by a message.

/** @param {(name: unknown, question: unknown, answer: (text: string) => void) => void} hear gets each question */
export const listen = hear => {
  const { serviceWorker } = navigator;
  serviceWorker.addEventListener('message', ({ data, source }) => {
    if (!Array.isArray(data) || data.length !== 3) return;
    // What was asked names the request that is to be answered.
    hear(data[0], data[1], text => source.postMessage([...data, [text]]));
  });
  serviceWorker.startMessages();
};
