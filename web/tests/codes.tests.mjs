// The codes of errors: those that the sources can produce, those of the type declarations, and those of docs/reference/error-codes.md are the same.
import { readFileSync, readdirSync } from 'node:fs';
import { rowsOf } from './docs.tests.mjs';

const text = path => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Where the sources of the package create errors. */
const FOLDERS = ['web/js', 'src/window/js', 'codec/js'];

export default (test, { assert, deepEqual }) => {
  /** The codes of `CoincideError`s that the sources can create, and those of `TypeError`s. A code that is no literal is that of another error. */
  const produced = () => {
    const codes = new Set();
    for (const folder of FOLDERS)
      for (const name of readdirSync(new URL(`../../${folder}`, import.meta.url), { recursive: true }).map(String)) {
        if (!name.endsWith('.js')) continue;
        const source = text(`${folder}/${name.replaceAll('\\', '/')}`);
        for (const { 1: code, index } of source.matchAll(/\b(?:new CoincideError|(?<!function |#)failed)\(\s*(?:'(\w+)')?/g)) {
          if (code) codes.add(code);
          else assert(/^[^\n]*\((?:kind, message|(?:failure\.)?code, )/.test(source.slice(index)), `${folder}/${name}: a code that is no literal: ${source.slice(index, index + 60)}`);
        }
      }
    const errors = text('web/js/errors.js');
    const failures = /const FAILURES = \[\n([^]*?)\n\];/.exec(errors)[1];
    for (const [, kind] of failures.matchAll(/^ {2}\['(\w+)', /gm)) codes.add(kind);
    const dom = [...errors.match(/const domNames = \{([^]*?)\};/)[1].matchAll(/(\w+): '/g)].map(([, kind]) => kind);
    const types = [...errors.match(/else if \(([^)]*)\) error = new TypeError/)[1].matchAll(/'(\w+)'/g)].map(([, kind]) => kind);
    for (const kind of [...dom, ...types]) codes.delete(kind);
    return { codes: [...codes].sort(), types: types.sort() };
  };

  test('codes: the type CoincideErrorCode lists the codes that the sources produce', () => {
    const union = /export type CoincideErrorCode =([^;]*);/.exec(text('web/js/main.d.ts'))[1];
    deepEqual([...union.matchAll(/'(\w+)'/g)].map(([, code]) => code).sort(), produced().codes);
  });

  test('codes: the list by which errors from the other end are recognized is that of the type', () => {
    const listed = /const CODES =\s+'([\w ]+)'/.exec(text('web/js/errors.js'))[1];
    deepEqual(listed.split(' '), produced().codes);
  });

  test('codes: the documentation lists the codes that the sources produce, with cause and remedy', () => {
    const docs = text('docs/reference/error-codes.md');
    const rows = rowsOf(docs, '| code | when | what to do |');
    for (const row of rows) assert(row.length === 3 && row.every(cell => cell.trim() !== ''), `an incomplete row: ${row}`);
    const { codes, types } = produced();
    deepEqual(rows.map(([code]) => code.replaceAll('`', '')), codes);
    for (const code of types) assert(docs.includes(`\`${code}\``), `${code} is missing`);
  });
};
