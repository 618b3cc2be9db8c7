// The entry of a page: runs tags with Python, and starts workers from JavaScript.
import { ofPage, relayed } from './main.js';
import { watch } from './scripts.js';

export { CoincideError, PyWorker, workers } from './main.js';

await relayed(ofPage('service-worker'));
watch();
