// Errors of functions, and of values that cannot be sent.
import { linkKit } from './link.kit.mjs';

export default (register, { coincide: made, worker, tier, assert, equal, deepEqual, rejects, throws }) => {
  const { blocks, coincide, test, using, link } = linkKit(register, { coincide: made, worker, tier });

  link('errors of main keep class, message, stack, cause and properties', async w => {
    w.proxy.bad = () => {
      throw Object.assign(new RangeError('too far', { cause: new TypeError('why') }), { code: 7 });
    };
    const result = await w.proxy.call('bad');
    deepEqual([result.class, result.message, result.code], ['RangeError', 'too far', 7]);
    equal(result.thrown.cause.constructor.name, 'TypeError');
    assert(result.stack.includes('link.errors.tests'), result.stack);
  });

  link('errors of the worker keep class and message', async w => {
    const error = await rejects(() => w.proxy.fails('RangeError', 'too far'), RangeError);
    equal(error.message, 'too far');
    assert(error.stack.includes('all.js'), error.stack);
    equal(await rejects(() => w.proxy.fails(null, 'text')), 'text');
    equal(await rejects(() => w.proxy.fails(null, null)), null);
  });

  link('any thrown or rejected value is thrown in the worker', async w => {
    for (const value of ['text', { a: 1 }, null, undefined, 0]) {
      w.proxy.throws = () => {
        throw value;
      };
      w.proxy.rejects = () => Promise.reject(value);
      for (const name of ['throws', 'rejects']) {
        const result = await w.proxy.call(name);
        assert('thrown' in result, name);
        deepEqual(result.thrown, value);
      }
    }
  });

  link('an error that main returns is thrown in the worker, one that the worker returns is a value', async w => {
    w.proxy.gives = () => new RangeError('given');
    equal((await w.proxy.call('gives')).class, 'RangeError');
    const error = await w.proxy.echo(new RangeError('given'));
    assert(error instanceof RangeError && error.message === 'given');
  });

  link('calling an unknown function throws a TypeError that names it', async w => {
    const result = await w.proxy.call('missing');
    equal(result.class, 'TypeError');
    assert(result.message.includes('missing'), result.message);
    const error = await rejects(() => w.proxy.missing(), TypeError);
    assert(error.message.includes('missing'), error.message);
    equal(await w.proxy.echo(1), 1);
  });

  link('arguments that cannot be sent throw with their path before anything is sent', async w => {
    let reached = 0;
    w.proxy.f = () => reached++;
    const result = await w.proxy.unsent('f');
    equal(result.name, 'DataCloneError');
    assert(result.message.includes('args[0].deep[1]'), result.message);
    const error = throws(() => w.proxy.echo({ a: { b: () => {} } }));
    equal(error.name, 'DataCloneError');
    assert(error.message.includes('args[0].a.b'), error.message);
    throws(() => w.proxy.echo(Symbol('local')));
    equal(reached, 0);
    equal(await w.proxy.echo(1), 1);
  });

  link('functions inside results are omitted, or refused under `strict`', async w => {
    w.proxy.f = () => ({ v: 1, f() {} });
    deepEqual((await w.proxy.call('f')).value, { v: 1, f: undefined });
    const strict = coincide({ strict: true });
    await using(
      async w => {
        w.proxy.f = () => ({ v: 1, f() {} });
        const result = await w.proxy.call('f');
        equal(result.name, 'DataCloneError');
        assert(result.message.includes('.f'), result.message);
      },
      { Class: strict.Worker },
    );
  });

  if (!blocks)
    test('the error of a worker that cannot block names the reason and the remedy', async () => {
      const plain = made({ tier });
      await using(
        async w => {
          w.proxy.hello = () => 'hello';
          const { code, message } = await w.proxy.call('hello');
          equal(code, 'CannotBlock');
          for (const part of ['hello', 'cannot block', 'within({ promise: true })', 'promises: true'])
            assert(message.includes(part), `${part} is not in ${message}`);
          deepEqual(await w.proxy.awaits({}, 'hello'), { value: 'hello' });
          equal(await w.proxy.add(1, 2), 3);
        },
        { Class: plain.Worker },
      );
    });
};
