// The dialog that searches everything. Without it, its link leads to a page that does the same.
"use strict";

(() => {
  const DELAY = 120; // milliseconds after the last key
  const template = document.getElementById("search-template");
  if (!template || !("HTMLDialogElement" in window)) return;
  const dialog = document.importNode(template.content.querySelector("dialog"), true); // on the page while it is open
  const part = (name) => dialog.querySelector(`#search-${name}`);
  const input = part("words"), list = part("options"), hint = part("hint"), status = part("status");
  const firstHint = hint.textContent;
  let waiting = 0; // the timer of the next question
  let asking = null; // the question under way: an answer to any other is dropped
  let answered = ""; // the words that the list is about
  let chosen = ""; // the address that someone has gone to in the list, since the last key

  const options = () => [...list.querySelectorAll("[role=option]")];
  const active = () => list.querySelector("[aria-selected=true]");

  const choose = (option) => {
    active()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option ? input.setAttribute("aria-activedescendant", option.id) : input.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  };
  const goTo = (option) => {
    choose(option);
    chosen = option.href;
  };

  const show = (html) => {
    list.innerHTML = html;
    const about = list.querySelector("[data-summary]");
    status.textContent = about?.dataset.summary ?? "";
    hint.textContent = about ? about.dataset.hint || (options().length ? "" : about.dataset.summary) : firstHint;
    hint.hidden = !hint.textContent;
    input.setAttribute("aria-expanded", options().length > 0);
    const kept = options().find((option) => option.href === chosen);
    if (!kept) chosen = "";
    choose(kept || options()[0]);
  };

  const fail = () => {
    show("");
    hint.hidden = false;
    status.textContent = hint.textContent = "Rollcall can't be reached. Try again in a moment.";
  };

  const ask = async () => {
    clearTimeout(waiting);
    asking?.abort();
    const words = input.value.trim(), mine = asking = new AbortController();
    if (!words) {
      answered = "";
      show("");
      return;
    }
    try {
      const answer = await fetch(`${dialog.dataset.address}?q=${encodeURIComponent(words)}`, {
        headers: { "HX-Request": "true", "HX-Target": list.id }, signal: mine.signal,
      });
      const html = await answer.text();
      if (mine !== asking) return;
      if (answer.redirected || answer.headers.get("HX-Redirect")) location.reload(); // no longer signed in
      else if (!answer.ok) fail();
      else {
        answered = words;
        show(html);
      }
    } catch (problem) {
      if (mine === asking && problem.name !== "AbortError") fail();
    }
  };

  const open = () => {
    if (document.querySelector("dialog:modal")) return;
    document.body.append(dialog);
    dialog.showModal();
    dialog.dispatchEvent(new CustomEvent("search-opened", { bubbles: true }));
    input.select();
    if (input.value.trim()) ask();
  };
  const close = () => {
    if (dialog.open) dialog.dispatchEvent(new CustomEvent("search-closed", { bubbles: true }));
    hide();
  };
  const hide = () => {
    clearTimeout(waiting);
    asking?.abort();
    asking = null;
    dialog.close(); // the browser gives the focus back
    dialog.dispatchEvent(new CustomEvent("search-hidden", { bubbles: true })); // what is kept inside it may leave
    dialog.remove();
  };

  input.addEventListener("input", () => {
    clearTimeout(waiting);
    chosen = "";
    waiting = setTimeout(ask, DELAY);
  });

  const MOVES = { ArrowDown: 1, ArrowUp: -1 };
  input.addEventListener("keydown", async (event) => {
    if (event.isComposing) return;
    if (event.key in MOVES) {
      event.preventDefault();
      const all = options();
      if (all.length) goTo(all[(all.indexOf(active()) + MOVES[event.key] + all.length) % all.length]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      const meant = chosen;
      if (input.value.trim() !== answered) await ask(); // what is written, not what was found before
      if (input.value.trim() === answered && chosen === meant) active()?.click();
    }
  });

  list.addEventListener("pointermove", (event) => {
    const option = event.target.closest("[role=option]");
    if (option && option !== active()) goTo(option);
  });

  document.addEventListener("keydown", (event) => {
    const field = event.target.closest?.("input, textarea, select, [contenteditable]");
    const slash = event.key === "/" && !field && !event.ctrlKey && !event.metaKey && !event.altKey;
    const k = event.key?.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if ((!slash && !k) || event.isComposing || document.querySelector("dialog:modal:not(#search-dialog)")) return;
    event.preventDefault();
    open();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-search]") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      open();
    } else if (event.target.closest("[data-search-close]") || event.target === dialog) {
      close();
    }
  });
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); event.stopPropagation(); close(); });
  addEventListener("pageshow", (event) => { if (event.persisted && dialog.open) close(); });
  document.addEventListener("search-asked", open);
  document.addEventListener("search-left", hide);

  // What was found takes the place of the search in the history: Back leads to the page from which one searched.
  list.addEventListener("click", (event) => {
    const found = event.target.closest("a[href]");
    if (!found || !history.state?.dialog || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    location.replace(found.href);
  });
})();
