// Puts a button beside each value that is there to be copied. Without it, one click selects the whole value.
(() => {
  'use strict';
  const spoken = document.createElement('p');
  spoken.className = 'unseen';
  spoken.setAttribute('role', 'status');
  document.querySelector('main').append(spoken);

  for (const value of document.querySelectorAll('.copy')) {
    const button = document.createElement('button');
    const word = document.createElement('span');
    const name = document.createElement('span');
    const both = document.createElement('span');
    button.type = 'button';
    button.className = 'plain';
    word.textContent = 'Copy';
    name.className = 'unseen';
    name.textContent = ` the value of ${value.dataset.name}`;
    both.className = 'copying';
    button.append(word, name);
    value.replaceWith(both);
    both.append(value, button);

    let later;
    button.addEventListener('click', async () => {
      let said = 'Copied';
      try {
        await navigator.clipboard.writeText(value.textContent);
      } catch {
        // No secure context, or the browser does not want it: whoever is there copies what is selected.
        getSelection().selectAllChildren(value);
        said = 'Selected';
      }
      word.textContent = said;
      spoken.textContent = said === 'Copied' ? `Copied ${value.dataset.name}.` : 'Selected. Copy it with the keyboard.';
      clearTimeout(later);
      later = setTimeout(() => {
        word.textContent = 'Copy';
        spoken.textContent = '';
      }, 4000);
    });
  }
})();
