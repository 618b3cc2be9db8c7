import { syncBuiltinESMExports } from 'node:module';
import threads, { parentPort, workerData } from 'node:worker_threads';
import { start } from './starts.js';

/** Number of channels that coincide has created. */
let channels = 0;
const { MessageChannel } = threads;
threads.MessageChannel = function () {
  channels++;
  return new MessageChannel();
};
syncBuiltinESMExports();

const host = {
  addEventListener: (...args) => parentPort.addEventListener(...args),
  postMessage: message => parentPort.postMessage(message),
  channels: () => channels,
};
start(workerData, host, entry => import(`../../pkg/${entry}.node.js`));
