import coincide from 'coincide/worker';
import { serve } from '../chores.js';
import { exported } from '../payloads.js';

const { proxy } = await coincide({ promises: true });
Object.assign(proxy, exported);
serve(undefined, { promised: proxy });
