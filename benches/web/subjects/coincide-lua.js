import coincide from 'coincide/main';
import { connect, scriptOf } from '../link.js';
import { functions } from '../payloads.js';

const { Worker } = coincide();

export default {
  name: 'coincide lua',
  kind: 'coincide',
  about: 'as `coincide`, from a program in Lua that wasmoon runs in the worker',
  rows: ['inc', 'input', 'start'],
  open() {
    const worker = new Worker(scriptOf('coincide-lua'));
    Object.assign(worker.proxy, functions);
    return connect(worker);
  },
};
