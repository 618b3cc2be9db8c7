import coincident from '../node_modules/coincident/dist/worker.js';
import work from './work.js';

await work(coincident);
