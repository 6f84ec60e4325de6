// Puts a minus and a plus beside number fields: easier for a thumb than a keyboard. The field itself stays as it is.

for (const field of document.querySelectorAll("input[data-stepper]")) {
  const step = Number(field.dataset.stepper);
  const label = document.querySelector(`label[for="${field.id}"]`)?.textContent.trim() ?? "";
  const around = document.createElement("div");
  around.className = "stepper";
  field.replaceWith(around);
  const button = (sign, text) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "button button-quiet";
    made.textContent = text;
    made.setAttribute("aria-label", `${label} ${text}${step}`);
    made.addEventListener("click", () => {
      const now = Number(field.value || field.min);
      // To the next round number: 7 becomes 10 or 5 where one goes by fives.
      const next = sign > 0 ? Math.floor(now / step) * step + step : Math.ceil(now / step) * step - step;
      field.value = Math.min(Number(field.max), Math.max(Number(field.min), next));
      field.dispatchEvent(new Event("input", { bubbles: true })); // what listens to typing hears the buttons, too
    });
    return made;
  };
  around.append(button(-1, "−"), field, button(1, "+"));
}
