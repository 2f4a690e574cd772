// A security key (WebAuthn): the form's button asks the browser for it, and the form is sent with the answer.
const form = document.querySelector("form[data-security-key]");
const problem = form.querySelector("[data-problem]"), answer = form.querySelector("[data-answer]");

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
const named = (list = []) => list.map((each) => ({ ...each, id: bytes(each.id) }));

function wanted() {
  const options = JSON.parse(form.dataset.options);
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  options.allowCredentials = named(options.allowCredentials);
  options.excludeCredentials = named(options.excludeCredentials);
  return { publicKey: options };
}

function told({ id, rawId, type, response }) {
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature"].filter((name) => response[name]);
  const sent = Object.fromEntries(parts.map((name) => [name, text(response[name])]));
  return JSON.stringify({ id, rawId: text(rawId), type, response: sent });
}

async function ask(event) {
  event.preventDefault();
  problem.hidden = true;
  try {
    answer.value = told(await navigator.credentials[form.dataset.securityKey](wanted()));
  } catch {
    problem.textContent = form.dataset.failed;
    problem.hidden = false;
    return;
  }
  HTMLFormElement.prototype.submit.call(form); // a field may be named submit
}

if (window.PublicKeyCredential) {
  form.hidden = false;
  form.addEventListener("submit", ask);
  form.querySelector("button").focus();
} else {
  for (const each of document.querySelectorAll("[data-no-keys]")) each.hidden = false;
}
