// A bundler puts this module and coincide into one file, so that coincide runs after the pause.
await new Promise(resolve => setTimeout(resolve, 300));

export const name = 'worker';
