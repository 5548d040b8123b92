// Samples side by side: filters, pages and keys over data that lie beside the page. Comes behind page.js.
"use strict";

const SELECTS = ["task", "type", "lang", "modality", "source", "error", "system", "result"];
const FACETS = ["task", "type", "lang", "modality", "source"];
Object.assign(state, { samples: [], found: [], asked: new Map(), page: 0, at: -1 });

// The files of the data call this, each with its samples.
globalThis.bimedix2 = (samples) => { state.samples.push(...samples); };

// ---- words: a paragraph is its direction, then runs; a run of its own direction is isolated ----

function paragraphs(text) {
  return text.map(([way, ...runs]) => element("p", { dir: way },
    ...runs.map((run) => (typeof run === "string" ? run : element("bdi", { dir: run[0] }, run[1])))));
}

const wayOf = (text) => text[0]?.[0];
const plain = (text) => text.map(([, ...runs]) => runs.map((run) => (typeof run === "string" ? run : run[1])).join("")).join("\n");

// Case, tashkil and tatweel do not matter to a search, nor do the forms of alef, ya and ta marbuta.
function fold(text) {
  return text.normalize("NFKC").toLowerCase().replace(/[\u064b-\u065f\u0670\u0640]/g, "")
    .replace(/[\u0623\u0625\u0622\u0671]/g, "\u0627").replace(/\u0649/g, "\u064a").replace(/\u0629/g, "\u0647");
}

function words(sample) {
  sample.folded ??= fold([sample.id, ...sample.turns.map(([, text]) => plain(text)), plain(sample.reference),
    ...sample.answers.filter(Boolean).map((answer) => `${plain(answer.text)}\n${answer.why.join("\n")}`)].join("\n"));
  return sample.folded;
}

// ---- which samples ----

const verdict = (answer) => (answer.right === true ? "right" : answer.right === false ? "wrong" : "unjudged");

function disagrees(sample) {
  const judged = sample.answers.filter((answer) => answer && answer.right !== null);
  return new Set(judged.map((answer) => answer.right)).size > 1;
}

function fits(sample, chosen, wanted) {
  if (FACETS.some((name) => chosen[name] && sample[name] !== chosen[name])) return false;
  if (chosen.disagree && !disagrees(sample)) return false;
  const of = chosen.system === "" ? sample.answers : [sample.answers[Number(chosen.system)]];
  const one = of.some((answer) => answer && (!chosen.result || verdict(answer) === chosen.result)
    && (!chosen.error || answer.error === chosen.error));
  return one && (!wanted || words(sample).includes(wanted));
}

function choices() {
  const chosen = Object.fromEntries(SELECTS.map((name) => [name, $(name).value]));
  return { ...chosen, disagree: $("disagree").checked, search: $("search").value };
}

function filter(page = 0) {
  const chosen = choices();
  const wanted = fold(chosen.search.trim());
  state.found = state.samples.filter((sample) => fits(sample, chosen, wanted));
  show(page);
}

// ---- a page of them ----

function systemCard(sample, number) {
  const answer = sample.answers[number];
  const name = data.systems[number];
  if (!answer) {
    return element("section", { class: "system" }, element("h3", {}, element("bdi", {}, name)), word("no_answer", "p", { class: "quiet" }));
  }
  const kind = verdict(answer);
  const title = element("h3", {}, element("bdi", {}, name), word(kind, "span", { class: `mark-${kind}` }));
  for (const [label, value] of answer.scores) title.append(element("span", { class: "tag" }, element("bdi", { dir: "ltr" }, `${label} ${value}`)));
  if (answer.error) title.append(word(`class_${answer.error}`, "span", { class: "tag" }));
  const said = answer.text.length ? paragraphs(answer.text) : [word("empty_answer", "p", { class: "quiet" })];
  const asked = answer.turns ? [word("question", "span", { class: "label" }), ...answer.turns.flatMap(([, text]) => paragraphs(text))] : [];
  const why = answer.why.length
    ? element("p", { class: "why quiet" }, word("why", "span", { class: "label" }), " ", element("bdi", { dir: "ltr" }, answer.why.join("; ")))
    : null;
  return element("section", { class: `system ${kind}` }, title, ...asked, ...said, why);
}

// Systems that answer anything of a task; one that was never asked such questions gets no empty card.
function askedOf(sample) {
  if (!state.asked.has(sample.task)) {
    const mine = state.samples.filter((one) => one.task === sample.task);
    state.asked.set(sample.task, [...data.systems.keys()].filter((number) => mine.some((one) => one.answers[number])));
  }
  return state.asked.get(sample.task);
}

function turnOf([role, text]) {
  const label = role === "user" ? "question" : role === "system" ? "role_system" : "assistant";
  return element("div", { class: `said ${role}`, dir: wayOf(text) }, word(label, "span", { class: "label" }), ...paragraphs(text));
}

function card(sample) {
  const facets = [sample.task, sample.condition, sample.type === sample.task ? "" : sample.type, sample.modality];
  const about = element("p", { class: "about" },
    ...facets.filter(Boolean).map((text) => element("bdi", { class: "tag", dir: "ltr" }, text)),
    word(`${sample.lang}_language`, "span", { class: "tag" }),
    element("span", { class: "id" }, element("bdi", { dir: "ltr" }, sample.id)));
  const pictures = sample.images.map((address) => (address
    ? element("img", { src: address, alt: t("image_alt"), loading: "lazy" })
    : word("image_missing", "p", { class: "lost" })));
  const reference = sample.reference.length ? paragraphs(sample.reference) : [word("no_reference", "p", { class: "quiet" })];
  const texts = element("div", { class: "texts" }, ...sample.turns.map(turnOf),
    element("div", { class: "said reference", dir: wayOf(sample.reference) }, word("reference", "span", { class: "label" }), ...reference),
    element("div", { class: "systems" }, ...askedOf(sample).map((number) => systemCard(sample, number))));
  const shown = pictures.length ? pictures : [word("no_image", "p", { class: "quiet" })];
  return element("article", { class: "sample", tabindex: "-1" }, about, element("div", { class: "pictures" }, ...shown), texts);
}

const pages = () => Math.max(1, Math.ceil(state.found.length / data.each));

function show(page) {
  state.page = Math.min(Math.max(page, 0), pages() - 1);
  state.at = -1;
  const first = state.page * data.each;
  const cards = state.found.slice(first, first + data.each).map(card);
  $("samples").replaceChildren(...(cards.length ? cards : [word("none", "p", { class: "quiet" })]));
  $("at").textContent = `${state.page + 1}/${pages()}`;
  $("previous").disabled = state.page === 0;
  $("next").disabled = state.page === pages() - 1;
  $("status").replaceChildren(word("count"), " ", element("bdi", { id: "count" }, String(state.found.length)), " ",
    word("of"), " ", element("bdi", {}, String(state.samples.length)));
  remember();
}

function turnPage(step) {
  const page = state.page + step;
  if (page < 0 || page >= pages()) return;
  show(page);
  window.scrollTo(0, 0);
}

function move(step) {
  const cards = [...document.querySelectorAll(".sample")];
  if (!cards.length) return;
  const next = state.at + step;
  if (next >= cards.length && state.page < pages() - 1) { turnPage(1); move(1); return; }
  state.at = Math.min(Math.max(next, 0), cards.length - 1);
  cards[state.at].focus({ preventScroll: true });
  cards[state.at].scrollIntoView({ block: "start" });
}

// ---- what is chosen stands in the address, so that a link shows the same ----

function remember() {
  const chosen = choices();
  const kept = new URLSearchParams();
  for (const [key, value] of Object.entries(chosen)) if (value) kept.set(key, value === true ? "1" : value);
  if (state.page) kept.set("page", String(state.page + 1));
  if (state.language !== data.language) kept.set("language", state.language);
  history.replaceState(null, "", `#${kept}`);
}

function recall() {
  const kept = new URLSearchParams(location.hash.slice(1));
  for (const name of SELECTS) $(name).value = kept.get(name) ?? "";
  for (const name of SELECTS) if ($(name).selectedIndex < 0) $(name).value = "";
  $("search").value = kept.get("search") ?? "";
  $("disagree").checked = kept.get("disagree") === "1";
  const language = kept.get("language");
  setLanguage(language in data.strings ? language : state.language);
  filter(Number(kept.get("page") ?? 1) - 1 || 0);
}

function fill() {
  const option = (value, text, key) => element("option", { value, "data-t": key }, text);
  for (const name of FACETS) {
    const values = [...new Set(state.samples.map((sample) => sample[name]))].filter(Boolean).sort();
    const shown = values.map((value) => (name === "lang" ? option(value, t(`${value}_language`), `${value}_language`) : option(value, value)));
    $(name).append(option("", t("all"), "all"), ...shown);
  }
  const classes = data.classes.filter((name) => state.samples.some((sample) => sample.answers.some((answer) => answer?.error === name)));
  $("error").append(option("", t("all"), "all"), ...classes.map((name) => option(name, t(`class_${name}`), `class_${name}`)));
  $("system").append(option("", t("any"), "any"), ...data.systems.map((name, number) => option(String(number), name)));
  $("result").append(option("", t("all"), "all"), ...["right", "wrong", "unjudged"].map((key) => option(key, t(key), key)));
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest?.("input[type=search], select");
  if (event.key === "Escape" && typing) { typing.blur(); return; }
  if (typing) return;
  const keys = {
    j: () => move(1),
    k: () => move(-1),
    n: () => turnPage(1),
    p: () => turnPage(-1),
    "/": () => $("search").focus(),
    w: () => { $("result").value = $("result").value === "wrong" ? "" : "wrong"; filter(); },
    d: () => { $("disagree").checked = !$("disagree").checked; filter(); },
  };
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

document.addEventListener("DOMContentLoaded", () => {
  fill();
  recall();
  for (const name of SELECTS) $(name).addEventListener("change", () => filter());
  $("disagree").addEventListener("change", () => filter());
  $("search").addEventListener("input", () => filter());
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("clear").addEventListener("click", () => { $("filters").reset(); for (const name of SELECTS) $(name).value = ""; filter(); });
  $("previous").addEventListener("click", () => turnPage(-1));
  $("next").addEventListener("click", () => turnPage(1));
  $("language").addEventListener("click", () => { setLanguage(state.language === "ar" ? "en" : "ar"); remember(); });
  document.addEventListener("keydown", press);
});
