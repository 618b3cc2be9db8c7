// For pages and workers.
import { others } from './others.js';
import { OWN, reachesOwn } from './own.js';

/**
 * Resolves with whether requests from here reach the relay.
 *
 * @param {{ url: string, protocol: string }} relay as `relayAt` returns it
 */
export const reachesRelay = ({ url, protocol }) => (protocol === OWN ? reachesOwn(url) : others.reaches(url));
