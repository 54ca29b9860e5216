// An editor's form is kept in this browser while it is typed: whoever leaves and comes back to the same version finds it
// as it was, and is told so. A version that somebody else has saved meanwhile is not written over.
(() => {
  const form = document.querySelector("[data-keep]");
  if (!form) return;
  const key = "loa-kept " + form.getAttribute("action");
  const notice = document.querySelector("[data-kept]");
  const version = (form.elements.version || form.elements.mark).value;
  const refused = document.querySelector("main [role=alert]") !== null;
  const own = (field) => field.name && !["hidden", "submit", "file", "password"].includes(field.type) && field.tagName !== "BUTTON";
  const ticked = (field) => ["checkbox", "radio"].includes(field.type);

  function read() {
    const fields = [...form.elements].filter(own);
    return fields.map((field) => [field.name, ticked(field) ? field.value : "", ticked(field) ? field.checked : field.value]);
  }

  function write(kept) {
    for (const [name, value, typed] of kept) {
      for (const field of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
        if (!own(field)) continue;
        if (!ticked(field)) field.value = typed;
        else if (field.value === value) field.checked = typed;
      }
    }
  }

  function forget() {
    localStorage.removeItem(key);
    notice.hidden = true;
  }

  const original = JSON.stringify(read());
  const found = JSON.parse(localStorage.getItem(key) || "null");
  if (found && (refused || found.version !== version)) localStorage.removeItem(key);
  else if (found && JSON.stringify(found.fields) !== original) {
    write(found.fields);
    notice.querySelector("span").textContent = notice.dataset.kept.replace("{at}", found.at);
    notice.hidden = false;
    form.dispatchEvent(new Event("input", { bubbles: true }));
  }

  notice.querySelector("button").addEventListener("click", () => {
    write(JSON.parse(original));
    forget();
    form.dispatchEvent(new Event("change", { bubbles: true }));
  });
  form.addEventListener("input", (event) => {
    if (!event.isTrusted) return;
    const at = new Date().toLocaleTimeString("vi-VN", { timeZone: "Asia/Ho_Chi_Minh", hour: "2-digit", minute: "2-digit" });
    localStorage.setItem(key, JSON.stringify({ version, at, fields: read() }));
  });
  form.addEventListener("submit", () => { if (!version) localStorage.removeItem(key); });
})();
