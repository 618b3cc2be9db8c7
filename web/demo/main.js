import coincide from '../pkg/main.js';

const $ = id => document.getElementById(id);
const reports = location.search.includes('report');
const post = line => (reports ? fetch('/report', { method: 'POST', body: line }) : undefined);

const say = async line => {
  console.log(line);
  const item = document.createElement('li');
  const time = document.createElement('time');
  time.textContent = `${performance.now().toFixed(0)} ms`;
  item.append(time, line);
  $('console').append(item);
  await post(line);
};

// For pages that are not isolated; others do not use it.
const { wrap, diagnose } = coincide({ serviceWorker: './sw.js' });
const { canBlock, reasons } = diagnose();

const run = async () => {
  if (!canBlock) return say(`Workers cannot block here: ${reasons.join('; ')}`);
  let queue = Promise.resolve();
  const log = line => (queue = queue.then(() => say(line)));

  const worker = wrap(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
  worker.proxy.hello = name => `Hello, ${name}`;
  worker.proxy.log = log;
  worker.proxy.inc = n => n + 1;

  // The worker reports while it starts. Only then main reports that it waits, so the lines are always in the same order.
  const bootstrapped = new Promise(resolve => {
    worker.proxy.log = line => {
      if (line === 'worker bootstrapped') log('before ready').then(() => log(line)).then(resolve);
      else log(line);
    };
  });
  await worker.ready;
  await bootstrapped;
  await log('after ready');
  const answer = await worker.proxy.version();
  $('answer').textContent = answer;
  await log(String(answer));
  await log(`tier: ${worker.tier}`);

  const rates = [];
  for (let i = 0; i < (reports ? 6 : Infinity); i++) {
    const start = performance.now();
    const calls = await worker.proxy.chat(250);
    const rate = calls / ((performance.now() - start) / 1000);
    rates.push(rate);
    draw(rates.slice(-80));
  }
  rates.sort((a, b) => a - b);
  await log(`${Math.round(rates[rates.length >> 1]).toLocaleString('en')} round trips per second`);
  worker.terminate();
};

/** A line of the rates, the newest at the right. */
const draw = rates => {
  const most = Math.max(...rates);
  const points = rates.map((rate, i) => `${600 - (rates.length - 1 - i) * 7.5},${118 - (rate / most) * 105}`);
  $('line').setAttribute('points', points.join(' '));
  const rate = rates[rates.length - 1];
  $('rate').textContent = Math.round(rate).toLocaleString('en');
  $('each').textContent = `${(1e6 / rate).toFixed(1)} µs each`;
};

run()
  .catch(error => say(`failed: ${error.stack ?? error}`))
  .finally(() => post('done'));
