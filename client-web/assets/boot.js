// Loads the application; all else is in WebAssembly. A file of its own because the relay forbids inline scripts.
import init from './app.js';

init({ module_or_path: new URL('app_bg.wasm', import.meta.url) }).catch((error) => {
  const text = document.getElementById('boot-text');
  if (text) {
    text.textContent = typeof WebAssembly === 'undefined'
      ? 'Sotto needs WebAssembly, which this browser does not allow here. Allow it, or use another browser.'
      : 'Sotto could not be loaded. Check the connection and reload the page.';
  }
  throw error;
});
