// The print button exists only where a script can print.
const button = document.getElementById("hw-print");
if (button) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
document.getElementById("hw-store")?.addEventListener("change", (event) => event.target.form.requestSubmit());
