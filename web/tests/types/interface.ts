// The interfaces of a program, written once for both ends.

import type { Callback, Exposed, Streamed } from 'coincide/main';

/** A class of the worker. */
export declare class Counter {
  static made: number;
  constructor(start?: number);
  value: number;
  inner: { n: number; add(by: number): number };
  inc(by?: number): number;
}

/** An object with methods of either end. */
export interface Observer {
  next(row: string): void;
  done(rows: number): Promise<boolean>;
  label: string;
}

/** What the worker exports. */
export interface Exports {
  version(): number;
  load(path: string, retries?: number): Promise<string[]>;
  log?(text: string): void;
  sum(...numbers: number[]): number;
  paint(pixels: Uint8Array): void;
  ping(): 'worker';
  watch(path: string, changed: (text: string) => number, ended?: () => void): () => boolean;
  observe(observer: Callback<Observer>): void;
  counter: Exposed<Counter>;
  rows(from: number): AsyncGenerator<{ id: number }>;
  list(): Promise<Streamed<string>>;
  total(numbers: Generator<number>): number;
  Counter: Exposed<typeof Counter>;
}

/** What main offers. */
export interface Functions {
  hello(name: string): string;
  fetchText(path: string): Promise<string>;
  note(text: string): void;
  ping(): 'main';
  ask(question: string, answered: (answer: string) => number): (again: number) => string;
  records(): Generator<string>;
  settings: Exposed<{ theme: string; reset(hard: boolean): string[] }>;
}
