import coincide from 'coincide/window/worker';
import { serve } from '../chores.js';

const { proxy, window, ffi } = await coincide();
serve({ inc: k => proxy.inc(k), window, dataset: window.document.body.dataset, together: body => ffi.batch(body) });
