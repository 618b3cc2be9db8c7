// The service worker of sabayon (`sw.js`), which posts requests to all pages that it controls. Each page may answer with a message.

/** @param {(name: unknown, request: unknown, answer: (text: string) => void) => void} onRequest receives each request */
export const listen = onRequest => {
  const { serviceWorker } = navigator;
  serviceWorker.addEventListener('message', ({ data, source }) => {
    if (!Array.isArray(data) || data.length !== 3) return;
    // The answer begins with the request, which identifies it.
    onRequest(data[0], data[1], text => source.postMessage([...data, [text]]));
  });
  serviceWorker.startMessages();
};
