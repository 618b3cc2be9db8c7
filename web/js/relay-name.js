// A relay as wasm knows it.
import { RelayName } from './coincide.js';
import { carrierAt } from './relays/foreign.js';
import { OWN } from './relays/own.js';

/** @param {{ url: string, protocol: string, token: string, hold: number }} relay what main tells its worker */
export const nameOf = ({ url, protocol, token, hold }) => new RelayName(url, token, hold, protocol === OWN ? undefined : carrierAt(url));
