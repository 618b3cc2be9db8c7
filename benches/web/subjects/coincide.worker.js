import coincide from 'coincide/worker';
import { serve } from '../chores.js';
import { memoryLength } from '../instances.js';
import { exported } from '../payloads.js';

const { proxy } = await coincide();
Object.assign(proxy, exported);
serve(proxy, { wasm: memoryLength });
