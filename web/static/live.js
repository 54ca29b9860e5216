// One event stream a tab. The server sends parts of the page by the id of their element; they take the old ones' place.
// When the stream is cut, the same parts are asked for every few seconds, and the page says how old it is.
(() => {
  const POLL_MS = 5000;
  const CUT_AFTER_MS = 30000;
  const path = document.body.dataset.live;
  if (!path) return;
  let seen = "";
  let source = null;
  let freshAt = Date.now();
  let poll = 0;
  let typed = false;
  let out = false;

  function put(parts) {
    for (const [id, html] of Object.entries(parts)) {
      const old = document.getElementById(id);
      if (!old || holdsFocus(old)) continue;
      const open = [...old.querySelectorAll("details[open]")].map((one) => one.className);
      const holder = document.createElement("template");
      holder.innerHTML = html;
      const fresh = holder.content.firstElementChild;
      if (!fresh) continue;
      for (const name of open) for (const one of fresh.querySelectorAll("details")) if (one.className === name) one.open = true;
      const changed = old.dataset.state !== undefined && old.dataset.state !== fresh.dataset.state;
      old.replaceWith(fresh);
      if (changed) fresh.classList.add("changed");
    }
    document.dispatchEvent(new CustomEvent("loa:parts", { detail: Object.keys(parts) }));
  }

  // Never pull a form away from under somebody's fingers.
  function holdsFocus(element) {
    const active = document.activeElement;
    return active && element.contains(active) && /^(INPUT|TEXTAREA|SELECT)$/.test(active.tagName);
  }

  function address(where) {
    const url = new URL(where, location.href);
    if (seen) url.searchParams.set("seen", seen);
    return url;
  }

  function follow() {
    if (source || document.hidden || out) return;
    source = new EventSource(address(path));
    source.addEventListener("open", heard);
    source.addEventListener("parts", (event) => {
      heard();
      seen = event.lastEventId;
      put(JSON.parse(event.data));
    });
    source.addEventListener("error", () => {
      if (source && source.readyState === EventSource.CLOSED) unfollow();
      if (!poll) poll = setInterval(look, POLL_MS);
    });
  }

  function unfollow() {
    if (source) source.close();
    source = null;
  }

  function heard() {
    freshAt = Date.now();
    if (poll) clearInterval(poll);
    poll = 0;
  }

  async function look() {
    try {
      const answer = await fetch(address(path.replace("/live", "/live/now")), { headers: { "HX-Request": "true" } });
      if (answer.status === 401) return signedOut();
      if (answer.status === 200) {
        const now = await answer.json();
        seen = now.seen;
        put(now.parts);
      }
      if (answer.ok) {
        freshAt = Date.now();
        out = false;
      }
    } catch {
      // The line is down; the page says how old it is, and the next look comes by itself.
    }
    if (!source && !out) follow();
  }

  // The session ended. A page on which somebody has typed stays: its words are kept, or sent after signing in again.
  document.addEventListener("input", () => { typed = true; });
  function signedOut() {
    if (!typed) return location.reload();
    out = true;
    unfollow();
    clearInterval(poll);
  }
  document.addEventListener("htmx:before:response", (event) => {
    if (event.detail.ctx.response.status !== 401 || !typed) return;
    event.preventDefault();
    signedOut();
  });

  document.addEventListener("visibilitychange", () => (document.hidden ? unfollow() : (look(), follow())));
  addEventListener("pagehide", unfollow);

  const label = document.getElementById("fresh");
  setInterval(() => {
    if (!label) return;
    const old = Date.now() - freshAt;
    const open = source && source.readyState === EventSource.OPEN && !poll;
    if (open) freshAt = Date.now();
    label.classList.toggle("stale", !open && old > CUT_AFTER_MS);
    if (out) {
      label.classList.add("stale");
      label.textContent = label.dataset.out;
      return;
    }
    const text = old > CUT_AFTER_MS ? label.dataset.cut : label.dataset.text;
    label.textContent = text.replace("{n}", String(Math.round(open ? 0 : old / 1000)));
  }, 1000);

  follow();
})();
