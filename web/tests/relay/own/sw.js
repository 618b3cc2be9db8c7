// A site's own service worker, which knows nothing of coincide.
addEventListener('install', () => skipWaiting());
addEventListener('activate', event => event.waitUntil(clients.claim()));
addEventListener('fetch', event => {
  if (event.request.url.endsWith('/route')) event.respondWith(new Response('own'));
});
