// Replaces the package's `foreign/index.js`: coincide without what it knows of other libraries' service workers.
