// The dialog with the camera. `scanner({label: async (label) => {say, tone, close}})` says what a label means on this page;
// where there is no camera, or it is not allowed, the dialog says so and leads to the field for the typed code.

import { labelOf } from "./labels.js";

const dialog = document.getElementById("scanner");

/** Take over every button [data-scan], now or later in the page. */
export function scanner({ label: meaning }) {
  if (!dialog?.showModal) {
    // A browser without dialogs: the code is typed.
    const hide = () => {
      for (const button of document.querySelectorAll("[data-scan-button]")) button.hidden = true;
    };
    document.body.addEventListener("htmx:afterSwap", hide);
    return hide();
  }
  const part = (name) => dialog.querySelector(`[data-${name}]`);
  const video = dialog.querySelector("video");
  let running = null;
  let busy = Promise.resolve();

  const say = (sentence, tone = "") => {
    part("said").textContent = sentence;
    part("said").className = `note ${tone && `note-${tone}`}`;
  };

  const stop = () => {
    running?.stop();
    running = null;
  };

  const seen = async (text) => {
    const label = labelOf(text);
    if (!label) return say(dialog.dataset.foreign, "warning");
    const { say: sentence, tone, close = false } = await meaning(label);
    navigator.vibrate?.(tone === "success" ? 60 : [60, 60, 60]);
    if (!dialog.open) return;
    say(sentence, tone);
    if (close) setTimeout(() => dialog.close(), 1_200);
  };

  async function start() {
    say(dialog.dataset.opening);
    part("picture").hidden = false;
    part("light").hidden = true;
    const { open } = await import(dialog.dataset.scan);
    try {
      // One after the other: what the first scan changed is what the second one sees.
      const opened = await open(video, dialog.dataset, (text) => (busy = busy.then(() => seen(text))));
      if (!dialog.open) return opened.stop();
      running = opened;
      part("light").hidden = !running.light;
      if (part("said").textContent === dialog.dataset.opening) say(dialog.dataset.point);
    } catch (error) {
      part("picture").hidden = true;
      say(dialog.dataset[error.message] ?? dialog.dataset.broken, "error");
      part("type").focus();
    }
  }

  dialog.addEventListener("close", stop);
  part("close").addEventListener("click", () => dialog.close());
  part("type").addEventListener("click", () => {
    dialog.close();
    document.querySelector("[data-typed]")?.focus();
  });
  part("light").addEventListener("click", () => running?.light());
  // A camera that nobody looks at is switched off; it comes back with the page.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop();
    else if (dialog.open) start();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-scan-button]")) return;
    dialog.showModal();
    start();
  });
}
