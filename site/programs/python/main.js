import { PyWorker } from './python.js';

const worker = PyWorker(new URL('./program.py', import.meta.url), { type: 'pyodide' });

// The event of this page's Stop button.
addEventListener('stop', event => {
  event.preventDefault();
  worker.interrupt();
});

console.log('Pyodide is loading');
await worker.ready;
console.log(await worker.sync.square(12));
