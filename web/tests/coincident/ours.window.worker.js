import coincident from '../../pkg-coincident/window/worker.js';
import work from './work.js';

await work(coincident);
