// A service worker that speaks of cross-origin-embedder-policy, and isolates nothing.
addEventListener('install', () => skipWaiting());
addEventListener('activate', event => event.waitUntil(clients.claim()));
addEventListener('fetch', () => {});
