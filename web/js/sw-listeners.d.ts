/**
 * The listeners of the relay, for a service worker of the site's own. Pass all four to `addEventListener`, each under its own name, at the top of its script.
 *
 * @example
 * import * as relay from 'coincide/sw/listeners';
 * for (const [type, listener] of Object.entries(relay)) addEventListener(type, listener);
 */

/** Takes control of pages that were loaded earlier. */
export const activate: (event: Event) => void;
/** Answers the requests of blocked workers. Other requests reach the other listeners. */
export const fetch: (event: Event) => void;
/** Activates a new version, unless the active one relays as well. */
export const install: (event: Event) => void;
/** Receives the packets that pages send to their workers. */
export const message: (event: Event) => void;
