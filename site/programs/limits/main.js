import coincide from 'coincide/main';

const worker = coincide().wrap(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
await worker.ready;

try {
  await worker.within({ timeout: 200 }).count();
} catch (error) {
  console.log(error.name);
}

setTimeout(() => worker.interrupt(), 200);
try {
  await worker.proxy.count();
} catch (error) {
  console.log(error.code);
}

console.log(await worker.proxy.add(1, 2));
