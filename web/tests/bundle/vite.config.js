// Workers of coincide are modules: they await `coincide()` at their top level.
export default { base: './', worker: { format: 'es' }, build: { target: 'es2022' } };
