// A site's own service worker with three of the relay's listeners, as many as those of other libraries are.
const add = addEventListener;
self.addEventListener = (type, listener) => type !== 'message' && add.call(self, type, listener);
importScripts('../../pkg/sw.js');
