// The service worker of the page that is not isolated. A page has one, so it contains those of all subjects.

export const SERVICE_WORKER = new URL('./service-worker.js', import.meta.url).href;

/** Resolves once this page and its workers are under its control. */
export const controlled = async () => {
  const { serviceWorker } = navigator;
  const taken = new Promise(resolve => serviceWorker.addEventListener('controllerchange', resolve, { once: true }));
  await serviceWorker.register(SERVICE_WORKER);
  if (!serviceWorker.controller) await taken;
};
