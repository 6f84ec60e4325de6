// Pick-up with the camera: every label in sight is handed over at once, as if it were typed.

import { scanner } from "./scanner.js";

const dialog = document.getElementById("scanner");

async function load(label) {
  const form = document.getElementById("scan-form");
  if (!form) return { say: dialog.dataset.all, tone: "success", close: true };
  const body = new FormData(form);
  body.set("label", label);
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    const said = await answer.json();
    if (said.result !== "refused") document.body.dispatchEvent(new CustomEvent("look"));
    const tone = { loaded: "success", before: "warning" }[said.result] ?? "error";
    return { say: said.sentence, tone, close: said.left === 0 };
  } catch {
    return { say: dialog.dataset.noSignal, tone: "error" };
  }
}

scanner({ label: load });
