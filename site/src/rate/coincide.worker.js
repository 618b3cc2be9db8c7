import coincide from 'coincide/worker';
import { serve } from './worker.js';

const { proxy, sync, within } = await coincide();
serve(sync ? proxy : within({ promise: true }), { blocks: sync });
