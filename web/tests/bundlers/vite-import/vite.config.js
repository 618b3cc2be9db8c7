import coincide from 'coincide/vite';

export default { plugins: [coincide()] };
