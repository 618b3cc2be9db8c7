import { expose, proxy, wrap } from 'comlink';
import { serve } from '../chores.js';
import { exported } from '../payloads.js';

// It has no streams: main calls `next` of a generator that stays in the worker.
expose({ ...exported, rows: () => proxy(exported.rows()) });
serve(undefined, { promised: wrap(globalThis) });
