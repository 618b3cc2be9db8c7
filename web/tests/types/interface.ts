// The interfaces of a program, written once for both ends.

/** What the worker exports. */
export interface Exports {
  version(): number;
  load(path: string, retries?: number): Promise<string[]>;
  log?(text: string): void;
  sum(...numbers: number[]): number;
  paint(pixels: Uint8Array): void;
  ping(): 'worker';
}

/** What main offers. */
export interface Functions {
  hello(name: string): string;
  fetchText(path: string): Promise<string>;
  note(text: string): void;
  ping(): 'main';
}
