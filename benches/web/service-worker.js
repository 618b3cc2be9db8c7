// What each subject has of a service worker: coincide's relay, coincident's, and the least that there can be.
importScripts('./coincide.sw.js', './coincident.sw.js');

addEventListener('fetch', event => {
  const [, question] = event.request.url.split('?floor=');
  if (question === undefined) return;
  const value = JSON.parse(decodeURIComponent(question));
  event.respondWith(new Response(JSON.stringify(typeof value === 'number' ? value + 1 : value)));
});
