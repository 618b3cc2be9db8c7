import 'coincide/worker';
