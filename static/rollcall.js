// What a page needs beyond htmx: dialogs, toasts, menus, copying, and patience with clicks. Everything works without it.
"use strict";

(() => {
  let opener = null; // the id or the element that a dialog was opened from

  const FIRST = "[autofocus], .dialog-body input:not([type=hidden]):not([readonly]), .dialog-body select, .dialog-body textarea";
  const focusIn = (dialog) => (dialog.querySelector(FIRST) || dialog.querySelector("h2")).focus();

  // Dialogs: whatever lands in #dialog is shown modally; the browser gives the focus back when it closes.
  // `asked` is the address that answers with it, "" for the answer to a form, which can't be asked for again.
  const showDialog = (dialog, asked) => {
    if (!dialog || dialog.matches(":modal")) return;
    opener = document.activeElement;
    dialog.removeAttribute("open");
    remember(dialog, asked);
    dialog.showModal();
    raise();
    focusIn(dialog);
  };

  // Every dialog is in the address: Back closes it, a reload and a second tab open it again. `?report=3` and `?check=5`
  // are short for two of them, any other is `?dialog=/apps/1/name`. The answer to a form leaves the address as it is.
  const SHORT = ["report", "check"], NAMES = [...SHORT, "dialog"], LONGEST = 4000; // characters of an address
  const isNamed = (address = location) => NAMES.some((name) => new URL(address).searchParams.has(name));
  const withoutDialog = (address = location) => {
    const url = new URL(address);
    if (isNamed(address)) NAMES.forEach((name) => url.searchParams.delete(name));
    return url;
  };
  const withDialog = ({ name, number }, asked) => {
    const url = withoutDialog(), own = new URL(asked, location);
    ["back", "csrf_token"].forEach((other) => own.searchParams.has(other) && own.searchParams.delete(other));
    const isShort = name && (name !== "check" || /\/apps\/\d+/.test(location.pathname));
    const query = isShort ? `${name}=${number}` : `dialog=${encodeURIComponent(own.pathname + own.search).replaceAll("%2F", "/")}`;
    url.search += `${url.search ? "&" : "?"}${query}`;
    return url.href.length > LONGEST ? withoutDialog() : url;
  };
  let openAt = ""; // the address at which the open dialog was shown
  let steppedBack = null; // what is to be done when the browser has stepped back from a dialog that was closed
  const remember = (dialog, asked) => {
    if (steppedBack) {
      steppedBack = () => remember(dialog, asked);
      return;
    }
    const { dataset } = dialog;
    const url = asked || dataset.name ? withDialog(dataset, asked) : new URL(location), entry = Boolean(history.state?.dialog);
    if (entry || isNamed()) history.replaceState({ dialog: entry }, "", url);
    else {
      if (history.state?.htmx) history.replaceState(null, ""); // htmx would load the page again, where only a dialog closes
      history.pushState({ dialog: true }, "", url);
    }
    openAt = location.href;
  };
  const forget = () => {
    openAt = "";
    if (steppedBack) steppedBack = followAddress;
    else if (history.state?.dialog) {
      steppedBack = followAddress;
      history.back();
    } else if (isNamed()) history.replaceState(null, "", withoutDialog());
  };
  const addressOfDialog = () => {
    const params = new URL(location).searchParams, { root, ...short } = document.getElementById("dialog")?.dataset || {};
    if (!root) return "";
    const name = SHORT.find((each) => /^\d+$/.test(params.get(each) || "")), app = location.pathname.match(/\/apps\/(\d+)/)?.[1];
    const asked = name ? short[name].replace("/apps/0/", `/apps/${app}/`).replace(/0$/, params.get(name)) : params.get("dialog") || "";
    if (name === "check" && !app || !asked.startsWith("/")) return "";
    const url = new URL(asked, location);
    if (url.origin !== location.origin || !url.pathname.startsWith(root)) return "";
    url.searchParams.set("back", withoutDialog().pathname + withoutDialog().search);
    return url.pathname + url.search;
  };
  const isSearch = (address) => address.split("?")[0] === document.getElementById("search-link")?.pathname;
  const followAddress = () => {
    const open = document.querySelector("dialog:modal"), address = addressOfDialog();
    if (isSearch(address)) document.dispatchEvent(new CustomEvent("search-asked"));
    else if (address && openAt !== location.href) htmx.ajax("GET", address, { target: "#dialog", swap: "innerHTML", select: "dialog" });
    else if (!address && open) open.id === "search-dialog" ? document.dispatchEvent(new CustomEvent("search-left")) : closeDialog(open);
    else if (!address && isNamed()) history.replaceState(null, "", withoutDialog());
  };
  const nothingOpened = () => { if (isNamed()) history.replaceState(history.state?.dialog ? { dialog: true } : null, "", withoutDialog()); };
  document.addEventListener("search-opened", ({ target }) => remember(target, target.dataset.address));
  document.addEventListener("search-closed", forget);

  // The page that is shown may be another than that of the address after Back: it is loaded then. Where Back came while
  // the page was being loaded, the browser knows at which address that began.
  const page = (address = location) => withoutDialog(address).pathname + withoutDialog(address).search;
  const load = performance.getEntriesByType("navigation")[0];
  let shown = page(load?.type !== "navigate" && load?.name.startsWith(location.origin) ? load.name : location);
  if (shown !== page()) location.reload();
  const nowShown = () => { shown = page(); };
  document.addEventListener("htmx:pushedIntoHistory", nowShown);
  document.addEventListener("htmx:replacedInHistory", nowShown);
  addEventListener("popstate", () => {
    const next = steppedBack || followAddress;
    steppedBack = null;
    page() === shown ? next() : location.reload();
  });
  document.addEventListener("DOMContentLoaded", followAddress);

  // A late answer takes the place of nothing newer: of two dialogs that were asked for, the later one is shown, and a page
  // doesn't close a dialog that was opened while it was on its way.
  const openDialog = () => document.querySelector("#page dialog:modal");
  let lastAsked = null; // for a dialog
  document.addEventListener("htmx:beforeRequest", ({ detail: { target, requestConfig } }) => {
    requestConfig.openDialog = openDialog();
    if (target.id === "dialog" && requestConfig.verb === "get") lastAsked = requestConfig;
  });
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const { target, requestConfig: asked } = detail;
    if (asked?.verb !== "get") return;
    const closes = target.id === "page" && openDialog() && openDialog() !== asked.openDialog;
    if (closes || target.id === "dialog" && asked !== lastAsked) detail.shouldSwap = false;
  });

  // A page that follows a dialog takes its place in the history. Enter changes a field and submits its form: the address
  // that is shown already is not a second step back either.
  let follows = false;
  document.addEventListener("htmx:beforeSwap", ({ detail: { target, shouldSwap } }) => {
    if (target.id !== "page" || !shouldSwap) return;
    openDialog()?.close(); // Chromium 156 crashes where a modal one is moved
    follows = Boolean(history.state?.dialog);
    openAt = "";
    if (isNamed()) history.replaceState(null, "", withoutDialog());
  });
  document.addEventListener("htmx:beforeHistoryUpdate", ({ detail: { history: update } }) => {
    const same = update.path === location.pathname + location.search;
    if (same || follows) update.type = "replace";
    if (same && follows) addEventListener("htmx:replacedInHistory", () => history.back(), { once: true });
    follows = false;
  });

  const closeDialog = (dialog) => {
    forget();
    dialog.close();
    raise();
    dialog.remove();
    if (dialog.querySelector("[data-renews]")) htmx.ajax("GET", page(), { target: "#page", select: "#page", swap: "morph:outerHTML" });
    if (document.activeElement !== document.body) return;
    const back = opener && opener.id ? document.getElementById(opener.id) : opener;
    (back && back.isConnected ? back : document.getElementById("main"))?.focus();
  };

  // A dialog that is a page of its own (dialog_page.html) is followed by the page of its next step, and its place is taken
  // by its form with an error.
  const ownPage = (elt) => elt?.closest("main dialog[open]:not(:modal)");
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, target, requestConfig, pathInfo } = event.detail;
    if (requestConfig.verb !== "get" || target.id !== "dialog" || !ownPage(elt)) return;
    event.preventDefault();
    location.assign(pathInfo.finalRequestPath);
  });
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.shouldSwap && detail.target.contains(toasts())) document.body.append(toasts());
    const own = ownPage(detail.requestConfig?.elt);
    if (own && detail.target.id === "dialog") Object.assign(detail, { target: own, swapOverride: "outerHTML" });
  });
  document.addEventListener("htmx:afterSwap", ({ detail: { target, requestConfig, pathInfo } }) => {
    raise();
    document.querySelectorAll("main dialog:not([open])").forEach((dialog) => { dialog.setAttribute("open", ""); focusIn(dialog); });
    const holder = document.getElementById("dialog");
    if (!holder || target !== holder && !holder.contains(target)) return;
    const dialog = holder.querySelector("dialog");
    showDialog(dialog, target === holder && requestConfig?.verb === "get" ? pathInfo.finalRequestPath : "");
    if (!dialog) nothingOpened();
  });
  document.addEventListener("htmx:responseError", ({ detail: { target } }) => {
    if (target?.id === "dialog" && !document.querySelector("dialog:modal")) nothingOpened();
  });

  // A line under the head of a dialog once its rows are scrolled below it.
  document.addEventListener("scroll", (event) => {
    if (event.target.matches?.(".dialog-body")) event.target.toggleAttribute("data-scrolled", event.target.scrollTop > 0);
  }, true);

  // Escape.
  document.addEventListener("cancel", (event) => {
    if (!event.target.matches?.("dialog:modal:not(#search-dialog)")) return; // search.js closes that one, and keeps it
    event.preventDefault();
    closeDialog(event.target);
  }, true);
  document.addEventListener("close", () => raise(), true);
  document.addEventListener("search-hidden", () => raise());

  document.addEventListener("click", (event) => {
    const close = event.target.closest("[data-close]");
    const dialog = close?.closest("dialog:modal");
    if (dialog) {
      event.preventDefault();
      closeDialog(dialog);
    } else if (event.target.matches("dialog:modal") && !event.target.querySelector("form")) {
      closeDialog(event.target); // the veil around a dialog that asks for nothing
    }
  });

  // Fields that are asked for only where another has a certain value.
  const showFields = () => document.querySelectorAll("[data-when]").forEach((input) => {
    const [name, value] = input.dataset.when.split("=");
    const asked = input.form?.elements[name]?.value === value;
    input.disabled = !asked;
    input.closest(".field").hidden = !asked;
  });
  document.addEventListener("change", (event) => { if (event.target.form?.querySelector("[data-when]")) showFields(); });
  document.addEventListener("htmx:afterSettle", showFields);
  showFields();

  // The box in a table's head ticks every row's; it shows whether all are ticked.
  const ticksOf = (table) => [...table.querySelectorAll("td.tick input[type=checkbox]")];
  const showTicks = () => document.querySelectorAll("[data-ticks]").forEach((all) => {
    const boxes = ticksOf(all.closest("table"));
    all.hidden = !boxes.length;
    all.checked = boxes.length > 0 && boxes.every((box) => box.checked);
    all.indeterminate = !all.checked && boxes.some((box) => box.checked);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-ticks]")) ticksOf(event.target.closest("table")).forEach((box) => { box.checked = event.target.checked; });
    if (event.target.closest(".tick")) showTicks();
  });
  document.addEventListener("htmx:afterSettle", showTicks);
  showTicks();

  // What can be done with ticked rows is at the bottom of the window, while there are any.
  const showBulk = () => document.querySelectorAll("form[data-bulk]").forEach((bar) => {
    const whole = bar.querySelector("[data-all]");
    const ticked = [...bar.elements].filter((box) => box.name === "account" && box.checked).length;
    if (!ticked && whole) whole.checked = false;
    const count = whole?.checked ? Number(whole.dataset.all) : ticked;
    bar.hidden = !count;
    bar.querySelector("[data-bulk-count]").textContent = `${count.toLocaleString("en")} selected`;
    bar.querySelector("[data-bulk-clear]").hidden = false;
  });
  document.addEventListener("change", (event) => { if (event.target.form?.matches("[data-bulk]") || event.target.matches("[data-ticks]")) showBulk(); });
  document.addEventListener("reset", (event) => { if (event.target.matches("[data-bulk]")) setTimeout(() => { showTicks(); showBulk(); }); });
  document.addEventListener("htmx:afterSettle", showBulk);
  addEventListener("pageshow", showBulk);
  showBulk();

  // An address has only what was chosen.
  document.addEventListener("formdata", (event) => {
    if (event.target.matches("[data-lean]")) [...event.formData.keys()].forEach((name) => { if (!event.formData.get(name)) event.formData.delete(name); });
  });

  // Menus: one open at a time, seen to its end, closed by a click elsewhere, by Escape, and by choosing.
  const closeMenus = (except) => document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (menu !== except) menu.removeAttribute("open");
  });
  document.addEventListener("click", (event) => {
    const menu = event.target.closest("details.menu");
    closeMenus(event.target.closest(".menu-list") ? null : menu);
  });
  document.addEventListener("toggle", ({ target }) => {
    if (target.matches("details.menu[open]")) target.querySelector(".menu-list")?.scrollIntoView({ block: "nearest" });
  }, true);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = event.target.closest?.("details.menu[open]");
    closeMenus(null);
    menu?.querySelector("summary").focus();
  });

  // Toasts. They are kept inside an open dialog, since all else is inert then, and in the top layer.
  // News goes by itself; what needs attention stays until dismissed.
  const SHOWN_FOR = 6000, SHOWN_WITH_UNDO = 15000;
  const toasts = () => document.getElementById("toasts");

  const raise = () => {
    const holder = toasts();
    const home = document.querySelector("dialog:modal") || document.body;
    if (!holder.showPopover) return;
    if (holder.parentElement !== home) home.append(holder);
    holder.setAttribute("popover", "manual");
    const shown = holder.matches(":popover-open");
    if (holder.children.length && !shown) holder.showPopover();
    if (!holder.children.length && shown) holder.hidePopover();
  };

  const dismiss = (toast) => { toast.remove(); if (!toasts().children.length) raise(); };

  const live = (toast, tone) => {
    toast.querySelector(".icon-button")?.addEventListener("click", () => dismiss(toast));
    if (toast.querySelector("[hx-get]")) return;
    const undo = toast.querySelector("form, [hx-delete]");
    undo?.addEventListener("htmx:afterRequest", () => dismiss(toast));
    if (tone === "attention") return;
    let timer = setTimeout(() => dismiss(toast), undo ? SHOWN_WITH_UNDO : SHOWN_FOR);
    toast.addEventListener("focusin", () => clearTimeout(timer));
    toast.addEventListener("pointerenter", () => clearTimeout(timer));
    toast.addEventListener("pointerleave", () => { timer = setTimeout(() => dismiss(toast), SHOWN_FOR / 2); });
  };

  const undoButton = (address) => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button button-link", textContent: "Undo" });
    button.setAttribute("hx-delete", address);
    button.setAttribute("hx-target", "#dialog");
    return button;
  };

  const showTone = (toast, tone) => {
    toast.querySelector(".toast-ok")?.toggleAttribute("hidden", tone !== "ok");
    toast.querySelector(".toast-attention")?.toggleAttribute("hidden", tone === "ok");
  };

  const say = (text, tone = "ok", undo = "", follow = "") => {
    const toast = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
    showTone(toast, tone);
    const words = toast.querySelector("span");
    words.textContent = text;
    if (follow) Object.entries({ "hx-get": follow, "hx-trigger": "every 2s" }).forEach(([name, value]) => words.setAttribute(name, value));
    if (undo) toast.querySelector("span").after(undoButton(undo));
    toasts().append(toast);
    htmx.process(toast);
    live(toast, tone);
    raise();
  };

  // What a toast speaks of has ended: 286 ends the polling (htmx), and the toast says how.
  const ENDED = 286;
  document.addEventListener("htmx:afterRequest", (event) => {
    const words = event.detail.elt, toast = words.closest(".toast");
    if (!toast || !words.matches("[hx-get]") || ![ENDED, 403, 404].includes(event.detail.xhr?.status)) return;
    const tone = words.querySelector("[data-tone]")?.dataset.tone || "ok";
    words.removeAttribute("hx-get");
    showTone(toast, tone);
    live(toast, tone);
  });

  document.addEventListener("toast", ({ detail }) => say(detail.text, detail.tone, detail.undo, detail.follow));
  document.addEventListener("DOMContentLoaded", () => {
    [...toasts().children].forEach((toast) => live(toast, "ok"));
    raise();
  });

  const header = (event, name) => event.detail.xhr?.getResponseHeader(name) || "";
  document.addEventListener("htmx:responseError", (event) => {
    if (!header(event, "HX-Trigger") && !header(event, "HX-Redirect")) say("Rollcall could not do that. Reload the page and try again.", "attention");
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (!isPoll(event)) say("Rollcall can't be reached. Nothing was changed: try again in a moment.", "attention");
  });

  // Nothing is sent twice: while a form is under way its buttons say so and further submits are dropped.
  const buttonsOf = (element) => element.matches("button") ? [element] : element.querySelectorAll("button:not([type=button], [type=reset])");
  const setBusy = (element, busy, pressed) => {
    busy ? element.setAttribute("data-in-flight", "") : element.removeAttribute("data-in-flight");
    buttonsOf(element).forEach((button) => {
      busy ? button.setAttribute("aria-disabled", "true") : button.removeAttribute("aria-disabled");
      busy && (!pressed || pressed === button) ? button.setAttribute("aria-busy", "true") : button.removeAttribute("aria-busy");
    });
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.hasAttribute("data-in-flight")) {
      event.preventDefault();
      event.stopImmediatePropagation();
    } else if (form.method === "post" && !form.hasAttribute("hx-post")) {
      setBusy(form, true, event.submitter);
    }
  }, true);
  // The second click of a double click may meet what the answer to the first one shows: nobody has read that yet.
  document.addEventListener("click", (event) => {
    if (event.detail > 1 && event.target.closest?.("dialog button:not([type=button], [type=reset])")) event.preventDefault();
  }, true);
  addEventListener("pageshow", () => document.querySelectorAll("[data-in-flight]").forEach((element) => setBusy(element, false)));

  // Polling rests while nobody looks. A search isn't made again when its field is left, or by Enter: the answer would only
  // take away what was ticked since.
  const isPoll = (event) => /\bevery\b/.test(event.detail.elt.getAttribute("hx-trigger") || "");
  const isShown = ({ finalRequestPath }) => new URL(finalRequestPath, location).href === new URL(page(), location).href;
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, requestConfig, pathInfo } = event.detail;
    if (isPoll(event) && document.hidden || elt.matches("form.filters") && isShown(pathInfo)) event.preventDefault();
    else if (requestConfig.verb !== "get") setBusy(elt, true, requestConfig.triggeringEvent?.submitter);
  });
  document.addEventListener("htmx:afterRequest", (event) => setBusy(event.detail.elt, false));

  // A swap that morphs leaves open what somebody opened, and the field that somebody writes in. Anything else that has
  // the focus, such as the page itself after a click beside a button, is morphed like the rest.
  document.addEventListener("htmx:beforeSwap", () => {
    Idiomorph.defaults.ignoreActiveValue = Boolean(document.activeElement?.matches("input, textarea, select"));
  });
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(name === "open" && node.matches("details"));

  // Show a password that is being typed; it is hidden again before the form is sent.
  const showPassword = (button, shown) => {
    const input = document.getElementById(button.dataset.shows);
    if (input) input.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", shown);
    button.querySelector("span").textContent = shown ? "Hide" : "Show";
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-shows]");
    if (button) showPassword(button, button.getAttribute("aria-pressed") !== "true");
  });
  document.addEventListener("submit", (event) => event.target.querySelectorAll("[data-shows]").forEach((button) => showPassword(button, false)), true);

  // The set-up asks for the time zone: that of the browser is a good guess.
  const zone = document.querySelector("[data-zone]");
  if (zone && !zone.value) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";

  // A field of one line that takes a pasted list: the ends of lines become commas.
  document.addEventListener("paste", (event) => {
    const field = event.target, text = event.clipboardData?.getData("text") || "";
    if (!field.matches?.("[data-pastes]") || !/[\r\n\t]/.test(text)) return;
    event.preventDefault();
    field.setRangeText(text.trim().replace(/[\r\n\t]+/g, ", "), field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // Copy buttons.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const words = button.querySelector("span");
    const copied = await copy(button.dataset.copy, button);
    if (!copied) select(button.parentElement.querySelector("input, code, pre"));
    words.textContent = copied ? "Copied" : "Selected: press Ctrl+C";
    setTimeout(() => { words.textContent = "Copy"; }, copied ? 2000 : 8000);
  });

  // What can't be copied for someone is selected for them.
  const select = (text) => text?.matches("input") ? text.select() : text && getSelection().selectAllChildren(text);

  // Without permission for the clipboard, or without https, a field that is selected for a moment can be copied.
  const copy = async (text, button) => {
    try {
      return await navigator.clipboard.writeText(text), true;
    } catch {
      const field = Object.assign(document.createElement("textarea"), { value: text, className: "visually-hidden" });
      button.after(field);
      field.select();
      const copied = document.execCommand("copy");
      field.remove();
      button.focus();
      return copied;
    }
  };
})();
