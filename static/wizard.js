// What the Sync Data wizard says while one ticks: how many people leave, what that saves, and which reason is missing.
// Without it the server says the same after Finish Sync.
"use strict";

(() => {
  const money = (hundredths, currency) => {
    const whole = hundredths % 100 === 0;
    const digits = { minimumFractionDigits: whole ? 0 : 2, maximumFractionDigits: whole ? 0 : 2 };
    return `${(hundredths / 100).toLocaleString("en", digits)}\u00a0${currency}`;
  };

  // The server's number counts the rows as they were; add what was ticked since and take off what was unticked.
  const counted = (form, kind, before, worth = () => 1) => [...form.querySelectorAll(`input[name=yes][data-${kind}]`)].reduce(
    (sum, box) => sum + worth(box) * ("wasOut" in box.dataset ? Number(box.checked) : -Number(!box.checked)), Number(before));

  const sentence = ({ removals, adjustments, others, app, saved, currency, byHand }) => {
    const changes = `${adjustments.toLocaleString("en")} ${removals ? "other " : ""}${adjustments === 1 ? "change" : "changes"}`;
    const made = adjustments ? ` Makes ${changes} in it.` : "";
    if (removals && byHand) {
      return `${removals.toLocaleString("en")} ${removals === 1 ? "person has" : "people have"} to be removed from ${app} by hand.${made}`;
    }
    if (removals) {
      const saves = saved ? ` and saves ${money(saved, currency)} a month` : "";
      return `Removes ${removals.toLocaleString("en")} ${removals === 1 ? "person" : "people"} from ${app}${saves}.${made}`;
    }
    const taken = others && !adjustments ? `. Applies ${others.toLocaleString("en")} ${others === 1 ? "change" : "changes"} in Rollcall` : "";
    return `Removes nobody from ${app}${taken}.${made}`;
  };

  const say = (form) => {
    const outcome = form.querySelector("#sync-outcome");
    if (!outcome) return;
    const { app, saved, currency, removals, adjustments, others, undecided } = outcome.dataset, byHand = "byHand" in outcome.dataset;
    const answered = form.querySelectorAll("li:has([data-successors]) input[name=yes][data-was-out]:checked").length;
    const waiting = Math.max(0, Number(undecided || 0) - answered);
    const waits = waiting ? ` ${waiting} ${waiting === 1 ? "person waits" : "people wait"} for a successor.` : "";
    outcome.textContent = sentence({
      app, currency, byHand, saved: counted(form, "removal", saved, (box) => Number(box.dataset.price || 0)),
      removals: counted(form, "removal", removals), adjustments: counted(form, "adjustment", adjustments), others: counted(form, "other", others),
    }) + waits;
  };

  // An offboarding goes through many apps, each with its own price.
  const sayOffboarding = (form) => {
    const outcome = form.querySelector("#offboarding-outcome");
    if (!outcome) return;
    const ticked = [...form.querySelectorAll("input[name=yes]:checked")];
    const [going, held, byHand] = ["", "release", "hand"].map((what) => ticked.filter((box) => box.dataset.waits === what));
    const saved = going.reduce((sum, box) => sum + Number(box.dataset.price), 0);
    const accounts = ({ length }) => `${length} ${length === 1 ? "account" : "accounts"}`;
    outcome.textContent = [
      (going.length || !ticked.length) &&
        `Removes ${accounts(going)}${saved ? ` and saves ${money(saved, outcome.dataset.currency)} a month` : ""}.`,
      held.length && `${accounts(held)} ${held.length === 1 ? "waits" : "wait"} for an Owner's release.`,
      byHand.length && `${accounts(byHand)} must be removed by hand.`,
    ].filter(Boolean).join(" ");
  };

  // The preview of an operation on members: rows without a box are covered anyway.
  const sayPreview = (form) => {
    const outcome = form.querySelector("#operation-outcome"), button = form.querySelector("#confirm");
    const boxes = [...form.querySelectorAll("input[name=yes]")];
    if (!outcome || !button || !boxes.length) return;
    const going = boxes.filter((box) => box.checked);
    const count = going.length + Number(outcome.dataset.certain), waiting = boxes.length - going.length;
    const saved = going.reduce((sum, box) => sum + Number(box.dataset.price || 0), Number(outcome.dataset.saved));
    const { verb, one, many } = button.dataset;
    button.disabled = !count;
    button.textContent = count ? `${verb} ${count.toLocaleString("en")} ${count === 1 ? one : many}` : verb;
    const nothing = count ? "" : " Nothing is changed until you choose who manages their assets, or accept that nobody does.";
    const waits = waiting ? `${waiting} ${waiting === 1 ? "person waits" : "people wait"} for a successor.${nothing}` : "";
    outcome.textContent = `${saved ? `Saves ${money(saved, outcome.dataset.currency)} a month. ` : ""}${waits}`;
  };

  const sayAll = (form) => [say, sayOffboarding, sayPreview].forEach((one) => one(form));

  const FORMS = ":is(#sync-form, #offboarding-form, #preview form)";

  const needReason = (box) => {
    const reason = document.getElementById(`reason-${box.value}`);
    if (reason && !box.closest("li").querySelector("[data-successors]")) reason.required = !box.checked;
    return reason;
  };

  // What someone alone manages: each of it needs an answer before the row can be ticked, unless another who manages it
  // stays. One answer for all is enough.
  const boxOf = (field) => field?.closest("li")?.querySelector("input[name=yes]");
  const isAsked = (select) => (select.dataset.together || "").split(" ").filter(Boolean).every(
    (id) => boxOf(select.form.querySelector(`[name="${select.name.replace(/-\d+-/, `-${id}-`)}"]`))?.checked ?? false);
  const missing = (row) => {
    const all = [...row.querySelectorAll("[data-same]")].some((field) => field.value.trim());
    return [...row.querySelectorAll("[data-successor]")].filter((select) => !select.value && !all && isAsked(select));
  };
  const needSuccessors = (form) => form.querySelectorAll("[data-successors]").forEach((block) => {
    const open = boxOf(block)?.checked ? missing(block) : [];
    block.querySelectorAll("[data-successor]").forEach((select) => { select.required = open.includes(select); });
  });
  document.addEventListener("change", (event) => {
    const field = event.target;
    if (!field.matches?.(`${FORMS} :is([data-same], [data-successor])`)) return;
    const box = boxOf(field);
    if (box && !box.checked && field.value && !missing(field.closest("[data-successors]")).length) {
      box.checked = true;
      sayAll(box.form);
    }
    needSuccessors(field.form);
  });

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (!box.matches?.(`${FORMS} input[name=yes]`)) return;
    const reason = needReason(box);
    needSuccessors(box.form);
    const [open] = box.checked ? missing(box.closest("li")) : [];
    open?.focus();
    if (!box.checked) reason?.focus();
    sayAll(box.form);
  });

  // A reason that is missing may lie in a list that is closed: open it, so that the browser can point to it.
  document.addEventListener("invalid", (event) => event.target.closest?.("#sync-form details")?.setAttribute("open", ""), true);

  const show = () => {
    const form = document.querySelector("#sync-form, #offboarding-form, #preview form");
    if (!form?.querySelector("input[name=yes]:not(:checked)")) return;
    form.querySelectorAll("input[name=yes]").forEach(needReason);
    needSuccessors(form);
    sayAll(form);
  };
  document.addEventListener("htmx:afterSettle", show);
  show();
})();
