import coincide from 'coincide/window/worker';

const { window } = await coincide();
const { document } = window;

const heading = document.createElement('h1');
heading.textContent = 'Built by a worker';
const button = document.createElement('button');
button.textContent = 'Count';

let clicks = 0;
button.addEventListener('click', () => {
  clicks += 1;
  heading.textContent = `${clicks} clicked`;
  console.log(`the page says: ${document.querySelector('h1').textContent}`);
});
document.body.append(heading, button);
