// The worker of the tests of posted objects. Both ends make objects and use what has arrived.

const text = value => (value instanceof MessagePort ? 'MessagePort' : `${Object.prototype.toString.call(value).slice(8, -1)}`);
const node = typeof process === 'object' && Boolean(process.versions?.node);

/** What arrives first on a port. */
const heard = port =>
  new Promise(resolve => {
    port.onmessage = ({ data }) => {
      port.close();
      resolve(data);
    };
  });

const read = async stream => {
  const chunks = [];
  for (const reader = stream.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return chunks.join(' ');
    chunks.push(value);
  }
};

/** Whether the platform moves streams between threads, which WebKit 2.50 does not. */
export const movesStreams = (() => {
  const stream = new ReadableStream();
  try {
    structuredClone(stream, { transfer: [stream] });
    return true;
  } catch {
    return false;
  }
})();

const wasm = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

/**
 * By name: `make` returns the object, or `[object, rest]` where the sender keeps something, and nothing where the platform lacks it. `use` runs at the other
 * end, and the sender gets what it returns; `check` runs at the sender afterwards. `moves`: the object can only be moved. `pumps`: it needs the event
 * loop of both ends.
 */
export const objects = {
  'shared memory': {
    make: () => typeof SharedArrayBuffer === 'function' && new SharedArrayBuffer(8),
    use: value => void (new Uint8Array(value)[1] = 7),
    check: value => new Uint8Array(value)[1] === 7,
  },
  'a view of shared memory': {
    make: () => typeof SharedArrayBuffer === 'function' && new Uint16Array(new SharedArrayBuffer(8), 2, 2),
    use: value => ((value[1] = 7), [value.byteOffset, value.length]),
    check: (value, used) => value[1] === 7 && `${used}` === '2,2',
  },
  'a port': {
    make() {
      const { port1, port2 } = new MessageChannel();
      return [port2, heard(port1)];
    },
    moves: true,
    use: value => {
      value.postMessage('from there');
      setTimeout(() => value.close(), 100);
    },
    check: async (_, __, message) => (await message) === 'from there',
  },
  'a readable stream': {
    make: () => movesStreams && new ReadableStream({ start(controller) { controller.enqueue('a'); controller.enqueue('b'); controller.close(); } }),
    moves: true,
    pumps: true,
    use: read,
    check: (_, used) => used === 'a b',
  },
  'a writable stream': {
    make() {
      if (!movesStreams) return undefined;
      const chunks = [];
      let stream;
      const written = new Promise(close => (stream = new WritableStream({ write: chunk => void chunks.push(chunk), close: () => close(chunks) })));
      return [stream, written];
    },
    moves: true,
    pumps: true,
    async use(value) {
      const writer = value.getWriter();
      await writer.write('a');
      await writer.close();
    },
    check: async (_, __, written) => `${await written}` === 'a',
  },
  'a transform stream': {
    make: () => movesStreams && new TransformStream({ transform: (chunk, controller) => controller.enqueue(`${chunk}!`) }),
    moves: true,
    pumps: true,
    async use(value) {
      const writer = value.writable.getWriter();
      const reading = read(value.readable);
      await writer.write('a');
      await writer.close();
      return reading;
    },
    check: (_, used) => used === 'a!',
  },
  'a canvas': {
    make: () => typeof OffscreenCanvas === 'function' && new OffscreenCanvas(3, 2),
    moves: true,
    use: value => `${value.width} ${value.height} ${text(value)}`,
    check: (_, used) => used === '3 2 OffscreenCanvas',
  },
  'a bitmap': {
    make: () => typeof createImageBitmap === 'function' && createImageBitmap(new ImageData(3, 2)),
    use: value => `${value.width} ${value.height} ${text(value)}`,
    check: (value, used) => used === '3 2 ImageBitmap' && value.width === 3,
  },
  'a key': {
    make: () => globalThis.crypto?.subtle?.generateKey({ name: 'AES-GCM', length: 128 }, false, ['encrypt']),
    use: value => `${value.type} ${value.algorithm.name} ${text(value)}`,
    check: (_, used) => used === 'secret AES-GCM CryptoKey',
  },
  'a module': {
    make: () => new WebAssembly.Module(wasm),
    use: value => new WebAssembly.Instance(value).exports !== undefined && text(value),
    check: (_, used) => used === 'WebAssembly.Module',
  },
  'a rectangle': {
    make: () => typeof DOMRect === 'function' && new DOMRect(1, 2, 3, 4),
    use: value => value instanceof DOMRect && `${value.x} ${value.right}`,
    check: (_, used) => used === '1 4',
  },
  'a matrix': {
    make: () => typeof DOMMatrix === 'function' && new DOMMatrix([1, 2, 3, 4, 5, 6]),
    use: value => value instanceof DOMMatrix && value.f,
    check: (_, used) => used === 6,
  },
  'a list of files': {
    make: () => globalThis.document && Object.assign(document.createElement('input'), { type: 'file' }).files,
    use: value => `${text(value)} ${value.length}`,
    check: (_, used) => used === 'FileList 0',
  },
  'a handle of the file system': {
    make: async () => globalThis.navigator?.storage?.getDirectory?.().catch(() => undefined),
    use: value => value.kind,
    check: (_, used) => used === 'directory',
  },
  'a video frame': {
    make: () => typeof VideoFrame === 'function' && new VideoFrame(new Uint8Array(16), { format: 'RGBA', codedWidth: 2, codedHeight: 2, timestamp: 0 }),
    use(value) {
      const used = `${value.codedWidth} ${text(value)}`;
      value.close();
      return used;
    },
    check(value, used) {
      const isOpen = value.codedWidth === 2;
      value.close();
      return isOpen && used === '2 VideoFrame';
    },
  },
  'sound': {
    make: () =>
      typeof AudioData === 'function' &&
      new AudioData({ format: 'f32', sampleRate: 8000, numberOfFrames: 2, numberOfChannels: 1, timestamp: 0, data: new Float32Array(2) }),
    use(value) {
      const used = `${value.numberOfFrames} ${text(value)}`;
      value.close();
      return used;
    },
    check(value, used) {
      value.close();
      return used === '2 AudioData';
    },
  },
  'a key of Node.js': {
    make: async () => node && (await import('node:crypto')).createSecretKey(new Uint8Array([1, 2])),
    use: value => value.symmetricKeySize,
    check: (_, used) => used === 2,
  },
};

/** An object of the table and what the sender keeps of it; undefined where the platform lacks it. */
export const made = async name => {
  const value = await objects[name].make();
  return value ? (Array.isArray(value) ? value : [value]) : undefined;
};

export const run = async coincide => {
  const { proxy, within, transfer, notify, sync, sleep } = await coincide({ deadlockTimeout: 300 });
  const awaited = within({ promise: true });
  const failure = error => ({ name: error.name, code: error.code, message: error.message });
  const attempt = async action => {
    try {
      return { value: await action() };
    } catch (error) {
      return failure(error);
    }
  };

  proxy.use = (name, value) => objects[name].use(value);
  /** Sends an object to main. Blocks if the worker can, unless the object needs its event loop. */
  proxy.send = name =>
    attempt(async () => {
      const { check, moves, pumps } = objects[name];
      const found = await made(name);
      if (!found) return 'lacking';
      const [value, rest] = found;
      const { use } = pumps ? awaited : proxy;
      const used = await (moves ? use(name, value, transfer(value)) : use(name, value));
      return check(value, used, rest);
    });
  const kept = new Map();
  proxy.give = async name => {
    const found = await made(name);
    if (!found) return undefined;
    kept.set(name, found);
    return found[0];
  };
  proxy.checks = async (name, used) => {
    const [value, rest] = kept.get(name);
    return objects[name].check(value, used, rest);
  };
  /** Has main return an object. */
  proxy.fetch = name =>
    attempt(async () => {
      const value = await awaited.give(name);
      if (value === undefined) return 'lacking';
      const used = await objects[name].use(value);
      return awaited.checks(name, used);
    });
  proxy.fetchBlocking = name => attempt(() => proxy.give(name));

  const order = [];
  proxy.order = () => order.splice(0);
  proxy.note = (number, ...rest) => void order.push([number, ...rest.map(text)]);
  proxy.both = (a, b) => a === b;
  proxy.same = value => value.a === value.b[0];
  proxy.nothing = () => {};
  /** Calls main in a row, blocking or not, with and without objects. */
  proxy.sendsInOrder = async () => {
    const calls = [];
    for (let i = 0; i < 30; i += 3) {
      const { port1, port2 } = new MessageChannel();
      calls.push(awaited.note(i, port1, transfer(port1)));
      notify('note', i + 1, port2, transfer(port2));
      if (sync) proxy.note(i + 2);
      else calls.push(awaited.note(i + 2));
    }
    await Promise.all(calls);
  };
  proxy.blocks = (name, ...args) => attempt(() => proxy[name](...args));
  proxy.sleeps = ms => sleep(ms);
  let memory;
  proxy.remembers = value => void (memory = value);
  proxy.isRemembered = async () => memory === (await proxy.memory());
  /** Sends memory of its own, and has main return it in a call that blocks. */
  proxy.returns = () =>
    attempt(() => {
      const own = new SharedArrayBuffer(8);
      const back = proxy.echo([own, { own }]);
      new Uint8Array(own)[0] = 5;
      return back[0] === back[1].own && new Uint8Array(back[0])[0] === 5;
    });
  proxy.unlisted = () => attempt(() => proxy.nothing({ deep: [1, new MessageChannel().port1] }));
};
