// The page's elements, and the canvas that Rust paints on.
import init, { Studio, helloPage, roundTrips } from './pkg/example.js';

const $ = id => document.getElementById(id);
const pixels = $('canvas').getContext('2d');
const WHOLE = { x: -0.6, y: 0, width: 3.2 };
let view = WHOLE;

const canvas = {
  resize: (width, height) => Object.assign($('canvas'), { width, height }),
  show(row, bytes) {
    pixels.putImageData(new ImageData(new Uint8ClampedArray(bytes), bytes.length / 4), 0, row);
  },
};

/** Paints the current view. Cancels a picture that is in progress. */
const paint = async studio => {
  studio.interrupt();
  studio.lookAt(view.x, view.y, view.width);
  studio.take($('palette').value);
  $('picture').textContent = '…';
  const start = performance.now();
  try {
    const rows = await studio.paint(Number($('deadline').value) || undefined);
    const whole = rows === $('canvas').height;
    $('picture').textContent = whole ? `${rows} rows in ${(performance.now() - start).toFixed(0)} ms` : `given up after ${rows} rows`;
  } catch (error) {
    $('picture').textContent = error.message;
  }
};

/** Shows the number of typed calls a second from a worker to the page. */
export const measure = async () => {
  $('rate').textContent = '…';
  const samples = (await roundTrips('./workers/meter.js', 100, 300, 5)).sort();
  const each = samples[samples.length >> 1];
  $('rate').textContent = Math.round(1e9 / each).toLocaleString('en');
  $('each').textContent = `${(each / 1000).toFixed(2)} µs each`;
};

const run = async () => {
  await init();
  $('greeting').textContent = `the worker was greeted, and answers ${await helloPage()}`;
  const studio = new Studio('./workers/painter.js', canvas);

  $('canvas').onclick = ({ offsetX, offsetY }) => {
    const { clientWidth, clientHeight } = $('canvas');
    const height = (view.width * clientHeight) / clientWidth;
    view = {
      x: view.x + (offsetX / clientWidth - 0.5) * view.width,
      y: view.y + (offsetY / clientHeight - 0.5) * height,
      width: view.width / 3,
    };
    paint(studio);
  };
  $('back').onclick = () => {
    view = WHOLE;
    paint(studio);
  };
  $('palette').onchange = () => paint(studio);
  $('stop').onclick = () => studio.terminate();
  $('measure').onclick = measure;
  await paint(studio);
  await measure();
};

/** Resolves when the first picture and measurement are complete. */
export const done = run().catch(error => {
  $('picture').textContent = error.message;
});
