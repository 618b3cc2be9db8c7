import coincide from 'coincide/worker';

const { proxy, check } = await coincide();

proxy.count = () => {
  for (let n = 0; ; n++) {
    try {
      check();
    } catch (error) {
      console.log(`stopped by ${error.code === 'Interrupted' ? 'interrupt()' : 'the timeout'}`);
      throw error;
    }
  }
};

// The worker continues after both.
proxy.add = (a, b) => a + b;
