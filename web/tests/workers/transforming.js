// A worker with values of its own, which only `transform` makes fit for main.
class Own {
  constructor(value) {
    this.toPlain = () => value;
  }
}

export const run = async coincide => {
  const { proxy, window, ffi } = await coincide({ transform: value => (value instanceof Own ? value.toPlain() : value) });
  proxy.give = () => {
    window.hear(new Own({ plain: 1 }), 2);
    window.assigned = new Own({ plain: 'assigned' });
    window.pair = new window.Pair(new Own({ plain: 'made' }));
    ffi.post(window.list, 'push', new Own({ plain: 'pushed' }));
    ffi.assign(window, new Own({ own: 'from assign' }));
    window.hear(ffi.evaluate(value => value, new Own({ plain: 'evaluated' })));
    window.callback = () => new Own({ plain: 'result' });
    window.later = async () => new Own({ plain: 'late' });
  };
};
