// A service worker of the site that answers some requests itself and leaves the rest to coi.js.
addEventListener('fetch', event => {
  if (event.request.url.endsWith('/own-answer')) event.respondWith(new Response('the answer of the site'));
});
importScripts('../../coi.js');
