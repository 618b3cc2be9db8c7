// Service workers of other libraries by which coincide can relay. `link/ports.js` imports this module, and nothing else refers to this folder.
import { know } from '../relay/others.js';
import { protocolAt } from './protocol.js';
import { carrierAt, reaches } from './requests.js';

know({
  protocolAt,
  reaches,
  carrierAt,
  // They contain this address, even minified.
  relays: text => /\?sabayon/.test(text),
  named: ', nor a service worker of coincident 4 or sabayon, nor one that isolates pages',
});
