const button = document.getElementById("use-passkey");
if (window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  document.getElementById("passkeys").hidden = false;
  button.addEventListener("click", async () => {
    const failure = document.getElementById("passkey-failure");
    failure.textContent = "";
    try {
      const options = JSON.parse(button.dataset.options);
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
      const answer = await navigator.credentials.get({ publicKey });
      button.form.elements.passkey.value = JSON.stringify(answer);
      HTMLFormElement.prototype.submit.call(button.form);
    } catch {
      failure.textContent = "No passkey was used. Try again, or sign in another way.";
    }
  });
}
