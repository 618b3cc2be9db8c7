// Reloads the page at most once per visit.

/**
 * Reloads the page and stays pending. Resolves without a reload in frames, and on pages that were loaded by a reload. The limit of one reload per visit therefore needs no
 * storage.
 */
export const reloadOnce = async () => {
  if (globalThis !== globalThis.top || typeOfLoad() === 'reload') return;
  location.reload();
  await new Promise(() => {});
};

/** Whether the response of this page passed through a service worker. If that did not isolate the page, it will not after a reload either. */
export const wentThroughServiceWorker = () => (navigation()?.workerStart ?? 0) > 0;

const navigation = () => performance.getEntriesByType('navigation')[0];

/** How this page was loaded. An unknown way counts as a reload. */
const typeOfLoad = () => navigation()?.type ?? 'reload';
