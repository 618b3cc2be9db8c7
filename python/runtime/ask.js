// `input()` of a worker, answered on the page.

/** Shows a prompt at the end of the page. Resolves with the answer, or with an empty text when `signal` aborts. */
export const ask = (prompt, signal) =>
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
    signal.addEventListener('abort', () => {
      form.remove();
      resolve('');
    });
    document.body.append(form);
    field.focus();
  });
