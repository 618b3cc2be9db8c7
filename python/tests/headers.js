// The page whose headers a script adds. It is reloaded, once, and says so here from within.
const post = line => fetch('/report', { method: 'POST', body: line });
const name = 'python, shared-memory: page headers';
const wanted = /isolated: (True|true)/;
if (globalThis.crossOriginIsolated) {
  const end = performance.now() + 60_000;
  const look = async () => {
    const ok = wanted.test(document.body.textContent);
    if (!ok && performance.now() < end) return setTimeout(look, 50);
    await post(JSON.stringify({ name, ok, error: ok ? undefined : document.body.textContent }));
    await post('done');
  };
  look();
} else
  setTimeout(async () => {
    if (globalThis.crossOriginIsolated) return;
    await post(JSON.stringify({ name, ok: false, error: 'the page was not reloaded' }));
    await post('done');
  }, 20_000);
