// Fetches main's wasm from the folder of this file. The self-contained build replaces this module.
import { clause } from './errors.js';

let provided;

/** Replaces fetching: `source` then returns the result of this function. */
export const provide = source => (provided = source);

/** The compiled module, or a promise of it. */
export const source = () => (provided ? provided() : fetched(new URL('./coincide_bg.wasm', import.meta.url)));

const fetched = async ({ href }) => {
  let response;
  try {
    response = await fetch(href);
  } catch (error) {
    throw missing(`${href} cannot be fetched: ${clause(error.message)}; \`connect-src\` of the page's Content-Security-Policy may forbid it, or the server does not allow this origin`);
  }
  if (!response.ok) throw missing(`${href} was answered with status ${response.status}`);
  const type = response.headers.get('content-type') ?? '';
  if (/^application\/wasm\b/i.test(type)) return WebAssembly.compileStreaming(response);
  // Some servers send another type, and some answer with a page.
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (MAGIC.some((byte, at) => bytes[at] !== byte)) throw missing(`${href} was answered with content of the type \`${type}\`, which is not wasm`);
  return WebAssembly.compile(bytes);
};

const missing = why => new Error(`${why}. Put \`coincide_bg.wasm\` of the package there, or import \`coincide/inline/main\` (with \`window\`: \`coincide/inline/window/main\`), which contains it`);

/** The first bytes of wasm: `\0asm`. */
const MAGIC = [0, 97, 115, 109];
