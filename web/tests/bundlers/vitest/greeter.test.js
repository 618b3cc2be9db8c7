import { afterAll, expect, test } from 'vitest';
import { start } from './greeter.js';

const worker = start();
afterAll(() => worker.terminate());

test('main awaits the worker', async () => {
  expect(await worker.proxy.version()).toBe(42);
});
