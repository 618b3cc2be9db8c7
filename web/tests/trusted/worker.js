// A worker with `window`. Its own policy requires trusted types as well, so it evaluates no text.
import coincide from '../../pkg/window/worker.js';

const { proxy, window, ffi } = await coincide();
const attempt = action => {
  try {
    return action();
  } catch (error) {
    return error;
  }
};

proxy.title = () => window.document.title;
proxy.setsText = text => {
  const element = window.document.createElement('p');
  element.textContent = text;
  return element.textContent;
};
/** What the page refuses, as it arrives here. */
proxy.refused = () => ['setsMarkup', 'evaluates'].map(way => {
  const { name, message } = attempt(ways[way]);
  return [way, name, message];
});
const ways = {
  setsMarkup: () => (window.document.createElement('p').innerHTML = '<b>bold</b>'),
  evaluates: () => ffi.evaluate(() => 1),
};
