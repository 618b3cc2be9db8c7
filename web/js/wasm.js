// Where main finds its wasm: fetched from beside this file. The self-contained build replaces this module.
import { clause } from './errors.js';

let provided;

/** Has `source` return what the function returns, instead of fetching the file. */
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
  // Some servers do not know the type, and some answer with a page of theirs.
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (MAGIC.some((byte, at) => bytes[at] !== byte)) throw missing(`${href} was answered with something else, of the type \`${type}\``);
  return WebAssembly.compile(bytes);
};

const missing = why => new Error(`${why}. Put \`coincide_bg.wasm\` of the package there, or import \`coincide/inline/main\` (with \`window\`: \`coincide/inline/window/main\`), which contains it`);

/** What wasm begins with: `\0asm`. */
const MAGIC = [0, 97, 115, 109];
