/** `sw.js`: the relay as a service worker. It has no exports. */
export {};
