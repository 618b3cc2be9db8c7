import { expose, wrap } from 'comlink';
import { serve } from '../chores.js';
import { exported } from '../payloads.js';

expose(exported);
serve(undefined, { promised: wrap(globalThis) });
