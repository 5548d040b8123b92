// The pages of a blind trial: choose the best answer, a tie, or none, or give every answer its scores; by mouse or by
// keyboard. On top of desk.js.
"use strict";

Object.assign(state, { choice: null, labels: [], scores: {}, current: null, seen: 0, since: null });

// ---- the choice ----

const LABELS = data.labels ?? [];
const SCALES = data.scales ?? [];

function draw() {
  if (SCALES.length) drawScores();
  else drawChoice();
  $("abstain").setAttribute("aria-pressed", String(state.choice === "abstain"));
  const said = state.choice === "scored" ? `${given()}/${SCALES.length}` : state.labels.join(", ");
  $("chosen").replaceChildren(...(state.choice ? [word(`review_trial_said_${state.choice}`), " ",
    element("bdi", { dir: "ltr" }, said)] : []));
}

function drawChoice() {
  for (const button of document.querySelectorAll(".choose")) {
    const chosen = state.labels.includes(button.dataset.label);
    button.setAttribute("aria-pressed", String(chosen));
    button.closest(".answer").classList.toggle("chosen", chosen);
    const said = button.querySelector("[data-t]");
    said.dataset.t = state.choice === "tie" ? "review_trial_tied" : "review_trial_best";
    said.textContent = t(said.dataset.t);
  }
  $("tie").setAttribute("aria-pressed", String(state.choice === "tie"));
  $("tie-hint").hidden = state.choice !== "tie" || LABELS.length < 3;
}

function set(choice, labels) {
  Object.assign(state, { choice, labels: LABELS.filter((label) => labels.includes(label)) });
  draw();
}

// Alone an answer is the best; while a tie is being chosen it is taken into it or out of it.
function pick(label) {
  if (state.choice !== "tie") set("best", [label]);
  else if (state.labels.includes(label)) set("tie", state.labels.filter((other) => other !== label));
  else set("tie", [...state.labels, label]);
}

const tie = () => (state.choice === "tie" ? set(null, []) : set("tie", LABELS));
const abstain = () => (state.choice === "abstain" ? set(given() ? "scored" : null, []) : set("abstain", []));

// ---- scores: one value on each scale; the current one is the first without a value, or where one went ----

const given = () => Object.keys(state.scores).length;
const current = () => SCALES.find((scale) => scale.id === state.current)
  ?? SCALES.find((scale) => !(scale.id in state.scores)) ?? null;
const boxOf = (scale) => document.querySelector(`.scale[data-scale="${scale.id}"]`);

function drawScores() {
  const here = data.final ? null : current();
  for (const scale of SCALES) {
    boxOf(scale).classList.toggle("current", scale === here);
    for (const button of boxOf(scale).querySelectorAll(".value")) {
      button.setAttribute("aria-pressed", String(state.scores[scale.id] === button.dataset.value));
    }
  }
}

function score(scale, value) {
  state.scores = { ...state.scores, [scale.id]: value };
  state.current = null;
  set("scored", []);
  if (current()) boxOf(current()).scrollIntoView({ block: "nearest" });
}

function step(by) {
  const here = SCALES.indexOf(current());
  const next = SCALES[here < 0 ? SCALES.length - 1 : Math.min(SCALES.length - 1, Math.max(0, here + by))];
  state.current = next.id;
  draw();
  boxOf(next).scrollIntoView({ block: "nearest" });
}

// ---- how long the item was in view ----

function watch() {
  const now = performance.now();
  if (state.since != null) state.seen += now - state.since;
  state.since = document.visibilityState === "visible" ? now : null;
}

async function submit() {
  if (SCALES.length && state.choice !== "abstain" && given() < SCALES.length) { problem("review_trial_need_scores"); return; }
  if (!state.choice) { problem("review_trial_need_choice"); return; }
  if (state.choice === "tie" && state.labels.length < 2) { problem("review_trial_need_two"); return; }
  watch();
  const choice = {
    choice: state.choice, labels: state.labels, notes: $("notes").value.trim().toWellFormed(),
    seconds: Math.round(state.seen / 100) / 10, ...(state.choice === "scored" ? { scores: state.scores } : {}),
  };
  if (await send("/choices", { choice })) {
    announce(t("review_saved"));
    window.location.assign(data.mode === "revise" ? "/mine" : "/");
  }
}

// ---- the viewer: wheel or keys to zoom, drag or scroll to move ----

const viewer = { zoom: 1, most: 12 };
const stage = () => document.querySelector("#viewer .stage");

function drawViewer(x = 0.5, y = 0.5) {
  const [box, image] = [stage(), stage().querySelector("img")];
  const fit = Math.min(box.offsetWidth / image.naturalWidth, box.offsetHeight / image.naturalHeight);
  const [left, top] = [(box.scrollLeft + x * box.clientWidth) / box.scrollWidth,
    (box.scrollTop + y * box.clientHeight) / box.scrollHeight];
  image.style.width = `${image.naturalWidth * fit * viewer.zoom}px`;
  box.scrollLeft = left * box.scrollWidth - x * box.clientWidth;
  box.scrollTop = top * box.scrollHeight - y * box.clientHeight;
}

function zoom(times, x, y) {
  viewer.zoom = Math.min(viewer.most, Math.max(1, viewer.zoom * times));
  drawViewer(x, y);
}

async function enlarge(source) {
  if (!source) return;
  const image = stage().querySelector("img");
  image.src = source;
  viewer.zoom = 1;
  $("viewer").showModal();
  stage().focus();
  await image.decode().catch(() => {});
  drawViewer();
}

function listenViewer() {
  for (const button of document.querySelectorAll(".enlarge")) {
    button.addEventListener("click", () => enlarge(button.dataset.image));
  }
  $("zoom-in").addEventListener("click", () => zoom(1.5));
  $("zoom-out").addEventListener("click", () => zoom(1 / 1.5));
  $("zoom-fit").addEventListener("click", () => zoom(0));
  $("viewer-close").addEventListener("click", () => $("viewer").close());
  $("viewer").addEventListener("keydown", (event) => {
    const times = { "+": 1.5, "=": 1.5, "-": 1 / 1.5, 0: 0 }[event.key];
    if (times != null) { event.preventDefault(); zoom(times); }
    if (event.code === "KeyZ") $("viewer").close();
  });
  stage().addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = stage().getBoundingClientRect();
    zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  }, { passive: false });
  stage().addEventListener("pointermove", (event) => {
    if (event.buttons === 1 && event.pointerType === "mouse") stage().scrollBy(-event.movementX, -event.movementY);
  });
  window.addEventListener("resize", () => $("viewer").open && drawViewer());
}

// ---- the keyboard ----

function actOf(code, shift) {
  const digit = code.match(/^(?:Digit|Numpad)(\d)$/)?.[1];
  const letter = code.match(/^Key([A-Z])$/)?.[1];
  if (letter === "Z") return () => enlarge(document.querySelector(".enlarge")?.dataset.image);
  if (data.final) return null;
  if (letter === "N") return abstain;
  if (letter === "C") return () => $("notes").focus();
  return SCALES.length ? scoringActOf(digit, letter) : choosingActOf(digit, letter, shift);
}

// With Shift a digit is one of the second nine answers, where there are so many: some keyboards need it for digits.
function choosingActOf(digit, letter, shift) {
  const place = digit >= 1 ? Number(digit) + (shift && LABELS.length > 9 ? 9 : 0) : 0;
  if (place >= 1 && place <= LABELS.length) return () => pick(LABELS[place - 1]);
  return letter === "T" ? tie : null;
}

// The tenth value is under the 0, as its key stands behind the 9.
function scoringActOf(digit, letter) {
  if (letter === "J") return () => step(1);
  if (letter === "K") return () => step(-1);
  const [here, place] = [current(), digit === "0" ? 9 : digit - 1];
  return here && here.values[place] ? () => score(here, here.values[place]) : null;
}

if ($("judge")) {
  $("judge").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  for (const button of document.querySelectorAll(".choose")) {
    button.addEventListener("click", () => pick(button.dataset.label));
  }
  $("tie")?.addEventListener("click", tie);
  for (const scale of SCALES) {
    for (const button of boxOf(scale).querySelectorAll(".value")) {
      button.addEventListener("click", () => score(scale, button.dataset.value));
    }
  }
  $("abstain").addEventListener("click", abstain);
  document.addEventListener("keydown", onKey);
  document.addEventListener("visibilitychange", watch);
  listenViewer();
  watch();
  if (data.own) {
    $("notes").value = data.own.notes;
    state.scores = data.own.scores ?? {};
    set(data.own.choice, data.own.labels);
  } else draw();
}
