import coincident from 'coincident/worker';
import { serve } from '../chores.js';
import { exported } from '../payloads.js';

const { proxy } = await coincident();
Object.assign(proxy, exported);
serve(proxy);
