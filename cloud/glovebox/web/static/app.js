// The pages work without this file. With it: live parts do not ask while nobody looks and say when they get no answer, a
// form is sent once, and the timeline can be walked with the arrow keys.
"use strict";

document.addEventListener("htmx:before:request", (event) => {
  const source = event.detail.ctx.sourceElement;
  if (!source || !source.hasAttribute("data-poll")) return;
  // Nor is a list taken away from under somebody who is choosing from it.
  const isChoosing = source.contains(document.activeElement) && document.activeElement.matches("select, input:not([type=hidden])");
  if (document.hidden || isChoosing || source.dataset.busy) event.preventDefault();
});

const showOffline = (isOffline) => { document.getElementById("offline").hidden = !isOffline; };
window.addEventListener("offline", () => showOffline(true));
window.addEventListener("online", () => showOffline(false));
document.addEventListener("htmx:error", () => showOffline(true));
document.addEventListener("htmx:after:request", () => showOffline(false));

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form && form.hasAttribute("data-auto")) form.requestSubmit();
});

document.addEventListener("keydown", (event) => {
  const cell = event.target.closest(".timeline a");
  if (!cell || !["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) return;
  const row = cell.closest("tr");
  let links = [...row.querySelectorAll("a")];
  let next = null;
  if (event.key === "ArrowLeft") next = links[links.indexOf(cell) - 1];
  if (event.key === "ArrowRight") next = links[links.indexOf(cell) + 1];
  if (event.key === "ArrowUp" || event.key === "ArrowDown") {
    let other = row;
    do { other = event.key === "ArrowUp" ? other.previousElementSibling : other.nextElementSibling; }
    while (other && !other.querySelector("a"));
    if (other) {
      const x = cell.getBoundingClientRect().left;
      links = [...other.querySelectorAll("a")];
      next = links.reduce((best, link) =>
        Math.abs(link.getBoundingClientRect().left - x) < Math.abs(best.getBoundingClientRect().left - x) ? link : best);
    }
  }
  if (next) { event.preventDefault(); next.focus(); }
});

// The day's grid opens where "now" is, on screens too narrow for the whole day.
const grid = document.querySelector(".timeline-scroll");
const line = document.querySelector(".now-line line");
if (grid && line) grid.scrollLeft = Math.max(0, line.getBoundingClientRect().left - grid.getBoundingClientRect().left - grid.clientWidth / 2);
