// A relay as wasm knows it.
import { RelayName } from './coincide.js';
import './foreign/index.js';
import { others } from './relay/others.js';
import { OWN } from './relay/own.js';

/** @param {{ url: string, protocol: string, token: string, hold: number }} relay what main tells its worker */
export const nameOf = ({ url, protocol, token, hold }) => new RelayName(url, token, hold, protocol === OWN ? undefined : others.carrierAt(url));
