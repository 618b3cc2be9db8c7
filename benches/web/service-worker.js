// The service workers of all subjects: coincide's relay, coincident's, and the floor.
importScripts('./coincide.sw.js', './coincident.sw.js');

addEventListener('fetch', event => {
  const [, question] = event.request.url.split('?floor=');
  if (question === undefined) return;
  const value = JSON.parse(decodeURIComponent(question));
  event.respondWith(new Response(JSON.stringify(typeof value === 'number' ? value + 1 : value)));
});
