// A relay as wasm knows it.
import { RelayName } from './coincide.js';

/** @param {{ url: string, token: string }} relay what main tells its worker */
export const nameOf = ({ url, token }) => new RelayName(url, token);
