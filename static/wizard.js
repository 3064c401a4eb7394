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

  const sentence = ({ removals, acts, others, app, saved, currency }) => {
    const changes = `${acts.toLocaleString("en")} ${removals ? "other " : ""}${acts === 1 ? "change" : "changes"}`;
    const made = acts ? ` Makes ${changes} in it.` : "";
    if (removals) {
      const saves = saved ? `, saves ${money(saved, currency)} a month` : "";
      return `Removes ${removals.toLocaleString("en")} ${removals === 1 ? "person" : "people"} from ${app}${saves}.${made}`;
    }
    const taken = others && !acts ? `. Applies ${others.toLocaleString("en")} ${others === 1 ? "change" : "changes"} in Rollcall` : "";
    return `Removes nobody from ${app}${taken}.${made}`;
  };

  const say = (form) => {
    const outcome = form.querySelector("#sync-outcome");
    if (!outcome) return;
    const { app, saved, currency, removals, acts, others } = outcome.dataset;
    outcome.textContent = sentence({
      app, currency, saved: counted(form, "removal", saved, (box) => Number(box.dataset.price || 0)),
      removals: counted(form, "removal", removals), acts: counted(form, "act", acts), others: counted(form, "other", others),
    });
  };

  // An offboarding goes through many apps, each with its own price.
  const sayOffboarding = (form) => {
    const outcome = form.querySelector("#offboarding-outcome");
    if (!outcome) return;
    const going = [...form.querySelectorAll("input[name=yes]:checked")];
    const saved = going.reduce((sum, box) => sum + Number(box.dataset.price), 0);
    const accounts = `${going.length} ${going.length === 1 ? "account" : "accounts"}`;
    outcome.textContent = `Removes ${accounts}${saved ? `, saves ${money(saved, outcome.dataset.currency)} a month` : ""}.`;
  };

  const needReason = (box) => {
    const reason = document.getElementById(`reason-${box.value}`);
    if (reason) reason.required = !box.checked;
    return reason;
  };

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (!box.matches?.(":is(#sync-form, #offboarding-form) input[name=yes]")) return;
    const reason = needReason(box);
    if (!box.checked) reason?.focus();
    say(box.form);
    sayOffboarding(box.form);
  });

  // A reason that is missing may lie in a list that is closed: open it, so that the browser can point to it.
  document.addEventListener("invalid", (event) => event.target.closest?.("#sync-form details")?.setAttribute("open", ""), true);

  const show = () => {
    const form = document.querySelector("#sync-form, #offboarding-form");
    if (!form?.querySelector("input[name=yes]:not(:checked)")) return;
    form.querySelectorAll("input[name=yes]").forEach(needReason);
    say(form);
    sayOffboarding(form);
  };
  document.addEventListener("htmx:afterSettle", show);
  show();
})();
