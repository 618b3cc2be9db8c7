// A site's own service worker that relays, and takes over as soon as it is there.
addEventListener('install', () => skipWaiting());
importScripts('../../pkg/sw.js');
