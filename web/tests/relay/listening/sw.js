// A site's own service worker, which relays as well.
importScripts('../../pkg/sw.js');
addEventListener('fetch', event => {
  if (event.request.url.endsWith('/route')) event.respondWith(new Response('own'));
  else if (event.request.url.includes('?coincide')) throw new Error('a request of the relay has got here');
});
