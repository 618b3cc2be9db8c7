import coincide from 'coincide/worker';
import { initSync } from 'coincide/coincide.js';
import { serve } from '../chores.js';
import { exported } from '../payloads.js';

const { proxy } = await coincide();
Object.assign(proxy, exported);
serve(proxy, { wasm: () => initSync().memory.buffer.byteLength });
