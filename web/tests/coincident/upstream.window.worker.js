import coincident from '../node_modules/coincident/dist/window/worker.js';
import work from './work.js';

await work(coincident);
