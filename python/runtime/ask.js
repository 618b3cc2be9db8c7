// `input()` of a worker: the page asks.

/** Puts a question at the end of the page; gives what is answered, or nothing once `signal` is aborted: then nobody wants to know any more. */
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
