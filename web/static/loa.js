// What the pages do in the browser beyond links and forms. Everything still works without it, only less comfortably.
(() => {
  const body = document.body;

  // -- the clock, ages and countdowns ------------------------------------------------------------------------------
  const clock = document.getElementById("clock");
  const ahead = clock ? Number(clock.dataset.now) - Date.now() : 0;
  const zone = new Intl.DateTimeFormat("vi-VN", {
    timeZone: "Asia/Ho_Chi_Minh", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
  });
  const units = [["days", 86400], ["hours", 3600], ["minutes", 60], ["seconds", 1]];

  function span(seconds) {
    const whole = Math.max(0, Math.floor(seconds));
    const [unit, size] = units.find(([, one]) => whole >= one) || units[3];
    return body.getAttribute("data-age-" + unit).replace("{n}", String(Math.floor(whole / size)));
  }

  function tick() {
    const now = Date.now() + ahead;
    if (clock) clock.textContent = zone.format(now);
    for (const one of document.querySelectorAll("[data-age]")) one.textContent = span(now / 1000 - Number(one.dataset.age));
    for (const one of document.querySelectorAll("[data-due]")) {
      const left = Math.max(0, Math.round(Number(one.dataset.due) - now / 1000));
      one.textContent = String(Math.floor(left / 60)).padStart(2, "0") + ":" + String(left % 60).padStart(2, "0");
    }
  }
  setInterval(tick, 1000);
  tick();

  // -- day and night -----------------------------------------------------------------------------------------------
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("loa-theme", root.dataset.theme);
  });

  // On a narrow screen the second row of tabs scrolls: what is open is in sight.
  for (const here of document.querySelectorAll("nav.section [aria-current]")) here.scrollIntoView({ inline: "center", block: "nearest" });

  // Menus close when something else is touched.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll(".me[open], .lights[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  // -- a form is sent once -----------------------------------------------------------------------------------------
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.hasAttribute("data-once")) return;
    if (form.dataset.sent && !form.hasAttribute("hx-post")) return event.preventDefault();
    form.dataset.sent = "1";
    setTimeout(() => { for (const one of form.querySelectorAll("button")) one.disabled = true; }, 0);
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      for (const one of form.querySelectorAll("button")) one.disabled = false;
    }
  });

  // -- roll-call ---------------------------------------------------------------------------------------------------
  const tiles = document.getElementById("tiles");
  const detail = document.getElementById("detail");

  function filter(state) {
    tiles.dataset.filter = state;
    for (const link of document.querySelectorAll("[data-set-filter]")) {
      if (link.dataset.setFilter === state) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    hideEmpty();
  }

  function hideEmpty() {
    const state = tiles.dataset.filter;
    for (const district of tiles.querySelectorAll(".district-tiles")) {
      const shown = [...district.querySelectorAll(".tile")].some((tile) => !tile.hidden && (!state || tile.dataset.state === state));
      district.hidden = !shown;
    }
  }

  if (tiles) {
    document.addEventListener("click", (event) => {
      const link = event.target.closest("[data-set-filter]");
      if (!link || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      filter(link.dataset.setFilter);
      history.replaceState(null, "", link.href);
    });
    tiles.addEventListener("click", (event) => {
      const tile = event.target.closest(".tile");
      if (!tile || event.ctrlKey || event.metaKey || !window.htmx) return;
      event.preventDefault();
      htmx.ajax("GET", tile.getAttribute("href"), { target: "#detail", swap: "innerHTML" });
    });
    const search = document.querySelector("[data-search-tiles]");
    const wanted = () => search.value.trim().toLowerCase();
    const apply = () => {
      for (const tile of tiles.querySelectorAll(".tile")) tile.hidden = !tile.dataset.name.includes(wanted());
      hideEmpty();
    };
    search.addEventListener("input", apply);
    document.addEventListener("loa:parts", (event) => {
      filter(tiles.dataset.filter);
      if (wanted()) apply();
      const open = detail.querySelector("[data-unit]");
      const typing = detail.querySelector("input:focus");
      if (open && !typing && event.detail.includes("u-" + open.dataset.unit)) {
        const tile = document.getElementById("u-" + open.dataset.unit);
        htmx.ajax("GET", tile.getAttribute("href"), { target: "#detail", swap: "innerHTML" });
      }
    });
    document.addEventListener("click", (event) => { if (event.target.closest("[data-close]")) detail.replaceChildren(); });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") detail.replaceChildren(); });
    // On a phone a district that is done is one line.
    if (matchMedia("(max-width: 44rem)").matches) for (const done of tiles.querySelectorAll("[data-done]")) done.open = false;
    filter(tiles.dataset.filter);
  }

  // -- a text to post by hand ---------------------------------------------------------------------------------------
  document.addEventListener("click", async (event) => {
    const copy = event.target.closest("[data-copy]");
    if (!copy) return;
    const text = document.getElementById(copy.dataset.copy);
    text.select();
    try { await navigator.clipboard.writeText(text.value); } catch { document.execCommand("copy"); }
    copy.textContent = copy.dataset.copied;
  });

  // -- compose -----------------------------------------------------------------------------------------------------
  const compose = document.getElementById("compose");
  if (compose) {
    const reach = () => { compose.dataset.reach = compose.querySelector("[name=reach]:checked").value; };
    const count = (district) => {
      const chosen = district.querySelectorAll("input:checked").length;
      district.querySelector("[data-chosen]").textContent = chosen ? chosen + "/" : "";
    };
    compose.addEventListener("change", (event) => {
      reach();
      if (event.target.name === "unit") count(event.target.closest(".district"));
      if (event.target.name === "mode") document.documentElement.dataset.mode = event.target.value;
    });
    compose.addEventListener("click", (event) => {
      const all = event.target.closest("[data-all]");
      if (!all) return;
      const district = all.closest(".district");
      const boxes = [...district.querySelectorAll("input")];
      const on = boxes.some((box) => !box.checked);
      for (const box of boxes) box.checked = on;
      count(district);
      boxes[0].dispatchEvent(new Event("change", { bubbles: true }));
    });
    // An update marks what it changes, while it is typed.
    compose.addEventListener("input", (event) => {
      const was = event.target.closest("label")?.querySelector("[data-was]");
      if (!was) return;
      was.hidden = event.target.value.trim() === was.dataset.was.trim();
      was.parentElement.classList.toggle("changed", !was.hidden);
    });
    compose.querySelector("[data-filter-units]").addEventListener("input", (event) => {
      event.stopPropagation();
      const wanted = event.target.value.trim().toLowerCase();
      for (const district of compose.querySelectorAll(".district")) {
        let any = false;
        for (const chip of district.querySelectorAll("[data-find]")) {
          chip.hidden = Boolean(wanted) && !chip.dataset.find.includes(wanted);
          any = any || !chip.hidden;
        }
        district.hidden = !any;
        district.open = Boolean(wanted) ? any : Boolean(district.querySelector("input:checked"));
      }
    });
    reach();
  }

  // -- approving: the button wakes when the number is right --------------------------------------------------------
  const number = document.querySelector("[data-expect]");
  if (number) {
    const button = number.form.querySelector("button");
    const check = () => { button.disabled = number.value.replace(/[.,\s]/g, "") !== number.dataset.expect; };
    number.addEventListener("input", check);
    check();
    addEventListener("pageshow", check);
  }

  // -- what rings until somebody takes it --------------------------------------------------------------------------
  let audio = null;
  let help = Number(document.getElementById("counters")?.dataset.help || 0);
  const ring = document.getElementById("ring");
  document.addEventListener("click", (event) => { if (event.target.closest("[data-print]")) window.print(); });
  const ringing = () => document.querySelector("[data-ring], .pill.alarm") !== null;

  function beep(times) {
    try {
      audio = audio || new AudioContext();
      if (audio.state === "suspended") audio.resume();
      for (let n = 0; n < times; n += 1) {
        const tone = audio.createOscillator();
        const level = audio.createGain();
        tone.frequency.value = n % 2 ? 660 : 880;
        level.gain.setValueAtTime(0.25, audio.currentTime + n * 0.3);
        level.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + n * 0.3 + 0.28);
        tone.connect(level).connect(audio.destination);
        tone.start(audio.currentTime + n * 0.3);
        tone.stop(audio.currentTime + n * 0.3 + 0.29);
      }
    } catch {
      // No sound here; the red bar is there all the same.
    }
    ring.hidden = !audio || audio.state === "running";
  }

  setInterval(() => { if (ringing()) beep(3); else ring.hidden = true; }, 3000);
  document.addEventListener("click", (event) => { if (event.target.closest("[data-sound]")) beep(1); });
  document.addEventListener("loa:parts", () => {
    const now = Number(document.getElementById("counters")?.dataset.help || 0);
    if (now > help) beep(2);
    help = now;
  });
})();
