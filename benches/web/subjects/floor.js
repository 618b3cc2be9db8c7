// The lower bound where memory isn't shared: a synchronous request that a service worker answers at once.
import { connect, scriptOf } from '../link.js';
import { OF_RELAYS } from '../rows.js';

export default {
  name: 'floor',
  kind: 'bound',
  about: 'a synchronous request of the worker that the service worker answers at once, without main',
  rows: OF_RELAYS,
  open: () => connect(new Worker(scriptOf('floor'), { type: 'module' })),
};
