// The one reload of a visit.

/**
 * Reloads the page, and never comes back then. A page whose load was a reload already, by whomever, is left as it is, and so are frames: no
 * storage has to remember anything, and whatever a page does to its storages, its address and its service workers, it is reloaded once a visit.
 */
export const reloadOnce = async () => {
  if (globalThis !== globalThis.top || typeOfLoad() === 'reload') return;
  location.reload();
  await new Promise(() => {});
};

/** Whether a service worker has had the response of this page in its hands: one that could not isolate it then won't do it after a reload. */
export const wentThroughServiceWorker = () => (navigation()?.workerStart ?? 0) > 0;

const navigation = () => performance.getEntriesByType('navigation')[0];

/** How this page was loaded. Where that isn't known, it may have been a reload. */
const typeOfLoad = () => navigation()?.type ?? 'reload';
