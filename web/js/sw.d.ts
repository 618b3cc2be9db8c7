/** The relay as a service worker: a script without exports. */
export {};
