// Signals and controllers that cross the link.
import { linkOf, settles, until } from './link.kit.mjs';
import { skip } from './suite.mjs';

export default (register, { coincide: made, mark, worker, tier, gc, assert, equal, deepEqual }) => {
  const { callback } = mark;
  const blocks = tier !== 'messages';
  const { Worker } = made({ tier, promises: !blocks });
  const test = (name, body) => register(`${tier}: objects: ${name}`, body);
  const link = linkOf(test, Worker, worker);

  link('an aborted signal crosses with its reason, or with the text of one that cannot be sent', async (w, run) => {
    const f = callback(() => 7);
    const thrown = Object.assign(new RangeError('too far'), { on() {} });
    const reasons = [
      ['text', 'text', undefined],
      [undefined, 'signal is aborted without reason', 'AbortError'],
      [new RangeError('too far'), 'too far', 'RangeError'],
      [thrown, 'too far', 'AbortError'],
      [() => 1, '() => 1', 'AbortError'],
      [Symbol('local'), 'Symbol(local)', 'AbortError'],
      [{ message: 'an object', get x() { throw new Error('no'); } }, 'an object', 'AbortError'],
    ];
    const told = ({ reason }) => [typeof reason === 'string' ? reason : reason.message, reason.name];
    for (const [reason, text, name] of reasons) {
      const before = await run((_, told, signal) => (0, eval)(told)(signal), String(told), AbortSignal.abort(reason));
      const controller = new AbortController();
      const later = run((_, told, signal) => new Promise(resolve => signal.addEventListener('abort', () => resolve((0, eval)(told)(signal)))), String(told), controller.signal);
      await w.proxy.echo(1);
      controller.abort(reason);
      deepEqual([before, await later].map(([said, name]) => [reason === undefined ? text : said, name]), [[text, name], [text, name]]);
    }
    // Reading the reason throws.
    const odd = new AbortController();
    Object.defineProperty(odd.signal, 'reason', { get() { throw new RangeError('too far'); } });
    const late = run((_, told, signal) => new Promise(resolve => signal.addEventListener('abort', () => resolve((0, eval)(told)(signal)))), String(told), odd.signal);
    await w.proxy.echo(1);
    odd.abort();
    deepEqual(await late, ['too far', 'RangeError']);
    // Callbacks in reasons are sent.
    equal(await run(async (_, signal) => await signal.reason.f(), AbortSignal.abort({ f })), 7);
    const own = new AbortController();
    own.abort({ message: 'its own', signal: own.signal });
    deepEqual(await run((_, told, signal) => (0, eval)(told)(signal), String(told), own.signal), ['its own', 'AbortError']);
    // Two signals that are each other's reason, alone and within a third one.
    const [first, second, third] = [0, 1, 2].map(() => new AbortController());
    const names = (_, signal) => {
      const names = [];
      for (let next = signal; next; next = next.reason.signal) names.push(next.reason.name ?? next.reason.message);
      return names;
    };
    const aborted = new Promise(resolve => first.signal.addEventListener('abort', resolve));
    const later = run((_, names, signal) => new Promise(resolve => signal.addEventListener('abort', () => resolve((0, eval)(names)(_, signal)))), String(names), first.signal);
    await w.proxy.echo(1);
    second.abort({ message: 'second', signal: first.signal });
    first.abort({ message: 'first', signal: second.signal });
    await aborted;
    deepEqual(await later, ['first', 'AbortError']);
    for (const { signal } of [first, second]) deepEqual(await run(names, signal), ['AbortError']);
    third.abort({ message: 'third', signal: first.signal });
    deepEqual(await run(names, third.signal), ['AbortError']);
    // The cost of a long chain of reasons is at most quadratic.
    let chain;
    for (let i = 0; i < 40; i++) chain = AbortSignal.abort({ message: `${i}`, signal: chain });
    equal((await run(names, chain)).length, 40);
    // Objects that have to be posted are sent if the signal aborts later.
    const posting = new AbortController();
    const { port1, port2 } = new MessageChannel();
    const said = run((_, signal) => new Promise(resolve => signal.addEventListener('abort', () => resolve(signal.reason.name ?? signal.reason.constructor.name))), posting.signal);
    await w.proxy.echo(1);
    posting.abort(port1);
    assert(['MessagePort', 'AbortError'].includes(await said));
    equal(await run((_, signal) => signal.reason.name, posting.signal), 'AbortError');
    port2.close();
    await settles(w, w.handles().given, 0);
  });

  link('a signal in arguments or a result aborts at the other end', async (w, run) => {
    const controller = new AbortController();
    await run(({ kept }, signal, list) => {
      kept.signal = signal;
      kept.same = list[0] === signal;
      kept.reasons = [];
      signal.addEventListener('abort', () => kept.reasons.push(signal.reason));
    }, controller.signal, [controller.signal]);
    deepEqual(await run(({ kept }) => [kept.signal instanceof AbortSignal, kept.signal.aborted, kept.same]), [true, false, true]);
    assert(await run(({ kept }) => kept.signal) === controller.signal, 'it is another one at home');
    controller.abort(new RangeError('enough'));
    controller.abort('again');
    const [reasons, aborted] = await run(({ kept }) => [kept.reasons, kept.signal.aborted]);
    deepEqual([reasons.length, reasons[0].name, reasons[0].message, aborted], [1, 'RangeError', 'enough', true]);
    deepEqual(await run((_, signal) => [signal.aborted, signal.reason.message], controller.signal), [true, 'enough']);
    const odd = new AbortController();
    await run(({ kept }, signal) => void (kept.odd = signal), odd.signal);
    odd.abort(() => {});
    deepEqual(await run(({ kept }) => [kept.odd.aborted, kept.odd.reason.name]), [true, 'AbortError']);
    // In a result, of the worker.
    const theirs = await run(({ kept }) => (kept.controller = new AbortController()).signal);
    const fired = new Promise(resolve => theirs.addEventListener('abort', () => resolve(theirs.reason)));
    await run(({ kept }) => kept.controller.abort('of the worker'));
    equal(await fired, 'of the worker');
  });

  link('a controller aborts from both ends', async (w, run) => {
    const mine = new AbortController();
    await run(({ kept }, controller, signal) => {
      kept.mine = controller;
      kept.same = controller.signal === signal;
    }, mine, mine.signal);
    assert(await run(({ kept }) => kept.same), 'its signal is another one');
    equal(await run(({ kept }) => kept.mine), mine);
    const fired = new Promise(resolve => mine.signal.addEventListener('abort', () => resolve(mine.signal.reason)));
    await run(({ kept }) => kept.mine.abort('there'));
    equal(await fired, 'there');
    const other = new AbortController();
    await run(({ kept }, controller) => void (kept.other = controller), other);
    other.abort('here');
    deepEqual(await run(({ kept }) => [kept.other.signal.aborted, kept.other.signal.reason]), [true, 'here']);
    await run(({ kept }) => kept.other.abort('late'));
    equal(other.signal.reason, 'here');
  });

  link('signals end calls of main, and of the worker', async (w, run) => {
    const controller = new AbortController();
    w.proxy.never = () => new Promise(() => {});
    w.proxy.aborts = reason => controller.abort(reason);
    const ended = run(({ outcome, proxy, within }, signal) => outcome(() => within({ signal }).never()), controller.signal);
    setTimeout(() => controller.abort('enough'), 20);
    deepEqual((await ended).thrown, 'enough');
    deepEqual((await run(({ outcome, within }, signal) => outcome(() => within({ signal }).never()), controller.signal)).thrown, 'enough');
    // A signal of the worker that a callback aborts in the middle.
    w.proxy.calls = async f => (await f(), new Promise(() => {}));
    const own = await run(({ callback, outcome, within }) => {
      const controller = new AbortController();
      return outcome(() => within({ signal: controller.signal }).calls(callback(() => controller.abort('in the middle'))));
    });
    equal(own.thrown, 'in the middle');
    equal(await w.proxy.echo('works'), 'works');
    if (!blocks) return;
    const computing = new AbortController();
    const begun = new Promise(resolve => (w.proxy.begins = resolve));
    const looks = run(({ notify, check }, signal) => {
      notify('begins');
      while (!signal.aborted) check();
      return signal.reason;
    }, computing.signal);
    await begun;
    // The abort overtakes calls that are queued in the worker.
    const kept = w.proxy.echo('kept');
    computing.abort('while it computes');
    deepEqual([await looks, await kept], ['while it computes', 'kept']);
    const sleeping = new AbortController();
    const asleep = new Promise(resolve => (w.proxy.begins = resolve));
    const sleeps = run(({ notify, outcome, sleep }, signal) => {
      notify('begins');
      return outcome(() => sleep(600_000, { signal }));
    }, sleeping.signal);
    await asleep;
    sleeping.abort('while it sleeps');
    equal((await sleeps).thrown, 'while it sleeps');
    equal((await run(({ outcome, sleep }, signal) => outcome(() => sleep(600_000, { signal })), sleeping.signal)).thrown, 'while it sleeps');
  });

  link('a signal that is sent again before its abort is aborted when it arrives after it', async (w, run) => {
    const controller = new AbortController();
    await run(({ kept, proxy }, signal) => {
      kept.signal = signal;
      proxy.takes = again => [kept.signal.aborted, again.aborted, again.reason];
    }, controller.signal);
    const begun = new Promise(resolve => (w.proxy.begins = resolve));
    const looks = run(({ notify, check, kept }) => {
      notify('begins');
      const end = performance.now() + 5000;
      while (!kept.signal.aborted && performance.now() < end) check();
    });
    if (blocks) await begun;
    const taken = w.proxy.takes(controller.signal);
    controller.abort('enough');
    await looks;
    deepEqual(await taken, [true, true, 'enough']);
  });

  link('signals that were garbage-collected before they aborted are forgotten', async (w, run) => {
    if (!gc) return skip('garbage is not collected on demand here');
    for (let i = 0; i < 20; i++) await run((_, signal) => signal.aborted, new AbortController().signal);
    const aborted = new AbortController();
    await run(({ kept }, signal) => void (kept.signal = signal), aborted.signal);
    await until(() => (gc(), w.handles().given === 1));
    await until(async () => (await run(({ handles }) => handles().received)) === 1);
    aborted.abort();
    equal(await run(({ handles, kept }) => kept.signal.aborted && handles().received), 0);
  });

  test('signals are sent before the link is open, and remain usable after its end', async () => {
    const w = new Worker(worker('objects'));
    const [one, two, three] = Array.from({ length: 3 }, () => new AbortController());
    two.abort('before');
    const result = w.proxy.run(String(async (_, one, two) => {
      if (!one.aborted) await new Promise(resolve => one.addEventListener('abort', resolve));
      return [one.reason, two.reason];
    }), one.signal, two.signal);
    one.abort('early');
    deepEqual(await result, ['early', 'before']);
    await w.proxy.echo(three.signal);
    w.terminate();
    three.abort();
    deepEqual(w.handles(), { given: 0, received: 0 });
  });
};
