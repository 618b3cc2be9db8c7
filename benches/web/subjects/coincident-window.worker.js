import coincident from 'coincident/window/worker';
import { serve } from '../chores.js';

const { proxy, window } = await coincident();
serve({ inc: k => proxy.inc(k), window, dataset: window.document.body.dataset, together: body => body() });
