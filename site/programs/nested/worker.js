import coincide from 'coincide/worker';

const { proxy } = await coincide();

// While the worker waits for the page, it runs the calls that the page makes.
proxy.factorial = n => {
  const result = n < 2 ? 1 : n * proxy.factorial(n - 1);
  console.log(`${n}! = ${result}`);
  return result;
};
