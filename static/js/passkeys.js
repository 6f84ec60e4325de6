// Passkeys: shows the buttons where the browser has them, and says in words what went wrong. The rest is allauth's.

const usable = "PublicKeyCredential" in window;
for (const part of document.querySelectorAll("[data-passkey]")) part.hidden = !usable;
for (const part of document.querySelectorAll("[data-no-passkey]")) part.hidden = usable;

document.addEventListener("allauth.error", (event) => {
  event.preventDefault(); // it would log an error; cancelling is none
  const said = document.getElementById("passkey-error");
  if (!said) return;
  const known = event.detail.exception?.name === "InvalidStateError" ? "known" : "failed";
  said.textContent = said.dataset[known] ?? said.dataset.failed;
  said.hidden = false;
});
