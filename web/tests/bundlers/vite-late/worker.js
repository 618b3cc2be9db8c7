import { name } from './settings.js';
import coincide from 'coincide/worker';

const { proxy } = await coincide();
console.log(proxy.hello(name));
proxy.version = () => 42;
