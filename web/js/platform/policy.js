// Detects restrictions by a Content-Security-Policy.

/** Why wasm cannot run here, and what to do; undefined if it can. Instantiates an empty module, because WebKit refuses that and not compilation. */
export const whyNoWasm = () => {
  if (typeof WebAssembly !== 'object') return 'this browser has no WebAssembly, or it is disabled: coincide cannot work here';
  try {
    new WebAssembly.Instance(new WebAssembly.Module(EMPTY));
    return undefined;
  } catch {
    return "the Content-Security-Policy here forbids wasm: add `'wasm-unsafe-eval'` to its `script-src`. A page and the script of a worker each have their own policy";
  }
};

/** The smallest module: `\0asm`, version 1. */
const EMPTY = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** Addresses of workers that the page's policy has refused, newest last. */
const refused = [];
let isListening = false;

/** Records workers that the page's policy refuses, because their `error` events do not mention it. */
export const watchPolicy = () => {
  if (isListening || !globalThis.document) return;
  isListening = true;
  document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
    if (effectiveDirective !== 'worker-src') return;
    refused.push(blockedURI);
    if (refused.length > MOST) refused.shift();
  });
};

/** The address of a refused worker: `href` if it was refused, or the last one if `href` is undefined. */
export const refusedWorker = href => (href === undefined ? refused.at(-1) : refused.find(uri => uri === href || (uri && href.startsWith(`${uri}:`))));

const MOST = 20;
