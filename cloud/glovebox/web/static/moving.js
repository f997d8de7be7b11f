// Moving bookings on the timeline, by mouse or by keyboard. Where they would go is said as it changes; the form is sent
// by the browser as any other, so a refusal comes in words and the page is the server's. Fingers scroll: a tap opens the
// booking, whose form does the same without this file.
"use strict";

(() => {
  const form = document.getElementById("move");
  if (!form) return;
  const edges = form.dataset.edges.split(" ").map(Number);
  const said = document.getElementById("what");
  document.getElementById("how").hidden = false;
  const clockOf = (row) => new Intl.DateTimeFormat(document.documentElement.lang, {
    timeZone: row.dataset.zone, weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  });
  let held = null; // {bar, row, starts, ends, from: {row, starts, ends}}
  let drag = null; // {x, y, isEnd, bar}
  let hasDragged = false;

  const columnOf = (at) => {
    let column = edges.length - 2;
    while (column > 0 && edges[column] > at) column -= 1;
    return column;
  };
  // An instant, moved by columns: as far into its new column as it was into the old one.
  const shift = (at, columns) => {
    const first = columnOf(at);
    const last = Math.min(Math.max(first + columns, 0), edges.length - 2);
    return edges[last] + Math.min(at - edges[first], edges[last + 1] - edges[last] - 60);
  };
  const shiftEnd = (at, columns) => {
    let column = edges.findIndex((edge) => edge >= at);
    if (column < 0) column = edges.length - 1;
    return edges[Math.min(Math.max(column + columns, 1), edges.length - 1)];
  };
  const say = (text) => { said.textContent = text; };
  const write = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const tell = () => {
    const clock = clockOf(held.row);
    const [start, end] = [held.starts, held.ends].map((at) => clock.format(at * 1000));
    say(write(form.dataset.will, { car: held.row.dataset.car, start, end }));
  };

  const takeUp = (bar) => {
    const from = { row: bar.closest("tr"), starts: Number(bar.dataset.starts), ends: Number(bar.dataset.ends) };
    held = { bar, ...from, from };
    bar.classList.add("taken-up");
    document.getElementById("grid").dataset.busy = "1";
    tell();
  };
  const draw = () => {
    const grid = held.bar.closest("table");
    const width = (grid.clientWidth - grid.querySelector("col.name, th.name").getBoundingClientRect().width) / (edges.length - 1);
    const columns = columnOf(held.starts) - columnOf(held.from.starts);
    const down = held.row.getBoundingClientRect().top - held.from.row.getBoundingClientRect().top;
    held.bar.style.transform = `translate(${columns * width}px, ${down}px)`;
    const more = held.ends - held.starts - (held.from.ends - held.from.starts);
    const wider = more ? (columnOf(held.ends - 1) - columnOf(held.from.ends - 1) - columns) * width : 0;
    held.bar.style.width = wider ? `${Math.max(held.bar.parentElement.clientWidth + wider, 8)}px` : "";
    for (const row of grid.querySelectorAll("tr.target")) row.classList.remove("target");
    held.row.classList.add("target");
    tell();
  };
  const letGo = () => {
    held.bar.classList.remove("taken-up");
    held.bar.style.transform = held.bar.style.width = "";
    held.row.classList.remove("target");
    delete document.getElementById("grid").dataset.busy;
    held = null;
  };
  const leave = () => { letGo(); say(form.dataset.left); };
  const putDown = () => {
    const { row, starts, ends, from } = held;
    if (row === from.row && starts === from.starts && ends === from.ends) { leave(); return; }
    const values = { reservation: held.bar.dataset.id, vehicle: row.dataset.vehicle, starts, ends };
    for (const [name, value] of Object.entries(values)) form.elements[name].value = value;
    form.requestSubmit();
  };
  const move = (columns) => {
    if (held.bar.dataset.move === "end") return;
    const length = held.ends - held.starts;
    held.starts = shift(held.starts, columns);
    held.ends = held.starts + length;
  };
  const extend = (columns) => { held.ends = Math.max(shiftEnd(held.ends, columns), held.starts + 900); };
  const rowBeside = (row, step) => {
    const rows = [...row.closest("table").querySelectorAll("tr[data-vehicle]")];
    return rows[rows.indexOf(row) + step] || row;
  };

  // Before app.js, which walks from booking to booking with the same keys.
  document.addEventListener("keydown", (event) => {
    const bar = event.target.closest?.("a[data-move]");
    if (!held) {
      if (bar && event.key === " ") { event.preventDefault(); takeUp(bar); }
      return;
    }
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key === "Escape") leave();
    else if (event.key === "Enter" || event.key === " ") putDown();
    else if (event.key in steps) {
      (event.shiftKey ? extend : move)(steps[event.key]);
      draw();
    } else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && held.bar.dataset.move === "all") {
      held.row = rowBeside(held.row, event.key === "ArrowUp" ? -1 : 1);
      draw();
    } else if (event.key === "Tab") { leave(); return; }
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  const END_PX = 12; // how near to the right end takes the end alone
  const SLACK_PX = 5; // a click is no drag
  document.addEventListener("pointerdown", (event) => {
    const bar = event.target.closest?.("a[data-move]");
    if (!bar || event.button !== 0 || event.pointerType === "touch") return;
    const isEnd = bar.getBoundingClientRect().right - event.clientX < END_PX || bar.dataset.move === "end";
    drag = { bar, isEnd, x: event.clientX, y: event.clientY };
  });
  document.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const right = event.clientX - drag.x;
    if (!held && Math.hypot(right, event.clientY - drag.y) < SLACK_PX) return;
    if (!held) takeUp(drag.bar);
    const grid = held.bar.closest("table");
    const width = (grid.clientWidth - grid.querySelector("th.name").getBoundingClientRect().width) / (edges.length - 1);
    const columns = Math.round(right / width);
    Object.assign(held, held.from);
    if (drag.isEnd) extend(columns);
    else {
      move(columns);
      const over = document.elementsFromPoint(event.clientX, event.clientY)
        .filter((one) => !held.bar.contains(one)).map((one) => one.closest("tr[data-vehicle]")).find((row) => row);
      if (over) held.row = over;
    }
    draw();
    event.preventDefault();
  });
  document.addEventListener("pointerup", () => {
    const wasDragged = drag && held;
    drag = null;
    if (!wasDragged) return;
    hasDragged = true; // the click that may follow is part of the drag
    setTimeout(() => { hasDragged = false; });
    putDown();
  });
  document.addEventListener("click", (event) => { if (hasDragged) event.preventDefault(); }, true);
  document.addEventListener("pointercancel", () => { drag = null; if (held) leave(); });
})();
