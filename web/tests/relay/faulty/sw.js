// A relay that answers some requests in every wrong way that there is.
const wrong = [
  () => Response.error(),
  () => new Response('<!doctype html>Not found', { status: 404 }),
  () => new Response('malformed', { headers: { coincide: '1' } }),
  () => new Response(new Uint8Array(100), { headers: { coincide: '1' } }),
  () => new Response('', { status: 503, headers: { coincide: '1' } }),
];
let polls = 0;
addEventListener('fetch', event => {
  if (!event.request.headers.has('coincide')) return;
  polls++;
  if (polls % 3 === 0) return;
  event.stopImmediatePropagation();
  event.respondWith(wrong[polls % wrong.length]());
});
// Packets get lost and come twice.
let packets = 0;
addEventListener('message', event => {
  if (++packets % 3 === 0) event.stopImmediatePropagation();
});
importScripts('../../pkg/sw.js');
