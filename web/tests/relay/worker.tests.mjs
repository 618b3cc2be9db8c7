// The relay without a browser: delivery of packets, and sharing of its memory between clients.
import { readFileSync } from 'node:fs';
import vm from 'node:vm';

export default (test, { assert, deepEqual, equal }) => {
  const source = readFileSync(new URL('../../pkg/sw.js', import.meta.url), 'utf8');
  const MIB = 1 << 20;

  /** Starts the relay; its timers run only when `tick` is called. */
  const start = () => {
    const listeners = {};
    const timers = new Map();
    const queries = [];
    let now = 0;
    const scope = {
      location: new URL('https://site.example/sw.js'),
      addEventListener: (type, listener) => (listeners[type] = listener),
      setTimeout: (action, delay, ...given) => {
        timers.set(timers.size + 1, { at: now + delay, action, given });
        return timers.size;
      },
      clearTimeout: timer => timers.has(timer) && timers.set(timer, null),
      clients: { matchAll: async () => [{ postMessage: query => queries.push(query) }] },
    };
    vm.runInNewContext(source, { ...scope, ArrayBuffer, DataView, Uint8Array, Response, MessageChannel });
    const send = (client, method, header) => {
      let answer;
      const headers = new Headers(header === undefined ? {} : { coincide: header });
      listeners.fetch({
        clientId: client,
        request: { method, url: 'https://site.example/sw.js?coincide', headers },
        stopImmediatePropagation() {},
        respondWith: response => (answer = Promise.resolve(response)),
      });
      return answer;
    };
    return {
      queries,
      probe: () => send('page', 'GET'),
      poll: (client, token, { hold = 1000, ask = 0 } = {}) => send(client, 'POST', `${token} ${hold} ${ask} ${HEX}`),
      send(client, token, packet, port) {
        const ports = port ? [port] : [];
        listeners.message({ data: { coincide: token, packet }, source: client && { id: client }, ports, stopImmediatePropagation() {} });
      },
      tick(milliseconds) {
        now += milliseconds;
        for (const [timer, entry] of timers)
          if (entry && entry.at <= now) {
            timers.set(timer, null);
            entry.action(...entry.given);
          }
      },
    };
  };

  const packet = (length = 64, mark = 1) => {
    const bytes = new Uint8Array(length);
    bytes.set([99, 111, 105, 110, 1, 1, mark]);
    return bytes.buffer;
  };
  const HEX = Array.from(new Uint8Array(packet(32)), byte => byte.toString(16).padStart(2, '0')).join('');
  const token = (kind, number) => kind.repeat(16) + number.toString(16).padStart(16, '0');
  /** The status of an answer and the length of its body; undefined while it is held. */
  const settled = async answer => {
    const held = new Promise(resolve => setImmediate(resolve, undefined));
    const response = await Promise.race([answer, held]);
    return response && [response.status, (await response.arrayBuffer()).byteLength];
  };

  test('relay: answers a held or a later poll with packets that were posted as messages and over ports', async () => {
    const relay = start();
    const held = relay.poll('worker', token('a', 1));
    equal(await settled(held), undefined);
    relay.send('page', token('a', 1), packet(100));
    deepEqual(await settled(held), [200, 100]);
    const { port1, port2 } = new MessageChannel();
    relay.send('page', token('a', 1), packet(200), port2);
    port2.onmessage({ data: packet(300) });
    deepEqual(await settled(relay.poll('worker', token('a', 1))), [200, 500]);
    port1.close();
    const { status, headers } = await relay.probe();
    deepEqual([status, headers.get('coincide')], [204, '1']);
  });

  test('relay: drops packets without a poll after 10 s, and ends polls after their hold', async () => {
    const relay = start();
    relay.send('page', token('a', 1), packet());
    relay.tick(10_000);
    const held = relay.poll('worker', token('a', 1), { hold: 500 });
    equal(await settled(held), undefined);
    relay.tick(500);
    deepEqual(await settled(held), [200, 0]);
  });

  const FLOODS = {
    'packets of 1,100 links': relay => {
      for (let n = 0; n < 1100; n++) relay.send('hostile', token('f', n), packet());
    },
    'polls of 1,100 links': relay => {
      for (let n = 0; n < 1100; n++) relay.poll('hostile', token('f', n), { hold: 60_000 });
    },
    'packets and polls of 1,100 links each': relay => {
      for (let n = 0; n < 1100; n++) {
        relay.poll('hostile', token('f', n), { hold: 60_000 });
        relay.send('hostile', token('e', n), packet());
      }
    },
    '40 packets of 8 MiB': relay => {
      for (let n = 0; n < 40; n++) relay.send('hostile', token('f', n), packet(8 * MIB));
    },
    'packets over a port': relay => {
      const { port1, port2 } = new MessageChannel();
      for (let n = 0; n < 12; n++) {
        relay.send('hostile', token('f', n), packet(), port2);
        for (let m = 0; m < 7; m++) port2.onmessage({ data: packet(MIB) });
      }
      port1.close();
    },
    'packets and polls of clients without a name': relay => {
      for (let n = 0; n < 1100; n++) {
        relay.send(undefined, token('f', n), packet(MIB >> 4));
        relay.poll('', token('e', n), { hold: 60_000 });
      }
    },
    'packets of 100 clients': relay => {
      for (let n = 0; n < 1100; n++) relay.send(`hostile ${n % 100}`, token('f', n), packet(MIB >> 3));
    },
    'polls of 1,100 clients': relay => {
      for (let n = 0; n < 1100; n++) relay.poll(`hostile ${n}`, token('f', n), { hold: 60_000 });
    },
  };
  for (const [what, flood] of Object.entries(FLOODS))
    test(`relay: serves other pages during ${what}`, async () => {
      const relay = start();
      // Before the flood, during it and after it.
      const held = relay.poll('worker', token('a', 0), { hold: 60_000 });
      flood(relay);
      relay.send('page', token('a', 0), packet(100));
      const first = await settled(held);
      // If 1,100 others have a link each, the oldest link is dropped for the newest one, and its worker polls again.
      if (first[0] === 503) {
        equal(what, 'polls of 1,100 clients');
        deepEqual(await settled(relay.poll('worker', token('a', 0), { ask: 1 })), [200, 100]);
      } else deepEqual(first, [200, 100]);
      for (let n = 1; n <= 4; n++) {
        flood(relay);
        if (n % 2) {
          relay.send('page', token('a', n), packet(3 * MIB));
          deepEqual(await settled(relay.poll('worker', token('a', n))), [200, 3 * MIB]);
        } else {
          const held = relay.poll('worker', token('a', n));
          equal(await settled(held), undefined);
          relay.send('page', token('a', n), packet(3 * MIB));
          deepEqual(await settled(held), [200, 3 * MIB]);
        }
      }
    });

  test('relay: refuses polls of a client beyond its share until its earlier polls have ended', async () => {
    const relay = start();
    const polls = Array.from({ length: 1025 }, (_, n) => relay.poll('busy', token('b', n), { hold: 5000 }));
    deepEqual(await settled(polls.at(-1)), [503, 0]);
    equal((await polls.at(-1)).headers.get('coincide'), '1');
    equal(await settled(polls[0]), undefined);
    relay.tick(5000);
    deepEqual(await settled(polls[0]), [200, 0]);
    equal(await settled(relay.poll('busy', token('b', 2000))), undefined);
  });

  test('relay: keeps at most 64 MiB, and 8 MiB of one link', async () => {
    const relay = start();
    for (let n = 0; n < 300; n++) relay.send(`page ${n % 7}`, token('a', n % 40), packet(MIB + 1));
    let kept = 0;
    for (let n = 0; n < 40; n++) {
      const [status, length] = (await settled(relay.poll(`worker ${n}`, token('a', n), { hold: 1 }))) ?? [200, 0];
      equal(status, 200);
      assert(length <= 8 * MIB, `${length} bytes of one link`);
      kept += length;
    }
    assert(kept > 32 * MIB && kept <= 64 * MIB, `${kept} bytes`);
  });

  test('relay: answers a held poll with a packet when its memory is full', async () => {
    const relay = start();
    const held = relay.poll('hostile', token('a', 0), { hold: 60_000 });
    for (let n = 0; n < 40; n++) relay.send('hostile', token('f', n), packet(8 * MIB));
    relay.send('hostile', token('a', 0), packet(8 * MIB));
    deepEqual(await settled(held), [200, 8 * MIB]);
  });

  test('relay: drops links without a poll first, and the oldest of them first', async () => {
    const relay = start();
    const polls = Array.from({ length: 10 }, (_, n) => relay.poll('busy', token('b', n), { hold: 60_000 }));
    for (let n = 10; n < 1024; n++) relay.send('busy', token('b', n), packet(64));
    relay.send('page', token('a', 0), packet(100));
    for (const held of polls) equal(await settled(held), undefined);
    deepEqual(await settled(relay.poll('busy worker', token('b', 11))), [200, 64]);
    deepEqual(await settled(relay.poll('worker', token('a', 0))), [200, 100]);
    equal(await settled(relay.poll('busy worker', token('b', 10))), undefined);
  });

  test('relay: queries pages after 50 ms, or at once after a loss, with half of the token', async () => {
    const relay = start();
    relay.poll('worker', token('a', 1));
    await settled();
    equal(relay.queries.length, 0);
    relay.tick(50);
    await settled();
    relay.poll('worker', token('b', 1), { ask: 1 });
    relay.tick(0);
    await settled();
    deepEqual(relay.queries.map(({ coincide }) => coincide), ['a'.repeat(16), 'b'.repeat(16)]);
  });
};
