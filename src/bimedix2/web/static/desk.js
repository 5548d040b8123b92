// What all pages of the review room share: strings, sending, the interface's language. All text is set as text.
"use strict";

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const state = { language: data.language, sending: false };
const t = (key) => data.strings[state.language][key] ?? key;
const announce = (text) => { $("status").textContent = text; };

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value == null) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

const word = (key, tag = "span", attributes = {}) => element(tag, { "data-t": key, ...attributes }, t(key));
const ATTRIBUTES = { "data-t-label": "aria-label", "data-t-title": "title", "data-t-alt": "alt" };

function setLanguage(language) {
  state.language = language;
  const other = language === "ar" ? "en" : "ar";
  Object.assign(document.documentElement, { lang: language, dir: language === "ar" ? "rtl" : "ltr" });
  document.title = t(data.title);
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const [marker, attribute] of Object.entries(ATTRIBUTES)) {
    for (const node of document.querySelectorAll(`[${marker}]`)) {
      node.setAttribute(attribute, t(node.getAttribute(marker)));
    }
  }
  $("language").lang = other;
  document.cookie = `bimedix2_language=${language}; path=/; max-age=31536000; samesite=strict`;
}

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
  const act = actOf(event.code);
  if (act) { event.preventDefault(); act(); }
}
