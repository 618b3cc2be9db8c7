'use client';

import coincide from 'coincide/main';
import { useEffect, useState } from 'react';

let worker;

const started = () => {
  if (worker) return worker;
  worker = coincide().wrap(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
  worker.proxy.hello = name => `Hello, ${name}`;
  return worker;
};

export default function Page() {
  const [version, setVersion] = useState();
  useEffect(() => {
    started().proxy.version().then(setVersion);
  }, []);
  useEffect(() => console.log(version), [version]); // 42
  return <p>{version}</p>;
}
