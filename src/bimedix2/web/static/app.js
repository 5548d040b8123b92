// The chat page. The conversation lives in this script's memory alone: closing the page forgets it.
// HTML of answers comes from the server, rendered and sanitised there; everything else is set as text.
"use strict";

const assets = document.querySelector('link[rel="stylesheet"]').getAttribute("href").replace(/\/app\.css$/, "");
Object.assign(state, { turns: [], tray: [], busy: null, epoch: 0, askWhenOpen: false });

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${assets}/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

function switchLanguage(language) {
  setLanguage(language);
  const other = language === "ar" ? "en" : "ar";
  const notice = { lang: other, dir: other === "ar" ? "rtl" : "ltr", textContent: data.strings[other].notice };
  Object.assign($("notice-other"), notice);
  directQuestion();
}

// ---- the composer ----

const strong = /[A-Za-z\u00c0-\u024f\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const arabic = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

function directQuestion() {
  const first = $("question").value.match(strong);
  $("question").dir = first ? (arabic.test(first[0]) ? "rtl" : "ltr") : document.documentElement.dir;
}

function fitQuestion() {
  const box = $("question");
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, 192)}px`;
  directQuestion();
  updateSend();
}

function setQuestion(text) {
  $("question").value = text;
  fitQuestion();
}

function updateSend() {
  $("send").hidden = Boolean(state.busy);
  $("stop").hidden = !state.busy;
  $("send").disabled = state.tray.some((item) => item.opening) || !$("question").value.trim();
  for (const button of document.querySelectorAll(".again")) button.disabled = Boolean(state.busy);
}

// The file's name stays in the browser: names of studies often hold the patient's name.
async function attach(file) {
  const item = { file, name: file.name, window: "", frame: null, ticket: 0 };
  state.tray.push(item);
  await open(item);
}

async function open(item) {
  const ticket = (item.ticket += 1);
  Object.assign(item, { opening: true, error: null });
  drawTray();
  announce(t("opening"));
  const [opened, failure] = await openOnServer(item);
  if (ticket !== item.ticket) return;
  Object.assign(item, { opening: false, error: failure }, opened && { opened });
  drawTray();
  announce(failure ? `${explain(failure)} ${failure.message}` : t("attached"));
  if (state.askWhenOpen && !state.tray.some((other) => other.opening)) await ask();
}

async function openOnServer(item) {
  if (item.file.size > data.max_upload) return [null, { code: "too_large", message: "" }];
  const options = new URLSearchParams();
  if (item.window) options.set("window", item.window);
  if (item.frame != null) options.set("frame", String(item.frame));
  const headers = { "Content-Type": "application/octet-stream" };
  try {
    const response = await fetch(`/images?${options}`, { method: "POST", body: item.file, headers });
    const answer = await response.json();
    return response.ok ? [answer, null] : [null, answer.error];
  } catch {
    return [null, { code: "network", message: "" }];
  }
}

const reason = (failure) => (data.strings.en[`error_${failure.code}`] ? `error_${failure.code}` : "error");
const explain = (failure) => t(reason(failure));
const english = (text) => (text ? element("bdi", { class: "quiet", dir: "ltr", lang: "en" }, text) : null);

function drawTray() {
  const focused = document.activeElement?.dataset?.focus;
  $("tray").hidden = state.tray.length === 0;
  $("tray").replaceChildren(...state.tray.map((item, number) => chip(item, number)));
  if (focused) $("tray").querySelector(`[data-focus="${focused}"]`)?.focus();
  updateSend();
}

function chip(item, number) {
  const about = element("div", { class: "about" }, element("span", { title: item.name }, element("bdi", {}, item.name)));
  if (item.opening) about.append(word("opening"));
  else if (item.error) about.append(word(reason(item.error)), english(item.error.message) ?? "");
  if (item.opened) about.append(chipOptions(item, number));
  if (item.opened && !item.error) about.append(...item.opened.notes.slice(0, 3).map(english));
  const remove = () => {
    state.tray = state.tray.filter((other) => other !== item);
    drawTray();
    announce(t("removed"));
    $("question").focus();
  };
  const picture = item.opened
    ? element("img", { src: item.opened.image, alt: t("shown_as"), "data-t-alt": "shown_as" })
    : element("span", { class: "blank" });
  const button = element("button", { class: "button square plain", type: "button", ...label("remove"),
    "data-focus": `remove${number}`, onclick: remove }, icon("close"));
  return element("li", { class: item.error ? "chip failed" : "chip", "aria-busy": String(item.opening) }, picture, about, button);
}

function chipOptions(item, number) {
  const row = element("div", { class: "options" });
  const { windows, frames, frame, width, height } = item.opened;
  if (windows.length) {
    const change = (event) => { item.window = event.target.value; open(item); };
    const select = element("select", { "data-focus": `window${number}`, ...label("window"), onchange: change });
    for (const name of ["", ...windows]) {
      const key = `window_${(name || "default").replace(/[^a-z]/g, "_")}`;
      select.append(word(key, "option", { value: name, selected: name === item.window }));
    }
    row.append(select);
  }
  if (frames > 1) {
    const change = (event) => {
      const wanted = Number.parseInt(event.target.value, 10) || 1;
      item.frame = Math.min(Math.max(wanted, 1), frames) - 1;
      open(item);
    };
    const box = element("input", { type: "number", min: 1, max: frames, value: frame + 1,
      "data-focus": `frame${number}`, ...label("frame"), onchange: change });
    row.append(word("frame"), box, word("frame_of"), element("bdi", {}, String(frames)));
  }
  if (!row.childNodes.length) row.append(element("bdi", { class: "quiet", dir: "ltr" }, `${width}×${height}`));
  return row;
}

// ---- the conversation ----

function drawUser(turn) {
  const node = element("article", { class: "turn user", ...label("you") });
  if (turn.images.length) {
    const pictures = turn.images.map((src) => element("img", { src, alt: t("image_alt"), "data-t-alt": "image_alt" }));
    node.append(element("div", { class: "pictures" }, ...pictures));
  }
  for (const line of turn.text.split("\n")) node.append(element("p", { dir: "auto" }, line));
  $("log").append(node);
  return node;
}

function drawAnswer() {
  const [pending, body] = [element("div", { class: "pending" }, word("waiting")), element("div", { class: "answer" })];
  const node = element("article", { class: "turn assistant", "aria-busy": "true", ...label("answer_by") }, body, pending);
  $("log").append(node);
  node.scrollIntoView({ block: "end" });
  return { node, body, pending };
}

function sign(view, turn, flag) {
  view.pending.remove();
  view.node.setAttribute("aria-busy", "false");
  const copied = async (event) => {
    await navigator.clipboard.writeText(turn.text);
    event.target.closest("button").querySelector("span").textContent = t("copied");
    announce(t("copied"));
  };
  const plain = { class: "button plain", type: "button" };
  const copy = element("button", { ...plain, onclick: copied }, icon("copy"), word("copy"));
  const again = element("button", { ...plain, class: "button plain again", onclick: () => regenerate(view, turn) },
    icon("again"), word("regenerate"));
  for (const button of document.querySelectorAll(".again")) button.remove();
  // A safeguard says the same again, and the model did not speak: no name of it, and nothing to regenerate.
  const by = turn.safeguard ? word(`safeguard_${turn.safeguard}`, "strong", { class: "by" })
    : element("bdi", { dir: "ltr", class: "by" }, turn.model);
  view.node.classList.toggle("fixed", Boolean(turn.safeguard));
  view.node.append(element("div", { class: "signature" }, by, flag && word(flag, "span", { class: "flag" }),
    element("span", { class: "tools" }, navigator.clipboard ? copy : null, turn.safeguard ? null : again)));
}

function showFailure(failure) {
  $("log").append(element("div", { class: "failure", role: "alert" }, word(reason(failure)), english(failure.message)));
  $("log").lastChild.scrollIntoView({ block: "nearest" });
}

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) yield JSON.parse(part.slice("data: ".length));
  }
}

function message(turn) {
  const images = (turn.images ?? []).map((url) => ({ type: "image_url", image_url: { url } }));
  return { role: turn.role, content: [...images, { type: "text", text: turn.text }] };
}

// Reads one answer into `turn` and the view; returns what went wrong, or null.
async function receive(control, view, turn) {
  const body = JSON.stringify({ messages: state.turns.map(message), again: turn.again });
  const headers = { "Content-Type": "application/json" };
  const response = await fetch("/chat", { method: "POST", signal: control.signal, headers, body });
  if (!response.ok) return (await response.json()).error;
  for await (const event of events(response)) {
    if (event.error) return event.error;
    if (event.ahead != null) {
      const ahead = event.ahead > 0 ? [word("queued"), element("bdi", {}, String(event.ahead))] : [word("waiting")];
      view.pending.replaceChildren(...ahead);
    }
    if (event.html != null) {
      const atEnd = window.innerHeight + window.scrollY >= document.body.scrollHeight - 160;
      view.body.innerHTML = event.html;
      turn.text = event.text;
      if (atEnd) window.scrollTo(0, document.body.scrollHeight);
    }
    const { finish = null, safeguard = turn.safeguard, model = turn.model } = event;
    Object.assign(turn, { finish, safeguard, model });
  }
  return turn.finish ? null : { code: "network", message: "" };
}

// Asks for an answer to the turns so far; true when there is one, whole or stopped.
async function answer(again) {
  const epoch = state.epoch;
  const control = (state.busy = new AbortController());
  const view = drawAnswer();
  const turn = { role: "assistant", text: "", model: $("model").textContent, finish: null, again };
  $("log").querySelector(".failure")?.remove();
  updateSend();
  announce(t("waiting"));
  let failure = null;
  try {
    failure = await receive(control, view, turn);
  } catch (error) {
    failure = error.name === "AbortError" ? null : { code: "network", message: "" };
  }
  if (epoch !== state.epoch) return true;
  state.busy = null;
  const answered = !failure && Boolean(turn.finish || turn.text);
  if (answered) {
    const flag = turn.finish === "length" ? "cut" : turn.finish ? null : "stopped";
    const said = turn.safeguard ? `safeguard_${turn.safeguard}` : flag ?? "answered";
    state.turns.push(turn);
    sign(view, turn, flag);
    $("model").textContent = turn.model;
    announce(`${t(said)} ${turn.finish ? view.body.textContent : ""}`);
  } else {
    view.node.remove();
    if (failure) showFailure(failure);
    announce(failure ? `${explain(failure)} ${failure.message}` : t("stopped"));
  }
  updateSend();
  $("question").focus();
  return answered;
}

async function ask() {
  const text = $("question").value.trim().toWellFormed();
  state.askWhenOpen = Boolean(text) && state.tray.some((item) => item.opening);
  if (!text || state.busy || state.askWhenOpen) return;
  if (state.tray.some((item) => item.error)) { announce(t("error_no_image")); return; }
  const items = state.tray;
  const turn = { role: "user", text, images: items.map((item) => item.opened.image) };
  state.turns.push(turn);
  state.tray = [];
  $("welcome").hidden = true;
  const asked = drawUser(turn);
  drawTray();
  setQuestion("");
  if (await answer(0)) return;
  asked.remove();  // the question goes back to where it can be changed and sent again
  state.turns.pop();
  state.tray = items;
  drawTray();
  setQuestion(text);
  $("welcome").hidden = state.turns.length > 0 || $("log").childNodes.length > 0;
}

async function regenerate(view, turn) {
  if (state.busy || state.turns.at(-1) !== turn) return;
  state.turns.pop();
  view.node.hidden = true;
  if (await answer(turn.again + 1)) {
    view.node.remove();
    return;
  }
  state.turns.push(turn);
  view.node.hidden = false;
}

function newConversation() {
  state.epoch += 1;
  state.busy?.abort();
  Object.assign(state, { turns: [], tray: [], busy: null, askWhenOpen: false });
  $("log").replaceChildren();
  $("welcome").hidden = false;
  drawTray();
  setQuestion("");
  announce(t("cleared"));
  $("question").focus();
}

async function tryExample(button) {
  newConversation();
  const epoch = state.epoch;
  setQuestion(button.dataset.text);
  const response = await fetch(`/examples/${button.dataset.image}.dcm`);
  const file = new File([await response.blob()], `${button.dataset.image}.dcm`);
  if (epoch !== state.epoch) return;
  await attach(file);
  if (epoch === state.epoch && state.tray[0]?.opened) await ask();
}

// ---- events ----

function listenToFiles() {
  $("attach").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", () => {
    for (const file of $("file").files) attach(file);
    $("file").value = "";
    $("question").focus();
  });
  $("question").addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) { event.preventDefault(); files.forEach(attach); }
  });
  let depth = 0;
  const shown = (change) => { depth = Math.max(0, depth + change); $("dropzone").hidden = depth === 0; };
  const withFiles = (event) => event.dataTransfer.types.includes("Files");
  document.addEventListener("dragenter", (event) => { if (withFiles(event)) shown(1); });
  document.addEventListener("dragleave", (event) => { if (withFiles(event)) shown(-1); });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    shown(-depth);
    [...event.dataTransfer.files].forEach(attach);
  });
}

function listen() {
  $("language").addEventListener("click", (event) => {
    event.preventDefault();
    switchLanguage(state.language === "ar" ? "en" : "ar");
  });
  $("new").addEventListener("click", newConversation);
  $("stop").addEventListener("click", () => state.busy?.abort());
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") state.busy?.abort(); });
  $("composer").addEventListener("submit", (event) => { event.preventDefault(); ask(); });
  $("question").addEventListener("input", fitQuestion);
  $("question").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); ask(); }
  });
  for (const button of document.querySelectorAll(".example")) button.addEventListener("click", () => tryExample(button));
}

listen();
listenToFiles();
fitQuestion();
