import coincident from 'coincident/worker';
import { serve } from './worker.js';

const { proxy } = await coincident();
serve(proxy, { blocks: true });
