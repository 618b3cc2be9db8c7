// A relay as wasm knows it.
import { RelayName } from './coincide.js';

/** @param {{ url: string, token: string, hold: number }} relay what main tells its worker */
export const nameOf = ({ url, token, hold }) => new RelayName(url, token, hold);
