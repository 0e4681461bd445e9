// Loads the application; all else is in WebAssembly. A file of its own because the relay forbids inline scripts.
import init from './app.js';

// An invite is a secret, and browsers keep addresses: it leaves the address bar first of all, for the storage of this tab alone. Where
// the browser refuses that, it stays until the join.
function takeInvite() {
  const invite = location.hash.slice(1);
  if (location.pathname !== '/join' || invite === '' || invite.startsWith('/')) return;
  try {
    sessionStorage.setItem('sotto.invite', invite);
    history.replaceState(null, '', '/join');
  } catch { /* See above. */ }
}
takeInvite();
addEventListener('popstate', takeInvite);
addEventListener('hashchange', takeInvite);

init({ module_or_path: new URL('app_bg.wasm', import.meta.url) }).catch((error) => {
  const text = document.getElementById('boot-text');
  if (text) {
    text.textContent = typeof WebAssembly === 'undefined'
      ? 'Sotto needs WebAssembly, which this browser does not allow here. Allow it, or use another browser.'
      : 'Sotto could not be loaded. Check the connection and reload the page.';
  }
  throw error;
});
