/** The script that isolates a page, and its service worker: a script without exports. */
export {};
