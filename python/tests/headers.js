// Test of the page to which a script adds headers. The script reloads the page once; this code runs in the page and reports the result.
const post = line => fetch('/report', { method: 'POST', body: line });
const name = 'python, shared-memory: page headers is isolated after one reload';
const wanted = /isolated: (True|true)/;
if (globalThis.crossOriginIsolated) {
  const end = performance.now() + 60_000;
  const check = async () => {
    const ok = wanted.test(document.body.textContent);
    if (!ok && performance.now() < end) return setTimeout(check, 50);
    await post(JSON.stringify({ name, ok, error: ok ? undefined : document.body.textContent }));
    await post('done');
  };
  check();
} else
  setTimeout(async () => {
    if (globalThis.crossOriginIsolated) return;
    await post(JSON.stringify({ name, ok: false, error: 'the page was not reloaded' }));
    await post('done');
  }, 20_000);
