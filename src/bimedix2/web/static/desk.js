// What all pages of the review room share: sending, keys, the switch of the language. All text is set as text.
"use strict";

state.sending = false;

// ---- sending ----

function problem(key, sentence = "") {
  $("problem").hidden = !key;
  if (!key) return;
  $("problem").replaceChildren(word(key));
  if (sentence) $("problem").append(" ", element("bdi", { dir: "ltr", lang: "en" }, sentence));
  $("problem").scrollIntoView({ block: "nearest" });
}

// Sends one act; returns the server's answer, or null when the page says what went wrong.
async function send(path, body) {
  if (state.sending) return null;
  state.sending = true;
  problem(null);
  try {
    const headers = { "Content-Type": "application/json", "X-Form-Token": data.form };
    const response = await fetch(path, { method: "POST", headers, body: JSON.stringify({ item: data.item, ...body }) });
    const answer = await response.json();
    if (response.ok) return answer;
    problem(response.status === 401 ? "error_invalid_api_key" : "error", answer.error);
  } catch {
    problem("error_network");
  } finally {
    state.sending = false;
  }
  return null;
}

$("language").addEventListener("click", (event) => {
  event.preventDefault();
  setLanguage(state.language === "ar" ? "en" : "ar");
});

// ---- the keyboard: places of keys, so that an Arabic layout works too ----

// Ctrl+Enter sends the form that is written in, Escape leaves a field; outside of fields the page's own actOf
// answers by a key's place.
function onKey(event) {
  if (event.isComposing || event.altKey || document.querySelector("dialog[open]")) return;
  const writing = document.activeElement?.matches("textarea") ? document.activeElement : null;
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && !data.final) {
    event.preventDefault();
    (writing?.form ?? $("judge")).requestSubmit();
    return;
  }
  if (event.ctrlKey || event.metaKey) return;
  if (event.key === "Escape") { document.activeElement.blur(); return; }
  if (document.activeElement?.matches("textarea, input:not([type=radio]), select")) return;
  const act = actOf(event.code, event.shiftKey);
  if (act) { event.preventDefault(); act(); }
}
