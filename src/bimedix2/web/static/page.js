// What all pages share, behind a server or on a disk: words in the interface's language, and elements made of them.
// All text is set as text. A page's own script comes behind this one, and adds to `state`.
"use strict";

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const state = { language: data.language };
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

// Words of the interface follow the language switch: as text (data-t) or as an attribute (data-t-label, ...).
const word = (key, tag = "span", attributes = {}) => element(tag, { "data-t": key, ...attributes }, t(key));
const label = (key) => ({ "aria-label": t(key), "data-t-label": key });
const ATTRIBUTES = { "data-t-label": "aria-label", "data-t-title": "title", "data-t-placeholder": "placeholder",
  "data-t-alt": "alt" };

function setLanguage(language) {
  state.language = language;
  const other = language === "ar" ? "en" : "ar";
  Object.assign(document.documentElement, { lang: language, dir: language === "ar" ? "rtl" : "ltr" });
  document.title = t(data.title ?? "page_title");
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const [marker, attribute] of Object.entries(ATTRIBUTES)) {
    for (const node of document.querySelectorAll(`[${marker}]`)) {
      node.setAttribute(attribute, t(node.getAttribute(marker)));
    }
  }
  $("language").lang = other;
  if (!$("language").href) return; // a button of a page on a disk, which no server hears of
  $("language").href = `?lang=${other}`;
  document.cookie = `bimedix2_language=${language}; path=/; max-age=31536000; samesite=strict`;
}
