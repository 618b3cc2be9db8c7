// `input()` of a worker: the page asks.

/** Puts a question at the end of the page; gives what is answered. */
export const ask = prompt =>
  new Promise(resolve => {
    const form = document.createElement('form');
    form.className = 'py-input';
    const label = document.createElement('label');
    const field = document.createElement('input');
    field.autocomplete = 'off';
    label.append(prompt, field);
    form.append(label);
    form.addEventListener('submit', event => {
      event.preventDefault();
      form.remove();
      resolve(field.value);
    });
    document.body.append(form);
    field.focus();
  });
