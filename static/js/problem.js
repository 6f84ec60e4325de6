// "What is wrong?", saved on the phone first.

import { sayIn, takeOver } from "./save.js";

const form = document.getElementById("problem");
const place = document.getElementById("answer");

takeOver(form, {
  prepare: async () => {
    const said = new FormData(form);
    if (!said.has("reason")) return { refused: form.dataset.needsReason };
    if (form.dataset.needsPackage && !said.has("package")) return { refused: form.dataset.needsPackage };
    return {};
  },
  say: (sentence) => sayIn(place, sentence),
});
