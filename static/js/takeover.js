// A colleague's code by camera, as if it were typed.

import { scanner } from "./scanner.js";

scanner({
  label: async (code) => {
    const form = document.getElementById("take-over");
    if (form) {
      form.elements.code.value = code;
      form.requestSubmit();
    }
    return { say: code, tone: "success", close: true };
  },
});
