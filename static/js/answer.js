// An answer to a customer, saved on the phone first.

import { sayIn, takeOver } from "./save.js";

const form = document.getElementById("words-form");

if (form) {
  takeOver(form, {
    prepare: async () => {
      const said = new FormData(form);
      return said.get("ready") || said.get("words").trim() ? {} : { refused: form.dataset.needsWords };
    },
    say: (sentence) => sayIn(document.getElementById("answer"), sentence),
  });
}
