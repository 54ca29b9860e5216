// Compose: what is typed is kept on the server every few seconds, and before the form is sent. Where the session has
// expired or the line is cut the text stays on the page, and is kept as soon as somebody has signed in again.
(() => {
  const form = document.querySelector("[data-autosave]");
  if (!form) return;
  const says = form.querySelector("[data-autosave-says]");
  const door = form.querySelector("[data-autosave-door]");
  const AFTER = 2000;
  const AGAIN = 10000;
  const GIVE_UP = 8000;
  let timer = 0;
  let running = null;
  let changed = false;

  function tell(text, open) {
    says.textContent = text;
    says.classList.toggle("field-says", text !== "" && text.indexOf(says.dataset.kept.split("{at}")[0]) !== 0);
    door.hidden = !open;
  }

  async function ask(url, options) {
    const cut = new AbortController();
    const alarm = setTimeout(() => cut.abort(), GIVE_UP);
    try { return await fetch(url, { redirect: "manual", signal: cut.signal, ...options }); } finally { clearTimeout(alarm); }
  }

  function body() {
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (typeof value === "string") fields.append(name, value);
    return fields;
  }

  const post = () => ask(form.dataset.autosave, { method: "POST", body: body() });

  // Somebody signed in again, perhaps in another tab: their session has another token.
  async function renew() {
    const answer = await ask(form.dataset.autosave, { headers: { Accept: "application/json" } });
    if (!answer.ok) return false;
    const found = await answer.json();
    if (!found.csrf) return false;
    for (const field of document.querySelectorAll("input[name=csrf]")) field.value = found.csrf;
    return true;
  }

  async function save() {
    clearTimeout(timer);
    changed = false;
    try {
      let answer = await post();
      if (!answer.ok && (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403)) {
        if (await renew()) answer = await post();
      }
      if (answer.ok) {
        tell(says.dataset.kept.replace("{at}", (await answer.json()).at), false);
        return true;
      }
      const gone = answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403;
      tell(gone ? says.dataset.expired : says.dataset.cut, gone);
      if (!gone) return true; // the server is there and may take the form though it could not keep it
    } catch {
      tell(says.dataset.cut, false);
    }
    changed = true;
    timer = setTimeout(begin, AGAIN);
    return false;
  }

  function begin() {
    running = running || save().finally(() => { running = null; });
    return running;
  }

  function typed() {
    changed = true;
    if (running) return;
    clearTimeout(timer);
    timer = setTimeout(begin, AFTER);
  }

  form.addEventListener("input", typed);
  form.addEventListener("change", typed);
  addEventListener("focus", () => { if (changed) begin(); });
  document.addEventListener("visibilitychange", () => { if (changed && document.hidden) begin(); });

  // First keep, then send: what cannot be kept now would be lost on the way, too. A second click waits for the first.
  let sending = false;
  let passed = false;
  form.addEventListener("submit", async (event) => {
    if (passed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (sending) return;
    sending = true;
    if (running) await running;
    const kept = await begin();
    sending = false;
    if (!kept) return;
    passed = true;
    form.requestSubmit(event.submitter);
  }, { capture: true });
  addEventListener("pageshow", () => { passed = false; });
})();
