// The program on a page: with coincide in the shape of coincident, and with coincident itself.
import program from './program.js';

const WHOSE = [
  ['ours', '../../pkg-coincident'],
  ['upstream', '../node_modules/coincident/dist'],
];
const ENTRIES = { plain: 'main.js', window: 'window/main.js' };

/** What `coincident.tests.mjs` runs. Without isolation a worker cannot block, and coincident's `window` cannot be used. */
export const runs = isIsolated =>
  WHOSE.flatMap(([whose, folder]) =>
    (isIsolated ? ['plain', 'window'] : ['plain']).map(entry => ({
      name: `${whose}, ${entry}`,
      kind: isIsolated ? entry : 'unblocked',
      isUpstream: whose === 'upstream',
      run: async () => program((await import(`${folder}/${ENTRIES[entry]}`)).default, new URL(`${whose}.${entry}.worker.js`, import.meta.url)),
    })),
  );
