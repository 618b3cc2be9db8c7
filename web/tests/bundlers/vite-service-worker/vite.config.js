import coincide from 'coincide/vite';

export default { base: '/site/', plugins: [coincide({ isolation: false, serviceWorker: true })] };
