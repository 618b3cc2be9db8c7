// Starts Chromium with a page that can stop service workers, as browsers do at any time: `node drive.mjs PROGRAM ARGUMENTS... ADDRESS`. The page has
// a function `stopServiceWorkers(text)`, which ignores its argument, and a list `consoleErrors` of errors on the consoles of the page and its workers.
// The protocol of Chromium is used directly, over two pipes.
import { spawn } from 'node:child_process';

const [program, ...rest] = process.argv.slice(2);
const address = rest.pop();
const browser = spawn(program, [...rest, '--remote-debugging-pipe', 'about:blank'], {
  stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'pipe'],
});
browser.on('error', error => fail(`${program} cannot be started: ${error.message}`));
browser.on('exit', code => process.exit(code ?? 1));
const [, , , commands, events] = browser.stdio;

const fail = why => {
  console.error(why);
  browser.kill();
  process.exit(1);
};

const waiting = new Map();
const send = (method, params = {}, sessionId = undefined) =>
  new Promise(resolve => {
    const id = waiting.size + 1;
    waiting.set(id, { resolve, sessionId });
    commands.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
  });

const receive = ({ id, result, error, method, params, sessionId }) => {
  // A worker may end before the command arrives; the answer then names no session.
  if (error && !workers.has(waiting.get(id)?.sessionId)) fail(`Chromium refuses: ${error.message}`);
  else if (id !== undefined) waiting.get(id).resolve(result);
  else if (method === 'Runtime.bindingCalled') send('ServiceWorker.stopAllWorkers', {}, sessionId);
  else if (method === 'Target.attachedToTarget') {
    workers.add(params.sessionId);
    send('Log.enable', {}, params.sessionId);
  } else if (method === 'Log.entryAdded' && params.entry.level === 'error') {
    const { source, text, url = '' } = params.entry;
    const line = JSON.stringify(`${source}: ${text} ${url}`);
    send('Runtime.evaluate', { expression: `globalThis.consoleErrors?.push(${line})` }, page);
  }
};

/** The sessions of the page's workers, and that of the page. */
const workers = new Set();
let page;

let unread = '';
events.setEncoding('utf8');
events.on('data', text => {
  const messages = (unread + text).split('\0');
  unread = messages.pop();
  for (const message of messages) receive(JSON.parse(message));
});

const { targetInfos } = await send('Target.getTargets');
const { targetId } = targetInfos.find(({ type }) => type === 'page');
const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
page = sessionId;
await send('Runtime.enable', {}, sessionId);
await send('Runtime.addBinding', { name: 'stopServiceWorkers' }, sessionId);
await send('ServiceWorker.enable', {}, sessionId);
await send('Page.enable', {}, sessionId);
await send('Page.addScriptToEvaluateOnNewDocument', { source: 'if (globalThis === top) globalThis.consoleErrors = []' }, sessionId);
await send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: true }, sessionId);
await send('Log.enable', {}, sessionId);
await send('Page.navigate', { url: address }, sessionId);
