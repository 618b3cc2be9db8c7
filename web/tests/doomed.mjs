// A main whose wasm memory is overwritten, in a thread or a frame of its own.

import { wasmMemory } from './instances.mjs';

export const doom = async ({ coincide, worker, way }) => {
  const { Worker } = coincide();
  const [blocked, idle] = [new Worker(worker), new Worker(worker)];
  await Promise.all([blocked.ready, idle.ready]);
  const errors = [];
  const seen = call =>
    (async () => call())().then(
      value => `gave ${String(value)}`,
      error => {
        errors.push(error);
        return `${error?.constructor?.name} ${error?.code}`;
      },
    );
  const channel = `doomed ${Math.random()}`;
  await idle.proxy.beats(channel);
  let isBlocked;
  const blocking = new Promise(resolve => (isBlocked = resolve));
  blocked.proxy.hang = () => {
    isBlocked();
    return new Promise(() => {});
  };
  const pending = [
    seen(() => blocked.proxy.call('hang')),
    seen(() => idle.proxy.never()),
    seen(() => idle.within({ timeout: 60_000 }).never()),
    seen(() => idle.within({ signal: new AbortController().signal }).never()),
    seen(() => new Worker(worker).ready),
  ];
  await blocking;
  if (way === 'event') {
    idle.proxy.wakes = () => {};
    idle.notify('call', 'wakes');
  }
  new Uint8Array(wasmMemory().buffer).fill(0xff);
  pending.push(way === 'call' ? seen(() => idle.proxy.echo(1)) : pending[0]);
  const found = await Promise.all(pending);
  const later = await Promise.all([seen(() => idle.proxy.echo(1)), seen(() => new Worker(worker).ready)]);
  // A worker beats every 20 ms until it has ended, which takes a moment.
  let beats;
  const heard = new BroadcastChannel(channel);
  heard.onmessage = () => beats++;
  for (let attempts = 0; beats !== 0 && attempts < 50; attempts++) {
    beats = 0;
    await new Promise(resolve => setTimeout(resolve, 200));
  }
  heard.close();
  return { pending: found, later, beats, agree: errors.every(({ message }) => message.includes('coincide itself has failed in this thread')), message: errors[0]?.message };
};
