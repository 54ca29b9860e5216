// A long file goes up, and how far it is shows: first what has left here, then what the server has stored of it.
(() => {
  const form = document.querySelector("[data-upload]");
  if (!form) return;
  const bar = form.querySelector("progress");
  const box = form.querySelector(".progress");
  const says = box.querySelector("p");
  const bad = form.querySelector(".notice.bad");
  const good = form.querySelector(".notice.good");
  const button = form.querySelector("button");
  const number = new Intl.NumberFormat(document.documentElement.lang);

  function show(part, text) {
    if (part === null) bar.removeAttribute("value");
    else bar.value = part;
    says.textContent = text;
  }

  function end(problem) {
    box.hidden = true;
    button.disabled = false;
    bad.hidden = !problem;
    bad.textContent = problem || "";
  }

  function stored(line) {
    if (!line.of) return show(null, form.dataset.reading);
    show(line.stored / line.of, form.dataset.storing.replace("{n}", number.format(line.stored)).replace("{of}", number.format(line.of)));
  }

  function done(line) {
    end(line.problem);
    if (line.problem) return;
    good.querySelector("p").textContent = line.says;
    good.querySelector("ul").replaceChildren(...line.rejected.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }));
    good.hidden = false;
    form.reset();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (button.disabled) return;
    const file = form.elements.file.files[0];
    const ask = new XMLHttpRequest();
    ask.open("POST", form.action + "?name=" + encodeURIComponent(form.elements.name.value));
    ask.setRequestHeader("X-CSRF-Token", form.elements.csrf.value);
    ask.setRequestHeader("Content-Type", "text/plain");
    ask.setRequestHeader("Accept", "application/x-ndjson");
    ask.upload.addEventListener("progress", (far) => {
      show(far.loaded / far.total, form.dataset.sending.replace("{n}", Math.floor((100 * far.loaded) / far.total)));
    });
    ask.upload.addEventListener("load", () => show(null, form.dataset.reading));
    ask.addEventListener("progress", () => {
      const lines = ask.responseText.split("\n").slice(0, -1);
      if (lines.length && lines.at(-1).includes('"stored"')) stored(JSON.parse(lines.at(-1)));
    });
    ask.addEventListener("load", () => {
      const last = ask.responseText.trimEnd().split("\n").at(-1) || "";
      if (ask.status === 200 && /"(says|problem)"/.test(last)) done(JSON.parse(last));
      else end(form.dataset.failed);
    });
    ask.addEventListener("error", () => end(form.dataset.failed));
    button.disabled = true;
    bad.hidden = good.hidden = true;
    box.hidden = false;
    show(0, form.dataset.sending.replace("{n}", 0));
    ask.send(file);
  });
})();
