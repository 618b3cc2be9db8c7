// For pages and their workers.
import { reachesForeign } from './foreign.js';
import { OWN, reachesOwn } from './own.js';

/**
 * Whether requests from here reach the relay.
 *
 * @param {{ url: string, protocol: string }} relay as `relayAt` gives it
 */
export const reachesRelay = ({ url, protocol }) => (protocol === OWN ? reachesOwn(url) : reachesForeign(url));
