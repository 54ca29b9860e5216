// Compose: each chosen file goes up at once and comes back as a ticked box of the form; unticking leaves it out.
(() => {
  const field = document.querySelector("[data-attach]");
  if (!field) return;
  const form = field.form;
  const list = document.getElementById("attached");
  const says = document.getElementById("attach-says");

  async function send(file) {
    const body = new FormData();
    body.append("file", file);
    const headers = { "HX-Request": "true", "X-CSRF-Token": form.elements.csrf.value };
    try {
      const answer = await fetch("/attachments", { method: "POST", body, headers });
      const html = await answer.text();
      if (answer.ok) list.insertAdjacentHTML("beforeend", html);
      else if (answer.headers.get("Content-Type").startsWith("text/html") && html.includes("field-says")) says.insertAdjacentHTML("beforeend", html);
      else throw new Error(answer.status);
    } catch {
      const line = document.createElement("span");
      line.className = "field-says";
      line.textContent = says.dataset.failed;
      says.append(line);
    }
  }

  field.addEventListener("change", async (event) => {
    event.stopPropagation();
    says.replaceChildren();
    field.disabled = true;
    list.setAttribute("aria-busy", "true");
    const most = Number(field.dataset.most);
    for (const file of field.files) {
      // Too large ones are not even sent: the server would refuse them, after minutes on a bad line.
      if (file.size <= most) await send(file);
      else says.insertAdjacentText("beforeend", says.dataset.large + " ");
    }
    field.value = "";
    field.disabled = false;
    list.removeAttribute("aria-busy");
    field.focus();
    list.dispatchEvent(new Event("change", { bubbles: true }));
  });
})();
