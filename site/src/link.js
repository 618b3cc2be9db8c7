// A program in the fragment of an address.

/** The program as a fragment: `#code=...`. */
export const fragmentOf = async program => `#code=${toText(await through(new CompressionStream('deflate-raw'), new TextEncoder().encode(JSON.stringify(program))))}`;

/** The program of a fragment; `undefined` if the fragment has no valid one. */
export const programOf = async fragment => {
  const [, text] = /^#code=([\w-]+)$/.exec(fragment) ?? [];
  if (!text) return undefined;
  try {
    const program = JSON.parse(new TextDecoder().decode(await through(new DecompressionStream('deflate-raw'), toBytes(text))));
    return [program.main, program.worker].every(part => typeof part === 'string') && /^\w+\.(js|py|lua)$/.test(program.file) ? program : undefined;
  } catch {
    return undefined;
  }
};

const through = async (stream, bytes) => new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
const toText = bytes => btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join('')).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const toBytes = text => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), character => character.charCodeAt(0));
