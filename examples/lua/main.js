import coincide from 'coincide/window/main';

const worker = coincide().wrap(new Worker(new URL('./lua.js', import.meta.url), { type: 'module' }));
worker.proxy.print = line => console.log(line);

// The worker waits for the answer. The page does not.
const form = document.createElement('form');
form.innerHTML = '<label><span></span> <input autocomplete="off"></label>';
worker.proxy.input = question => {
  form.querySelector('span').textContent = question;
  document.body.append(form);
  form.querySelector('input').focus();
  return new Promise(resolve => {
    form.onsubmit = event => {
      event.preventDefault();
      form.remove();
      resolve(form.querySelector('input').value);
    };
  });
};

// The event of this page's Stop button.
addEventListener('stop', event => {
  event.preventDefault();
  form.remove();
  worker.interrupt();
});

const program = await fetch(new URL('./program.lua', import.meta.url));
try {
  await worker.proxy.run(await program.text(), 'program.lua');
} catch (error) {
  console.error(error.message);
}
