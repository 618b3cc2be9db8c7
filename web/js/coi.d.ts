/** `coi.js`: a script that isolates the page, and its service worker. It has no exports. */
export {};
