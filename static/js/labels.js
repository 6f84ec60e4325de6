// The code on a label, as people type it and cameras read it.

const LABEL = /^[0-9A-HJKMNP-TV-Z]{4,8}$/; // deliveries/labels.py, and a little of the retailers' own

/** A code as it is stored, as `normal_label` on the server has it; "" for what can be no label of ours. */
export function labelOf(text) {
  const label = text.replace(/[\s-]/g, "").toUpperCase().replace(/O/g, "0").replace(/[IL]/g, "1");
  return LABEL.test(label) ? label : "";
}
