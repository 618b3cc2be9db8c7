import coincide from '../../pkg/worker.js';
const { fail } = await coincide({ ready: 'manual' });
fail(new Error('there is no runtime'));
