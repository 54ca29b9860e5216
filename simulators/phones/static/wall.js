"use strict";
const page = document.body;
const $ = (id) => document.getElementById(id);

/* Lines: the server sends ready HTML; an edited or pressed line replaces itself. */
function place({ thread, line, html, mine }) {
  const panel = $(thread);
  const list = panel?.querySelector("[data-lines]");
  if (!list) return;
  const made = document.createElement("template");
  made.innerHTML = html;
  const fresh = made.content.firstElementChild;
  const old = list.querySelector(`[data-line="${CSS.escape(line)}"]`);
  if (old) return old.replaceWith(fresh);
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  fresh.classList.add("fresh");
  list.insertBefore(fresh, list.querySelector(".empty"));
  if (atEnd || mine) list.scrollTop = list.scrollHeight;
  if (panel.hidden && !mine) badge(thread, 1);
}

function badge(thread, more) {
  const mark = $(`tab-${thread}`)?.querySelector(".badge");
  if (!mark) return;
  const count = more ? Number(mark.textContent || 0) + more : 0;
  mark.textContent = count || "";
  mark.title = count ? `${count} ${page.dataset.unread}` : "";
  mark.hidden = !count;
}

/* One stream for the whole page; the browser reconnects and names the last line that it saw. */
function listen() {
  const live = $("live");
  const say = (on) => { live.textContent = live.dataset[on ? "live" : "lost"]; live.classList.toggle("on", on); };
  const feed = new EventSource(page.dataset.feed);
  feed.addEventListener("open", () => say(true));
  feed.addEventListener("error", () => say(false));
  feed.addEventListener("line", (event) => place(JSON.parse(event.data)));
}

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  if (!response.ok && response.status !== 422) throw new Error(String(response.status));
  return response;
}

let hiding;
function complain() {
  const toast = $("toast");
  toast.textContent = page.dataset.failed;
  toast.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { toast.hidden = true; }, 5000);
}

async function write(composer) {
  const box = composer.querySelector("textarea");
  const text = box.value.trim();
  if (!text) return box.focus();
  const { kind, sender, chat } = composer.dataset;
  try {
    await post("/say", { kind, sender, chat, text });
    box.value = "";
  } catch { complain(); }
  box.focus();
}

async function press(button) {
  const line = button.closest("[data-line]").dataset.line;
  const { sender } = button.closest(".thread").querySelector("[data-compose]").dataset;
  button.disabled = true;
  try { await post("/press", { line, sender, button: button.dataset.press }); } catch { complain(); }
  button.disabled = false;
}

async function act(button) {
  const { kind, sender, chat } = button.closest(".thread").querySelector("[data-compose]").dataset;
  button.disabled = true;
  try { await post("/act", { kind, sender, chat, does: button.dataset.act }); button.classList.add("done"); } catch { complain(); }
  button.disabled = false;
}

function open(tab) {
  for (const other of tab.parentElement.children) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    $(other.dataset.thread).hidden = !chosen;
  }
  badge(tab.dataset.thread, 0);
  toEnd($(tab.dataset.thread));
}

function toEnd(scope) {
  for (const list of scope.querySelectorAll("[data-lines]")) list.scrollTop = list.scrollHeight;
}

async function turn(card, body) {
  try {
    const answer = await post(`/faults/${card.dataset.card}?lang=${page.dataset.lang}`, body);
    const isOpen = card.querySelector("details").open;
    const made = document.createElement("template");
    made.innerHTML = await answer.text();
    const fresh = made.content.firstElementChild;
    fresh.querySelector("details").open = isOpen;
    card.replaceWith(fresh);
  } catch { complain(); }
}

function knobs(card) {
  const found = {};
  for (const input of card.querySelectorAll("[data-knob]")) {
    const { type, value, checked } = input;
    const read = () => (type === "checkbox" ? checked : type === "number" ? Number(value) : value);
    try { found[input.dataset.knob] = "json" in input.dataset ? JSON.parse(value) : read(); } catch { input.focus(); return null; }
  }
  return found;
}

document.addEventListener("click", (event) => {
  const hit = (selector) => event.target.closest(selector);
  const card = hit("[data-card]");
  if (hit("[data-send]")) write(hit("[data-compose]"));
  else if (hit("[data-quick]")) {
    const composer = hit(".thread").querySelector("[data-compose]");
    composer.querySelector("textarea").value = hit("[data-quick]").textContent;
    write(composer);
  } else if (hit("[data-act]")) act(hit("[data-act]"));
  else if (hit("[data-press]")) press(hit("[data-press]"));
  else if (hit("[role=tab]")) open(hit("[role=tab]"));
  else if (hit("[data-preset]")) turn(card, { preset: hit("[data-preset]").dataset.preset });
  else if (hit("[data-reset]")) turn(card, { reset: true });
  else if (hit("[data-apply]")) { const turned = knobs(card); if (turned) turn(card, { knobs: turned }); }
  else if (hit("#theme")) flip();
});

document.addEventListener("keydown", (event) => {
  const box = event.target.closest("[data-compose] textarea");
  if (box && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    write(box.closest("[data-compose]"));
  }
  const tab = event.target.closest("[role=tab]");
  const step = { ArrowRight: "nextElementSibling", ArrowLeft: "previousElementSibling" }[event.key];
  if (tab && step && tab[step]) { tab[step].focus(); open(tab[step]); }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-choose]")) event.target.form.requestSubmit();
});

/* Day and night, and the clocks of the phones. */
const dark = () => (document.documentElement.dataset.theme
  || (matchMedia("(prefers-color-scheme: dark)").matches ? "night" : "day")) === "night";
function name() { const button = $("theme"); button.textContent = button.dataset[dark() ? "day" : "night"]; }
function flip() {
  const theme = dark() ? "day" : "night";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("loa-theme", theme);
  name();
}
const clock = new Intl.DateTimeFormat("vi-VN", { hour: "2-digit", minute: "2-digit", timeZone: "Asia/Ho_Chi_Minh" });
function tick() { for (const time of document.querySelectorAll("[data-clock]")) time.textContent = clock.format(new Date()); }

toEnd(document);
name();
tick();
setInterval(tick, 5000);
listen();
