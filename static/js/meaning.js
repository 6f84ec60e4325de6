// The sentence below a question follows what is filled in (hx-trigger). Also what was filled in before the scripts were here,
// and what the browser put back on the way back: for those nobody says "input" any more.

const isDefault = (field) => {
  if (field.type === "checkbox" || field.type === "radio") return field.checked === field.defaultChecked;
  if (field.options) return [...field.options].every((option) => option.selected === option.defaultSelected);
  return field.value === field.defaultValue;
};

addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form:has([hx-trigger^=input])")) {
    const other = [...form.elements].find((field) => field.name && "value" in field && !isDefault(field));
    other?.dispatchEvent(new Event("input", { bubbles: true }));
  }
});
