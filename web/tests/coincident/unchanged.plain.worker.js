import coincident from 'coincident/dist/worker';
import work from './work.js';

await work(coincident);
