import coincident from '../../pkg-coincident/worker.js';
import work from './work.js';

await work(coincident);
