import { resolve } from 'node:path';

export default {
  entry: './main.js',
  output: { path: resolve('dist') },
  devServer: {
    static: '.',
    headers: {
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    },
  },
};
