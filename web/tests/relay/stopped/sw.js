// A relay that tells how often it was started.
importScripts('../../pkg/sw.js');
const instance = crypto.randomUUID();
addEventListener('fetch', event => {
  if (event.request.url.endsWith('/instance')) event.respondWith(new Response(instance));
});
