// Asks the browser for a passkey when the form is sent, and sends along what it says (WebAuthn Level 3, §5.1).
(() => {
  'use strict';
  const form = document.querySelector('form[data-passkey]');
  const problem = document.getElementById('passkey-problem');
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (character) => character.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');

  const options = JSON.parse(form.dataset.options);
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  for (const list of [options.excludeCredentials, options.allowCredentials]) {
    for (const one of list ?? []) one.id = bytes(one.id);
  }

  async function ask() {
    const asked = { publicKey: options };
    const key = form.dataset.passkey === 'create'
      ? await navigator.credentials.create(asked)
      : await navigator.credentials.get(asked);
    const said = key.response;
    const response = { clientDataJSON: text(said.clientDataJSON) };
    if (said.attestationObject) {
      response.attestationObject = text(said.attestationObject);
    } else {
      response.authenticatorData = text(said.authenticatorData);
      response.signature = text(said.signature);
      response.userHandle = said.userHandle ? text(said.userHandle) : null;
    }
    return JSON.stringify({ id: key.id, rawId: text(key.rawId), type: key.type, response });
  }

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    problem.hidden = true;
    try {
      form.elements.response.value = await ask();
    } catch {
      problem.hidden = false;
      return;
    }
    form.submit();
  });
  form.querySelector('button').disabled = false;
})();
