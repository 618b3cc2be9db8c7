// A service worker that isolates pages and relays nothing, as sites have it that cannot set headers.
addEventListener('install', () => skipWaiting());
addEventListener('activate', event => event.waitUntil(clients.claim()));
addEventListener('fetch', event => {
  if (event.request.mode !== 'navigate' && event.request.destination !== 'worker') return;
  event.respondWith(
    fetch(event.request).then(({ body, status, headers: given }) => {
      const headers = new Headers(given);
      headers.set('cross-origin-opener-policy', 'same-origin');
      headers.set('cross-origin-embedder-policy', 'require-corp');
      headers.set('cross-origin-resource-policy', 'cross-origin');
      return new Response(body, { status, headers });
    }),
  );
});
