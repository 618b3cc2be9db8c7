import coincide from 'coincide/window/worker';
import { serve } from '../chores.js';

const { proxy, window } = await coincide();
serve({ inc: k => proxy.inc(k), window, dataset: window.document.body.dataset });
