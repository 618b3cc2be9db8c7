// `window` and `document` of a page.
import { skip } from './suite.mjs';
import { windowKit } from './window.kit.mjs';

export default (test, kit) => {
  const { deepEqual } = kit;
  const { within } = windowKit(kit);

  const inPage = (name, body, expected) =>
    test(`window: in a page: ${name}`, async () => {
      if (!globalThis.document) return skip('this is no page');
      deepEqual(await within(globalThis, body), expected);
    });

  inPage('nodes are built, found and changed', ({ window, ffi }) => {
    const { document } = window;
    const list = document.createElement('ul');
    for (const text of ['one', 'two', 'three']) list.appendChild(document.createElement('li')).textContent = text;
    list.dataset.test = 'yes';
    document.body.append(list);
    const found = [
      document.body === document.body, [...list.children].map(item => item.textContent), list.children.length, Array.from(list.childNodes, node => node.nodeName),
      list.outerHTML.includes('data-test="yes"'), list instanceof window.HTMLElement, list instanceof window.HTMLLIElement, 'nodeType' in list,
      list.constructor.name, Object.prototype.toString.call(list), document.querySelectorAll('ul li').length, delete list.dataset.test, 'test' in list.dataset,
      ffi.gather(list, 'children.length', 'firstChild.textContent', 'parentNode.nodeName'),
    ];
    list.remove();
    return found;
  }, [
    true, ['one', 'two', 'three'], 3, ['LI', 'LI', 'LI'], true, true, false, true, 'HTMLUListElement', '[object HTMLUListElement]', 3, true, false,
    [3, 'one', 'BODY'],
  ]);

  inPage('window can be listed, with its descriptors', ({ window, outcome }) => {
    const keys = Object.keys(window);
    const descriptor = Object.getOwnPropertyDescriptor(window, 'document');
    return [keys.includes('document'), Reflect.ownKeys(window).length > 500, descriptor.configurable, typeof descriptor.get, window.window === window, window.self === window];
  }, [true, true, false, 'function', true, true]);

  inPage('errors of the page keep their class', ({ window, outcome }) => {
    try {
      window.document.createElement('1');
    } catch (error) {
      const { querySelector } = window.document;
      return [error instanceof DOMException, error.name, outcome(() => querySelector('p')).error, outcome(() => window.document.appendChild(1)).error];
    }
  }, [true, 'InvalidCharacterError', 'TypeError', 'TypeError']);

  inPage('timers and promises', async ({ window, pause }) => {
    const first = await new Promise(resolve => window.setTimeout(resolve, 1, 'late'));
    const text = await (await window.fetch('./workers/module.js')).text();
    const aborted = await window.fetch('./none', { signal: window.AbortSignal.abort() }).catch(error => error instanceof DOMException && error.name);
    return [first, text.includes('answer'), aborted];
  }, ['late', true, 'AbortError']);

};
