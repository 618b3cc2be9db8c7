// A page that is left alone: what browser and machine paint when no worker calls.

export default {
  name: 'idle',
  kind: 'bound',
  about: 'no worker calls at all',
  rows: ['flood'],
  open: () => ({
    started: Promise.resolve(),
    ask: (_, { milliseconds }) => new Promise(resolve => setTimeout(() => resolve(0), milliseconds)),
    close() {},
  }),
};
