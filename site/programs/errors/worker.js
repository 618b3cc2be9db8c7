import coincide from 'coincide/worker';

const { proxy } = await coincide();

try {
  proxy.price('tea');
} catch (error) {
  // Class, message, cause and own properties arrive. The stack has the frames of both ends.
  console.log(error instanceof RangeError, error.cause);
  console.error(error);
}

proxy.order = count => {
  if (count < 1) throw new TypeError(`${count} is not a number of cups`);
};
