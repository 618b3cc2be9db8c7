import { taken } from './crossings.js';
import coincide from 'coincide/worker';
import { serve } from './chores.js';
import { CALLS } from './payloads.js';

const { proxy } = await coincide();
serve(proxy, {
  count({ row, count }) {
    taken();
    for (let k = 0; k < count; k++) CALLS[row](proxy, k);
    return taken();
  },
});
