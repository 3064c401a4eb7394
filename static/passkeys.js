// Passkeys: a form with data-passkey asks the device before it is sent, and carries its answer in "credential".
// Binary values travel as base64url, as WebAuthn's JSON forms have them.
"use strict";

(() => {
  if (!window.PublicKeyCredential) return;

  const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
  const toText = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const known = (list) => (list || []).map((one) => ({ ...one, id: toBytes(one.id) }));

  const optionsFrom = async (address) => {
    const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
    const answer = await fetch(address, { method: "POST", headers: { "X-CSRFToken": token } });
    const options = await answer.json();
    if (options.go_to) location.assign(options.go_to);
    if (!answer.ok) throw new Error(options.problem);
    options.challenge = toBytes(options.challenge);
    if (options.user) options.user.id = toBytes(options.user.id);
    options.allowCredentials = known(options.allowCredentials);
    options.excludeCredentials = known(options.excludeCredentials);
    return options;
  };

  const ask = async (form) => {
    const publicKey = await optionsFrom(form.dataset.options);
    const making = form.dataset.passkey === "create";
    const made = making ? await navigator.credentials.create({ publicKey }) : await navigator.credentials.get({ publicKey });
    const response = { clientDataJSON: toText(made.response.clientDataJSON) };
    if (making) {
      response.attestationObject = toText(made.response.attestationObject);
    } else {
      response.authenticatorData = toText(made.response.authenticatorData);
      response.signature = toText(made.response.signature);
      if (made.response.userHandle) response.userHandle = toText(made.response.userHandle);
    }
    return JSON.stringify({ id: made.id, rawId: toText(made.rawId), type: made.type, response });
  };

  const inWords = (problem) => {
    if (problem.name === "InvalidStateError") return "This device has a passkey for you already.";
    if (problem.name === "NotAllowedError") return "No passkey was used: it was cancelled, or took too long. Try again.";
    if (problem.name === "SecurityError") return "Your browser refuses passkeys at this address. Open Rollcall at the address that ROLLCALL_URL says.";
    return problem.message || "That didn't work. Try again, or use another way.";
  };

  const answerOf = (form) => form.elements.credential;

  // Before any other listener: the form is sent once the device has answered.
  addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.dataset.passkey || answerOf(form).value) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const error = form.querySelector(".error");
    error.hidden = true;
    const buttons = form.querySelectorAll("button");
    buttons.forEach((button) => button.setAttribute("aria-busy", "true"));
    try {
      answerOf(form).value = await ask(form);
      form.requestSubmit();
    } catch (problem) {
      error.textContent = inWords(problem);
      error.hidden = false;
    } finally {
      buttons.forEach((button) => button.removeAttribute("aria-busy"));
    }
  }, true);

  const show = () => document.querySelectorAll("form[data-passkey][hidden]").forEach((form) => { form.hidden = false; });
  addEventListener("pageshow", () => document.querySelectorAll("form[data-passkey]").forEach((form) => { answerOf(form).value = ""; }));
  document.addEventListener("htmx:afterSettle", show);
  show();
})();
