import coincide from 'coincide/main';
import ProgramWorker from './worker.js?worker';

const worker = coincide().wrap(new ProgramWorker());
worker.proxy.hello = name => `Hello, ${name}`;
worker.proxy.version().then(version => console.log(version)); // 42
