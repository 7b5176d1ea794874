const form = document.forms[0];
const failure = document.getElementById("passkey-failure");
if (window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
  document.getElementById("no-passkeys").hidden = true;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.passkey.value) return;
    event.preventDefault();
    failure.textContent = "";
    try {
      const options = JSON.parse(form.dataset.options);
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
      const made = await navigator.credentials.create({ publicKey });
      form.elements.passkey.value = JSON.stringify(made);
      HTMLFormElement.prototype.submit.call(form);
    } catch {
      failure.textContent = "No passkey was made. Try again.";
    }
  });
}
