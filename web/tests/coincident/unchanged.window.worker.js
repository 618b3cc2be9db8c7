import coincident from 'coincident/window/worker';
import work from './work.js';

await work(coincident);
