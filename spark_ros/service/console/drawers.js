// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// On a small screen the queue and the menu open by a button; small.css shows and hides them.

const openers = () => [...document.querySelectorAll('.opener')];

export function setUpDrawers() {
  for (const button of openers()) {
    button.addEventListener('click', () => {
      const open = !isOpen(button);
      closeAll();
      setOpen(button, open);
    });
  }
  // Whatever is chosen in one, and whatever is pressed beside it.
  addEventListener('click', ({ target }) => {
    if (target.closest('.opener')) return;
    const stays = target.closest('.drawer-open') && !target.closest('.drawer-open :is(button, a)');
    if (!stays) closeAll();
  });
  addEventListener('keydown', (event) => {
    const [button] = event.key === 'Escape' ? openers().filter(isOpen) : [];
    if (!button) return;
    event.stopImmediatePropagation();
    closeAll();
    button.focus();
  }, { capture: true });
}

const isOpen = (button) => button.getAttribute('aria-expanded') === 'true';

function closeAll() {
  for (const button of openers()) setOpen(button, false);
}

function setOpen(button, open) {
  button.setAttribute('aria-expanded', String(open));
  const drawer = document.getElementById(button.getAttribute('aria-controls'));
  drawer.classList.toggle('drawer-open', open);
}
