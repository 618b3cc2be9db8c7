// Stands in for `polyfill-sw.js` of sabayon, which no package of the registry has: coincident's protocol over a channel of another name. This one
// has also been put behind what a site has its own service worker for.
addEventListener('fetch', event => {
  if (event.request.url.endsWith('/route')) event.respondWith(new Response('own'));
});
addEventListener('install', () => skipWaiting());
addEventListener('activate', event => event.waitUntil(clients.claim()));

const channel = new BroadcastChannel('dd78209b-186c-4f83-80e9-406becb7d9f3');
const waiting = [];
channel.addEventListener('message', ({ data: [number, list] }) => {
  waiting[number]?.(list);
  delete waiting[number];
});
const answer = async request => {
  const [page, view] = await request.json();
  const list = await new Promise(resolve => {
    const number = waiting.push(resolve) - 1;
    channel.postMessage([number, page, view]);
  });
  return new Response(`[${list}]`);
};
addEventListener('fetch', event => {
  if (event.request.method === 'POST' && event.request.url === `${location.href}?sabayon`) event.respondWith(answer(event.request));
});
