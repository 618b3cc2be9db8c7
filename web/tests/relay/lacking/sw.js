// A site's own service worker that has those of the relay's listeners that its address names: `?activate&fetch`.
const wanted = new URL(location.href).searchParams;
const add = addEventListener;
self.addEventListener = (type, listener) => wanted.has(type) && add.call(self, type, listener);
importScripts('../../pkg/sw.js');
