// What an action came to, which Gradio tells: a mistake as a notice in the corner, and that it was done as `wb-done` on the
// document. A notice of a mistake goes with the next thing that is done.

const NOTICES = ".toast-body.error";
const TEXT = '[data-testid="toast-text"]';

let waiting = null;

function dismiss() {
  for (const close of document.querySelectorAll(`${NOTICES} [data-testid="toast-close"]`)) close.click();
}

function settle(mistake) {
  waiting?.(mistake);
  waiting = null;
}

function isNotice(node) {
  return node instanceof Element && (node.matches(TEXT) || node.querySelector(TEXT)) && node.closest(NOTICES) !== null;
}

export function watchNotices() {
  document.addEventListener("wb-done", () => { dismiss(); settle(null); });
  new MutationObserver((changes) => {
    if (!waiting || !changes.some(({ addedNodes }) => [...addedNodes].some((node) => isNotice(node) || node.querySelector?.(`${NOTICES} ${TEXT}`)))) return;
    settle([...document.querySelectorAll(`${NOTICES} ${TEXT}`)].at(-1).textContent);
    dismiss(); // it is said where it happened
  }).observe(document.body, { childList: true, subtree: true });
}

// Do what sends an event to the server. Resolves to the mistake that was made, null once it is done. -> {told, leave()}:
// after `leave` the notice stays in the corner, as nobody waits.
export function awaitOutcome(act) {
  const told = new Promise((resolve) => { waiting = resolve; });
  act();
  return { told, leave: () => { waiting = null; } };
}
