// Deno and Bun run the tests for Node.js. This lists the tests that each of them skips, with the reason.
export const runtime = globalThis.process ? (['deno', 'bun'].find(name => process.versions[name]) ?? 'node') : 'browser';

/** Why a test is skipped in this runtime; undefined if it runs. */
export const lack = name => LACKS[runtime]?.find(([tests]) => tests.test(name))?.[1];

const LACKS = {
  deno: [
    [/posted: a (canvas|bitmap|rectangle|matrix):|transfer accepts each movable object|structuredClone does: an image/, 'Deno has these classes but cannot send their objects'],
    [/docs: each kind of value/, 'Deno has classes whose objects it cannot send'],
    [/posted: a key of Node.js:/, 'Deno cannot send keys of Node.js'],
    [/messages posted right after|`postMessage|postMessage works when|messages of the program|adds its listener late|does not announce itself/, 'Deno drops messages to a thread without a listener'],
    [/a message that cannot be posted|early: unsendable values/, '`postMessage` of Deno throws other errors'],
    [/without pending calls ends/, 'an error of a thread does not end the process in Deno'],
    [/was terminated before `wrap`/, 'Deno does not report that a thread has already exited'],
    [/throws something other than an error/, 'Deno turns a thrown value into an error'],
    [/throws before it imports coincide/, 'Deno copies errors without their stack'],
  ],
  bun: [
    [/posted: a (readable|writable|transform) stream:|docs: each kind of value/, 'Bun cannot send streams'],
    [/the stack of an error has the frames of/, 'Bun turns calls into tail calls, which have no frame'],
    [/values: blobs and files|codec: encodes and decodes blobs and files/, 'Bun adds a charset to the type of a blob'],
    [/the vectors are written|line, column and file of an error/, 'errors of Bun have further properties for their position'],
    [/an object of the platform without toJSON/, 'objects of the platform have own properties in Bun'],
    [/is unparsable/, 'the error of Bun does not name the cause'],
    [/window: (`?evaluate|`batch` throws the error|metadata is not sent|each way out of a small root)/, 'Bun deviates from the specification of the language'],
  ],
};
