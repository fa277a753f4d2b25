// Nothing here is needed: it sends a form once, copies an address, unfolds for paper, and makes selected words a quote.
"use strict";
document.querySelectorAll("form[data-once]").forEach((form) => {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
});
document.querySelectorAll(".addresses code").forEach((code) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", "Copy " + code.textContent);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  });
  code.after(" ", button);
});
// What is folded cannot be opened on paper.
let unfolded = [];
addEventListener("beforeprint", () => {
  unfolded = [...document.querySelectorAll("main details:not([open])")];
  for (const each of unfolded) each.open = true;
});
addEventListener("afterprint", () => {
  for (const each of unfolded) each.open = false;
});
// Words selected in a source become the quote of the statement that was worked on last.
let worked = null;
document.querySelectorAll("fieldset[data-statement]").forEach((fieldset) => {
  fieldset.addEventListener("focusin", () => {
    if (worked) worked.classList.remove("focused");
    worked = fieldset;
    worked.classList.add("focused");
  });
});
document.querySelectorAll("[data-source]").forEach((source) => {
  const quote = () => {
    const selection = document.getSelection();
    const words = selection.toString().trim().replace(/\s+/g, " ");
    if (!worked || !words || !source.contains(selection.anchorNode) || !source.contains(selection.focusNode)) return;
    worked.querySelector("textarea[data-quote]").value = words;
    const number = worked.querySelector("input[name$='.source']");
    if (source.dataset.source !== "1" || number.value) number.value = source.dataset.source;
  };
  source.addEventListener("mouseup", quote);
  source.addEventListener("touchend", quote);
  source.addEventListener("keyup", quote);
});
