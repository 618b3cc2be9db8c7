// Streams, on any platform: what has to compile, and what must not.
import coincide, { pool, stream, type Stream } from 'coincide/main';
import coincideWorker from 'coincide/worker';
import type { Exports, Functions } from './interface.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => {};

export const main = async () => {
  const worker = new (coincide<Exports, Functions>().Worker)('./worker.js');
  const { proxy } = worker;
  let sum = 0;
  for await (const row of proxy.rows(1)) {
    same<typeof row, { id: number }>(true);
    sum += row.id;
  }
  const rows: Stream<{ id: number }> = await worker.within({ rows: 256 }).rows(1);
  const { done, value } = await rows.next();
  if (!done) sum += value.id;
  await rows.return();
  for await (const text of proxy.list()) text.toUpperCase();
  for await (const text of await proxy.list()) text.toUpperCase();
  // Another call gives an ordinary promise.
  const version = proxy.version();
  same<typeof version, Promise<number>>(true);
  const total: number = await proxy.total(stream([1, 2]));
  proxy.total((function* () {
    yield 1;
  })());
  proxy.total((async function* () {
    yield 1;
  })());
  proxy.records = async function* () {
    yield 'one';
  };
  proxy.records = () => stream(new Set(['one']));
  for await (const row of pool(2, () => worker).proxy.rows(1)) sum += row.id;
  const list = stream([1]);
  list.push(2);
  // @ts-expect-error: rows are objects.
  for await (const row of proxy.rows(1)) row.toUpperCase();
  // @ts-expect-error: the result of this call is a number.
  for await (const row of proxy.version()) sum++;
  // @ts-expect-error: an array that is not marked is copied.
  proxy.total([1, 2]);
  // @ts-expect-error: the rows are numbers.
  proxy.total(stream(['1']));
  // @ts-expect-error: the rows are text.
  proxy.records = function* () {
    yield 1;
  };
  // @ts-expect-error: main's streams do not block.
  for (const row of await proxy.rows(1)) sum++;
  // @ts-expect-error: a number is no iterable.
  stream(1);
  // @ts-expect-error: a number of rows.
  worker.within({ rows: '16' });
  return [sum, total];
};

export const worker = async () => {
  const { proxy, within } = await coincideWorker<Exports, Functions>();
  proxy.rows = async function* (from) {
    yield { id: from };
  };
  proxy.rows = function* (from: number) {
    yield { id: from };
  };
  proxy.list = async () => stream(['a']);
  proxy.total = numbers => {
    let total = 0;
    for (const number of numbers) total += number;
    return total;
  };
  const records: string[] = [...proxy.records()];
  for (const record of within({ rows: 100 }).records()) records.push(record);
  for await (const record of within({ promise: true }).records()) records.push(record);
  for await (const record of within({ promise: true }, proxy.records())) records.push(record.toUpperCase());
  // @ts-expect-error: rows have ids.
  proxy.rows = async function* () {
    yield { name: 'x' };
  };
  // @ts-expect-error: records are text.
  for (const record of proxy.records()) record.id;
  return records;
};

/** Where calls may block or not, `for await` takes either. */
export const either = async () => {
  const { proxy } = await coincideWorker<Exports, Functions>({ promises: true });
  const records: string[] = [];
  for await (const record of await proxy.records()) records.push(record);
  return records;
};

/** Without interfaces, everything goes. */
export const untyped = async () => {
  const { proxy } = new (coincide().Worker)('./worker.js');
  for await (const row of proxy.rows()) row.anything;
  proxy.list = () => stream([1]);
};
