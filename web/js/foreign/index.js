// Relays of other libraries. Only `link/ports.js` refers to this folder, by importing this module.
import { know } from '../relay/others.js';
import { protocolAt } from './protocol.js';
import { carrierAt, reaches } from './requests.js';

know({
  protocolAt,
  reaches,
  carrierAt,
  // Even minified scripts contain this address.
  relays: text => /\?sabayon/.test(text),
  named: ', nor a service worker of coincident 4 or sabayon, nor one that isolates pages',
});
