// Runs another worker script as in a browser without `Atomics.waitAsync`, where ends wake each other by messages, and without JavaScript Promise Integration.
delete Atomics.waitAsync;
delete WebAssembly.Suspending;
delete WebAssembly.promising;
const early = [];
const keep = event => early.push(event.data);
addEventListener('message', keep);
// WebKit reports no error of a module that awaits.
await import(new URL(`../${location.search.slice(1)}`, import.meta.url)).catch(reportError);
removeEventListener('message', keep);
for (const data of early) dispatchEvent(new MessageEvent('message', { data }));
