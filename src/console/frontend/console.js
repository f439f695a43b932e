// What makes the console's pages more comfortable; each of them works without it. No word of ours is in here: the page brings them.

// After a form came back with errors, the list of them has the focus.
document.querySelector(".govuk-error-summary, .notice[role=alert]")?.focus();

// A form is sent once: a second press within its way is not a second decision.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
  // A file to be saved leaves the page as it is: it may be asked for again.
  setTimeout(() => again(form), 5000);
});

function again(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
}

// The page that "back" brings out of memory is a fresh one.
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const form of document.forms) again(form);
});

// Characters left: <div data-limit="500"> around a field, with <p data-left data-many="… {n} …" data-over="… {n} …">.
for (const box of document.querySelectorAll("[data-limit]")) {
  const field = box.querySelector("textarea, input");
  const left = box.querySelector("[data-left]");
  if (!field || !left) continue;
  let later = 0;
  const tell = () => {
    const n = Number(box.dataset.limit) - [...field.value].length;
    left.textContent = (n < 0 ? left.dataset.over : left.dataset.many).replace("{n}", String(Math.abs(n)));
    left.classList.toggle("govuk-error-message", n < 0);
  };
  field.addEventListener("input", () => {
    clearTimeout(later);
    later = setTimeout(tell, 500);
  });
  tell();
}

// Every row at once: <input type="checkbox" data-all="NAME">, shown only here, for the boxes of that name; [data-count="NAME"] says how many.
for (const all of document.querySelectorAll("[data-all]")) {
  const boxes = [...document.getElementsByName(all.dataset.all)].filter((box) => box !== all);
  const count = document.querySelector(`[data-count="${CSS.escape(all.dataset.all)}"]`);
  all.closest("[hidden]")?.removeAttribute("hidden");
  const tell = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    all.checked = ticked > 0 && ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
    if (count) count.textContent = (count.dataset.many ?? "{n}").replace("{n}", String(ticked));
  };
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    tell();
  });
  for (const box of boxes) box.addEventListener("change", tell);
  tell();
}

// Copy: <button type="button" hidden data-copy="ID" data-done="Copied">.
for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  if (!source || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
      button.textContent = button.dataset.done;
    } catch {
      button.hidden = true;
    }
  });
}

// News: <p role="status" data-live="URL"><a hidden href="…"></a></p>. Each `news` event is a whole sentence, which becomes the words of
// the link; an empty one takes it away. Nothing in the page moves, nothing takes the focus.
for (const region of document.querySelectorAll("[data-live]")) {
  const link = region.querySelector("a");
  if (!link) continue;
  const source = new EventSource(region.dataset.live);
  source.addEventListener("news", (event) => {
    link.textContent = event.data;
    link.hidden = event.data === "";
  });
  addEventListener("pagehide", () => source.close());
}
