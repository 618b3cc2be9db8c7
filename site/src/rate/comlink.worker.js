import { wrap } from 'comlink';
import { serve } from './worker.js';

serve(wrap(globalThis), { blocks: false });
