// The review pages: judge, correct, discuss, resolve; by mouse or by keyboard. All text is set as text.
// On top of desk.js.
"use strict";

Object.assign(state, { issues: [] });

// ---- the words that an edit changed ----

const tokens = (text) => text.match(/[\p{L}\p{M}\p{N}]+|\s+|[^\p{L}\p{M}\p{N}\s]/gu) ?? [];
const MOST_CELLS = 4e6;

// Pieces [kind, text] that lead from one text to the other: "=" stays, "-" goes, "+" comes. Longest common
// subsequence of words (Wagner and Fischer 1974); what begins and ends alike is not compared.
function diff(before, after) {
  const [a, b] = [tokens(before), tokens(after)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const [x, y] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)];
  const pieces = [["=", a.slice(0, head).join("")]];
  const add = (kind, text) => {
    if (pieces.at(-1)[0] === kind) pieces.at(-1)[1] += text;
    else pieces.push([kind, text]);
  };
  if (x.length * y.length > MOST_CELLS) {
    add("-", x.join(""));
    add("+", y.join(""));
  } else {
    for (const [kind, text] of steps(x, y)) add(kind, text);
  }
  add("=", a.slice(a.length - tail).join(""));
  return pieces.filter(([, text]) => text);
}

function* steps(x, y) {
  const width = y.length + 1;
  const longest = new Uint32Array((x.length + 1) * width);
  for (let i = x.length - 1; i >= 0; i -= 1) {
    for (let j = y.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] = x[i] === y[j]
        ? longest[(i + 1) * width + j + 1] + 1
        : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
    }
  }
  let [i, j] = [0, 0];
  while (i < x.length || j < y.length) {
    if (i < x.length && j < y.length && x[i] === y[j]) { yield ["=", x[i]]; i += 1; j += 1; }
    else if (j === y.length || (i < x.length && longest[(i + 1) * width + j] >= longest[i * width + j + 1])) {
      yield ["-", x[i]]; i += 1;
    } else { yield ["+", y[j]]; j += 1; }
  }
}

function drawDiff(node, before, after) {
  const tags = { "=": "span", "-": "del", "+": "ins" };
  node.replaceChildren(...diff(before, after).map(([kind, text]) => element(tags[kind], {}, text)));
}

// ---- the translation: marks and corrections ----

const sides = () => [...document.querySelectorAll(".target")];
const target = (part) => data.targets[part];
const sideOf = (part) => document.querySelector(`.target[data-part="${part}"]`);

// The marked words of a translation, counted in characters (not in UTF-16 units, as scripts count).
function marked() {
  const selection = window.getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  const [from, to] = [range.startContainer, range.endContainer].map((node) => node.parentElement?.closest(".text"));
  if (!from || from !== to) return null;
  const part = Number(from.closest(".target").dataset.part);
  const [start, end] = [placeOf(range.startContainer, range.startOffset), placeOf(range.endContainer, range.endOffset)];
  if (start == null || end == null || start >= end) return null;
  return { part, start, end, text: [...target(part)].slice(start, end).join("") };
}

function placeOf(node, offset) {
  const line = (node.nodeType === Node.TEXT_NODE ? node.parentElement : node).closest("p[data-start]");
  if (!line) return null;
  const before = document.createRange();
  before.setStart(line, 0);
  before.setEnd(node, offset);
  return Number(line.dataset.start) + [...before.toString()].length;
}

function rangeOf(part, start, end) {
  const range = document.createRange();
  for (const line of sideOf(part).querySelectorAll("p[data-start]")) {
    const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
    let at = Number(line.dataset.start);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const letters = [...node.data];
      const units = (count) => letters.slice(0, count).join("").length;
      if (start >= at && start < at + letters.length) range.setStart(node, units(start - at));
      if (end > at && end <= at + letters.length) range.setEnd(node, units(end - at));
      at += letters.length;
    }
  }
  return range;
}

function drawMarks() {
  if (!window.CSS?.highlights) return;
  const ranges = state.issues.filter((issue) => issue.start != null)
    .map((issue) => rangeOf(issue.part, issue.start, issue.end));
  CSS.highlights.set("issue", new Highlight(...ranges));
}

function drawIssues() {
  const drop = (issue) => () => {
    state.issues = state.issues.filter((other) => other !== issue);
    drawIssues();
  };
  $("issues").replaceChildren(...state.issues.map((issue) => element("li", {},
    word(`review_${issue.category}`, "b"), " ",
    issue.start == null ? word("review_whole", "span", { class: "quiet" }) : element("q", { dir: "auto" }, issue.text),
    data.final ? null : element("button", { class: "button plain", type: "button", "aria-label": t("review_drop_issue"),
      "data-t-label": "review_drop_issue", onclick: drop(issue) }, "×"))));
  const named = new Set(state.issues.map((issue) => issue.category));
  for (const button of document.querySelectorAll(".kind")) {
    button.setAttribute("aria-pressed", String(named.has(button.dataset.kind)));
  }
  drawMarks();
}

// With words marked the error is of them; without, the kind is switched on and off for the whole text.
function name(category) {
  const mark = marked();
  const same = (issue) => issue.category === category && issue.part === (mark?.part ?? issue.part)
    && issue.start === (mark?.start ?? null) && issue.end === (mark?.end ?? null);
  if (state.issues.some(same)) state.issues = state.issues.filter((issue) => !same(issue));
  else {
    const first = Number(sides()[0].dataset.part);
    state.issues.push({ category, ...(mark ?? { part: first, start: null, end: null, text: "" }) });
  }
  window.getSelection().removeAllRanges();
  drawIssues();
}

function showEdits(side, focus) {
  const [box, area] = [side.querySelector(".edits"), side.querySelector("textarea")];
  if (box.hidden) area.value ||= target(side.dataset.part);
  box.hidden = false;
  drawDiff(side.querySelector(".diff"), target(side.dataset.part), area.value);
  if (focus) area.focus();
}

function setCorrection(part, text) {
  const side = sideOf(part);
  side.querySelector("textarea").value = text ?? target(part);
  if (text != null) showEdits(side, false);
  else side.querySelector(".edits").hidden = true;
}

// ---- the judgement ----

const verdict = () => document.querySelector('input[name="verdict"]:checked')?.value ?? null;
const setVerdict = (value) => { document.querySelector(`input[name="verdict"][value="${value}"]`).checked = true; };

function fill(judged) {
  setVerdict(judged.verdict);
  state.issues = judged.issues.map((issue) => ({ ...issue }));
  const texts = new Map(judged.corrected.map((correction) => [String(correction.part), correction.text]));
  for (const side of sides()) setCorrection(side.dataset.part, texts.get(side.dataset.part));
  $("rationale").value = judged.rationale;
  drawIssues();
}

function judgement() {
  const corrected = sides().filter((side) => !side.querySelector(".edits").hidden)
    .map((side) => ({ part: Number(side.dataset.part), text: side.querySelector("textarea").value }))
    .filter(({ part, text }) => text.trim() !== target(part).trim());
  const issues = state.issues.map(({ category, part, start, end }) => ({ category, part, start, end }));
  return { verdict: verdict(), issues, corrected, rationale: $("rationale").value.trim().toWellFormed() };
}

function missing(judged) {
  if (!judged.verdict) return "review_need_verdict";
  if (judged.verdict === "none") {
    return judged.issues.length || judged.corrected.length ? "review_none_with_issue" : null;
  }
  if (!judged.issues.length) return "review_need_category";
  return judged.verdict === "major" && !judged.rationale ? "review_need_rationale" : null;
}

async function submit() {
  const judged = judgement();
  const lacks = missing(judged);
  if (lacks) { problem(lacks); return; }
  if (await send(data.mode === "adjudicate" ? "/resolutions" : "/reviews", { judgement: judged })) {
    announce(t("review_saved"));
    window.location.assign(data.mode === "revise" || data.mode === "discuss" ? "/mine" : "/");
  }
}

async function leave() {
  const reason = $("rationale").value.trim().toWellFormed();
  if (!reason) { problem("review_need_reason"); $("rationale").focus(); return; }
  if (await send("/skips", { reason })) window.location.assign("/");
}

// ---- the others ----

const nameOf = (review) => [word("review_reviewer"), " ", element("bdi", {}, review.letter)];

function drawOthers() {
  const cards = data.others.map((review, number) => {
    const diffs = review.corrected.map(({ part, text }) => {
      const line = element("p", { class: "diff", dir: sideOf(part).querySelector("textarea").dir });
      drawDiff(line, target(part), text);
      return line;
    });
    const kinds = review.issues.map((issue) => element("li", {}, word(`review_${issue.category}`, "b"), " ",
      issue.start == null ? word("review_whole", "span", { class: "quiet" }) : element("q", { dir: "auto" }, issue.text)));
    const take = data.mode !== "adjudicate" || data.final ? null
      : element("button", { class: "button take", type: "button", onclick: () => fill(review) },
        element("kbd", {}, String(number + 4)), word("review_take"));
    return element("article", { class: `other ${review.verdict}` },
      element("h3", {}, ...nameOf(review), review.mine ? element("span", { class: "tag" }, word("review_yours")) : null,
        word(`review_verdict_${review.verdict}`, "span", { class: `tag ${review.verdict}` })),
      element("ul", { class: "issues" }, ...kinds),
      review.rationale ? element("p", { dir: "auto", class: "why" }, review.rationale)
        : word("review_no_rationale", "p", { class: "quiet" }), ...diffs, take);
  });
  $("others")?.replaceChildren(...cards);
}

function drawComments(comments) {
  const rows = comments.map((said) => element("li", {}, element("p", { class: "quiet" },
    ...(said.by ? nameOf({ letter: said.by }) : [word("review_adjudicator")]), " · ",
    element("bdi", { dir: "ltr" }, said.time)), element("p", { dir: "auto" }, said.text)));
  $("comments")?.replaceChildren(...(rows.length ? rows : [word("review_no_comments", "li", { class: "quiet" })]));
}

async function say(event) {
  event.preventDefault();
  const answer = await send("/comments", { text: $("comment").value.toWellFormed() });
  if (!answer) return;
  $("comment").value = "";
  drawComments(answer.comments);
  announce(t("review_saved"));
}

// ---- the keyboard ----

function actOf(code) {
  const digit = code.match(/^(?:Digit|Numpad)(\d)$/)?.[1];
  const letter = code.match(/^Key([A-Z])$/)?.[1];
  if (letter === "C" && $("comment")) return () => $("comment").focus();
  if (data.final) return null;
  if (digit >= 1 && digit <= 3) return () => setVerdict(["none", "minor", "major"][digit - 1]);
  if (digit >= 4 && data.mode === "adjudicate" && data.others[digit - 4]) return () => fill(data.others[digit - 4]);
  if (letter === "E") return () => showEdits(nextToEdit(), true);
  if (letter === "R") return () => $("rationale").focus();
  if (letter === "K" && $("leave")) return leave;
  const kind = letter && document.querySelector(`.kind[data-key="${letter}"]`);
  return kind ? () => name(kind.dataset.kind) : null;
}

// The translation that holds the marked words, else the first that is not being corrected.
function nextToEdit() {
  const mark = marked();
  return mark ? sideOf(mark.part) : sides().find((side) => side.querySelector(".edits").hidden) ?? sides()[0];
}

function listen() {
  $("judge").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  $("leave")?.addEventListener("click", leave);
  $("say")?.addEventListener("submit", say);
  for (const button of document.querySelectorAll(".kind")) {
    button.addEventListener("mousedown", (event) => event.preventDefault());  // or the marked words are lost
    button.addEventListener("click", () => name(button.dataset.kind));
  }
  for (const side of sides()) {
    side.querySelector(".edit")?.addEventListener("click", () => showEdits(side, true));
    side.querySelector("textarea").addEventListener("input", () => showEdits(side, false));
    side.querySelector(".restore")?.addEventListener("click", () => setCorrection(side.dataset.part, null));
  }
  document.addEventListener("keydown", onKey);
}

if ($("judge")) {
  listen();
  drawOthers();
  drawComments(data.comments);
  if (data.own) fill(data.own);
  else drawIssues();
}
