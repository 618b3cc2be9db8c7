// Turns the text of a pane into a module that runs from a Blob, which has no relative addresses; workers have no import maps.
import { javascriptLanguage } from '@codemirror/lang-javascript';

const IMPORTS = ['ImportDeclaration', 'DynamicImport'];
const URL_OF_MODULE = /^new\s+URL\(\s*(['"`])([^'"`\n]+)\1\s*,\s*import\.meta\.url\s*\)$/;

/**
 * Replaces names in the text by addresses. Lines keep their numbers.
 *
 * @param {string} text
 * @param {(name: string) => string} addressOf the address of what the text names: `coincide/main`, `./worker.js`
 */
export const withAddresses = (text, addressOf) => {
  const edits = [];
  const replace = ({ from, to }, code) => edits.push({ from, to, code });
  const named = node => {
    const name = text.slice(node.from + 1, node.to - 1);
    if (/^(coincide\/|\.{1,2}\/)/.test(name)) replace(node, JSON.stringify(addressOf(name)));
  };
  javascriptLanguage.parser.parse(text).iterate({
    enter: ({ name, node }) => {
      const code = text.slice(node.from, node.to);
      if (name === 'NewExpression') {
        const found = URL_OF_MODULE.exec(code);
        if (!found) return true;
        replace(node, `new URL(${JSON.stringify(addressOf(found[2]))})`);
        return false;
      }
      if (name === 'MemberExpression' && code === 'import.meta.url') replace(node, JSON.stringify(addressOf('./')));
      else if (IMPORTS.includes(name) || (name === 'ExportDeclaration' && node.getChild('from'))) node.getChildren('String').forEach(named);
      return true;
    },
  });
  return edits.sort((a, b) => b.from - a.from).reduce((text, { from, to, code }) => text.slice(0, from) + code + text.slice(to), text);
};
