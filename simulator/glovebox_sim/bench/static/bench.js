// The bench page: draws what the server tells and sends what the tester does. No library, no build.
import { WORDS } from "./words.js";

const $ = (id) => document.getElementById(id);
const make = (tag, text, attributes = {}) => {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
};
const told = (text) => (typeof text === "string" ? text : text?.[lang]); // a name, or one per language
const setText = (node, text) => { if (node.textContent !== text) node.textContent = text; };

const wanted = new URLSearchParams(location.search);
let lang = wanted.get("lang") || localStorage.getItem("lang") || (navigator.language.startsWith("fr") ? "fr" : "en");
if (!WORDS[lang]) lang = "en";
let w = WORDS[lang];
let bench = null;
let current = null;
const cars = {}; // name -> last state
const stories = {}; // name -> {events, log}
const KEEP = 200;

// -- doing ------------------------------------------------------------------------------------------------

function say(text) { setText($("status"), text || ""); }

async function act(slug, args = {}) {
  try {
    const answer = await fetch(`/api/cars/${encodeURIComponent(current)}/actions/${slug}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(args),
    });
    const body = await answer.json();
    $("status").classList.toggle("refused", !answer.ok);
    say(body.words ? body.words[lang] : answer.ok ? "" : body.detail);
  } catch {
    say(w.lost);
  }
}

// -- drawing once -----------------------------------------------------------------------------------------

function drawRing() {
  const count = 8;
  for (let i = 0; i < count; i++) {
    const angle = (i / count) * 2 * Math.PI - Math.PI / 2;
    const [x, y] = [44 * Math.cos(angle), 44 * Math.sin(angle)];
    for (const [kind, r] of [["glow", 14], ["pixel", 9]]) {
      const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
      for (const [name, value] of Object.entries({ cx: x, cy: y, r, class: kind })) dot.setAttribute(name, value);
      $("ring").append(dot);
    }
  }
}

function button(slug, onClick, primary = false) {
  const node = make("button", bench.actions[slug].words[lang], { type: "button", "data-action": slug });
  node.addEventListener("click", onClick || (() => act(slug)));
  if (primary) node.className = "primary";
  return node;
}

// A button that offers what is possible now: one of two actions, by the state.
function toggle(pair, isSecond) {
  const node = make("button", "", { type: "button" });
  node.addEventListener("click", () => act(node.dataset.action));
  node.refresh = (state) => {
    const slug = pair[isSecond(state) ? 1 : 0];
    if (node.dataset.action !== slug) {
      node.dataset.action = slug;
      node.textContent = bench.actions[slug].words[lang];
    }
  };
  return node;
}

let toggles = [];

function drawControls() {
  document.documentElement.lang = lang;
  document.title = w.title;
  for (const node of document.querySelectorAll("[data-w]")) node.textContent = w[node.dataset.w];
  for (const node of document.querySelectorAll("[data-wl]")) node.setAttribute("aria-label", w[node.dataset.wl]);
  $("language").textContent = w.language;
  $("language").lang = lang === "en" ? "fr" : "en";
  $("links").replaceChildren(...Object.entries(bench.links).map(([name, href]) => make("a", name, { href })));
  $("cars").replaceChildren(...bench.cars.map(carTab));
  $("cards").replaceChildren(...bench.cards.map(cardRow));
  toggles = [
    toggle(["get_in", "get_out"], (s) => s.car.driver_inside),
    toggle(["open_door", "close_door"], (s) => s.car.door_open),
    toggle(["take_key", "put_key_back"], (s) => s.car.key !== "holder"),
    toggle(["ignition_on", "ignition_off"], (s) => s.car.kl15),
  ];
  toggles[2].id = "key-button";
  $("person").replaceChildren(...toggles, button("start", undefined, true));
  $("drive").replaceChildren(button("drive", drive, true), button("brake"), button("carry"));
  const box = [
    toggle(["network_down", "network_up"], (s) => !s.box.network_up),
    toggle(["power_off", "power_on"], (s) => !s.box.on),
  ];
  $("box").replaceChildren(...box);
  toggles.push(...box);
  $("where").replaceChildren(
    ...bench.routes.filter((r) => r.is_loop).map(routeOption),
    make("option", w.home, { value: "home" }),
    ...bench.places.map((p, i) => make("option", `${w.to} ${told(p.name)}`, { value: `place:${i}` })),
    ...bench.routes.filter((r) => !r.is_loop).map(routeOption),
  );
  $("trace").replaceChildren(...bench.traces.map((t) => make("option", t.words[lang], { value: t.slug })));
  $("faults").replaceChildren(...bench.faults.map(faultRow));
}

const routeOption = (route) => make("option", route.words[lang], { value: `route:${route.slug}` });

function carTab(name) {
  const tab = make("button", undefined, { type: "button", "data-car": name });
  tab.append(make("strong", name), make("span", "", { class: "short" }));
  tab.addEventListener("click", () => choose(name));
  return tab;
}

function cardRow(card) {
  const uid = card.uid.toLowerCase().replace(/[^0-9a-f]/g, "");
  const row = make("li", undefined, { "data-uid": uid });
  const who = make("div", undefined, { class: "who" });
  const name = told(card.name);
  who.append(make("strong", name), make("span", [told(card.note), uid.toUpperCase()].filter(Boolean).join(" · ")));
  const tap = make("button", w.tap, { type: "button", "aria-label": `${w.tap}: ${name}`, class: "primary" });
  tap.addEventListener("click", () => act("tap", { uid }));
  const hold = make("button", w.hold, { type: "button", "aria-pressed": "false", "aria-label": `${w.hold}: ${name}` });
  hold.addEventListener("click", () => act(hold.getAttribute("aria-pressed") === "true" ? "take_card_away" : "hold_card", { uid }));
  row.append(who, tap, hold);
  return row;
}

function faultRow(fault) {
  const row = make("li", undefined, { "data-fault": fault.slug });
  const text = make("div", undefined, { class: "who" });
  text.append(make("strong", fault.words[lang]), make("span", fault.expect[lang]));
  const attributes = { type: "button", "aria-label": `${fault.lasts ? w.make : w.happens}: ${fault.words[lang]}` };
  if (fault.lasts) attributes["aria-pressed"] = "false";
  const node = make("button", fault.lasts ? w.make : w.happens, attributes);
  node.addEventListener("click", () => act(node.getAttribute("aria-pressed") === "true" ? "undo" : "inject", { fault: fault.slug }));
  row.append(text, node);
  return row;
}

function drive() {
  const [kind, value] = $("where").value.split(":");
  const args = { trace: $("trace").value };
  if (kind === "route") args.route = value;
  if (kind === "place") Object.assign(args, { lat: bench.places[value].lat, lon: bench.places[value].lon });
  if (kind === "home") args.home = true;
  act("drive", args);
}

// -- drawing what is seen ---------------------------------------------------------------------------------

const bright = (channel) => Math.round(255 * Math.pow(channel / 255, 0.22)); // LEDs look brighter than their number

function showRing(pixels) {
  const glow = $("ring").querySelectorAll(".glow");
  $("ring").querySelectorAll(".pixel").forEach((dot, i) => {
    const [r, g, b] = pixels[i];
    const lit = r + g + b > 0;
    const colour = lit ? `rgb(${bright(r)} ${bright(g)} ${bright(b)})` : "";
    dot.style.fill = colour;
    glow[i].style.fill = colour;
    glow[i].style.opacity = lit ? 0.35 : 0;
  });
}

function glance(car, box) {
  const list = [
    [box.on ? (box.running ? w.box_on : w.box_booting) : w.box_off, box.on],
    [car.locked ? w.locked : w.unlocked, !car.locked],
    [car.door_open ? w.door_open : w.doors_shut, car.door_open],
    [car.driver_inside ? w.inside_yes : w.inside_no, car.driver_inside],
    [car.has_key_holder ? w[`key_${car.key}`] : w.no_holder, car.key !== "holder"],
    [car.kl15 ? w.kl15_on : w.kl15_off, car.kl15],
    [car.cranking ? w.cranking : car.engine ? (car.fuel === "electric" ? w.ready : w.engine_on) : w.engine_off, car.engine],
  ];
  if (car.mil) list.push([w.mil, true]);
  return list;
}

function showList(node, items) {
  while (node.children.length > items.length) node.lastChild.remove();
  items.forEach(([text, on], i) => {
    const item = node.children[i] || node.appendChild(make("li"));
    setText(item, text);
    item.classList.toggle("on", on);
  });
}

const number = (value) => value.toLocaleString(lang === "fr" ? "fr-FR" : "en-GB");
const kilobytes = (bytes) => `${number(Math.round(bytes / 100) / 10)} ${w.kb}`;

function chipRows(state) {
  const { car, box, chips } = state;
  const inputs = [chips.kl15 ? w.kl15_on : w.kl15_off, chips.door_open ? w.door_open : w.doors_shut,
    car.has_key_holder ? (chips.key_in_holder ? w.key_holder : w.holder_empty) : w.no_holder];
  return [
    [w.d_card, chips.cards.map((uid) => uid.toUpperCase()).join(", ") || w.none],
    [w.d_contact, w[box.contact]],
    [w.d_locks, car.locked ? w.locked : w.unlocked],
    [w.d_inputs, inputs.join(" · ")],
    [w.d_battery, `${(chips.battery_mv / 1000).toFixed(2)} V`],
    [w.d_fix, `${w.fix[chips.fix]}${chips.fix === "fix" ? ` · ${car.lat.toFixed(5)}, ${car.lon.toFixed(5)}` : ""}`],
    [w.d_can, `${chips.can_asleep ? `${w.asleep} · ` : ""}${number(chips.can_car_frames)} ${w.frames_n} · ${number(chips.can_heard_frames)} ${w.asked_n}`],
    [w.d_flash, `${number(chips.flash_programs)} ${w.programs} · ${number(chips.flash_erases)} ${w.erases}`],
    [w.d_heap, box.heap_allocated ? `${kilobytes(box.heap_allocated)} ${w.used} · ${kilobytes(box.heap_free)} ${w.free_heap}` : w.not_known],
    [w.d_network, `${box.network_up ? w.up : w.down} · ${kilobytes(box.bytes_up)} ${w.sent} · ${kilobytes(box.bytes_down)} ${w.received}`],
    [w.d_car, `${w.odometer} ${number(car.odometer_km)} km · ${car.fuel === "electric" ? w.charge : w.tank} ${number(car.fuel_percent)} %${car.rpm ? ` · ${number(car.rpm)} /min` : ""}`],
  ];
}

function showChips(rows) {
  const node = $("chips");
  if (node.children.length !== rows.length * 2) {
    node.replaceChildren(...rows.flatMap(() => [make("dt"), make("dd")]));
  }
  rows.forEach(([name, value], i) => {
    setText(node.children[2 * i], name);
    setText(node.children[2 * i + 1], value);
  });
}

function show() {
  const state = cars[current];
  if (!state) return;
  const { car, box, chips } = state;
  setText($("car-name"), state.name);
  setText($("car-model"), `${w[car.fuel]} · ${w.kinds[car.interlock_kind]}`);
  showRing(box.light);
  setText($("light-words"), box.light_words[lang]);
  setText($("sound-words"), state.sound.words[lang] || w.silence);
  $("relay").dataset.contact = box.contact;
  setText($("contact"), w[box.contact]);
  setText($("contact-means"), w.means[box.contact][car.interlock_kind]);
  setText($("load-letter"), { starter_wire: "M", start_button: "▶", fob_supply: "⚿", none: "–" }[car.interlock_kind]);
  showList($("glance"), glance(car, box));
  setText($("speed"), car.speed_kmh.toFixed(0));
  $("trip").value = car.trip_share ?? 0;
  $("key-button").hidden = !car.has_key_holder;
  for (const node of toggles) node.refresh(state);
  showChips(chipRows(state));
  setText($("frames"), chips.can_lately.map((f) => `${f.from === "car" ? "→" : "←"} ${f.id.padStart(3)}  ${f.data}`).join("\n") || w.none);
  for (const row of $("cards").children) showPressed(row, chips.cards.includes(row.dataset.uid), w.hold, w.away);
  for (const row of $("faults").children) showPressed(row, state.faults.includes(row.dataset.fault), w.make, w.mend);
  showField(chips.cards.filter((uid) => ![...$("cards").children].some((row) => row.dataset.uid === uid)));
}

function showPressed(row, isPressed, off, on) {
  const node = row.querySelector("[aria-pressed]");
  row.classList.toggle("on", isPressed);
  if (!node || node.getAttribute("aria-pressed") === String(isPressed)) return;
  node.setAttribute("aria-pressed", String(isPressed));
  node.textContent = isPressed ? on : off;
}

function showField(others) {
  const node = $("field");
  const have = [...node.children].map((row) => row.dataset.uid).join();
  if (have === others.join()) return;
  node.replaceChildren(...others.map((uid) => {
    const row = make("li", undefined, { "data-uid": uid, class: "on" });
    const away = make("button", w.away, { type: "button", "aria-label": `${w.away}: ${uid.toUpperCase()}` });
    away.addEventListener("click", () => act("take_card_away", { uid }));
    const who = make("div", undefined, { class: "who" });
    who.append(make("strong", uid.toUpperCase()), make("span", w.held));
    row.append(who, away);
    return row;
  }));
}

function showTabs() {
  for (const tab of $("cars").children) {
    const state = cars[tab.dataset.car];
    tab.setAttribute("aria-current", String(tab.dataset.car === current));
    if (!state) continue;
    const { car, box } = state;
    const doing = !box.on ? w.box_off : car.speed_kmh > 0 ? `${car.speed_kmh.toFixed(0)} km/h` : car.engine ? w.engine_on : car.locked ? w.locked : w.unlocked;
    setText(tab.querySelector(".short"), `${doing} · ${w[box.contact]}`);
    tab.dataset.contact = box.contact;
  }
}

function eventItem(event) {
  const item = make("li");
  const text = make("span", event.words[lang]);
  // Told in UTC; shown as the reader's own clock and the console have it.
  const today = new Date().toISOString().slice(0, 11);
  item.append(make("time", new Date(`${today}${event.at}`).toLocaleTimeString("fr")), text);
  if (event.detail) item.append(make("code", event.detail.toUpperCase()));
  return item;
}

function showStory(news) {
  for (const event of news.events) $("events").prepend(eventItem(event));
  while ($("events").children.length > KEEP) $("events").lastChild.remove();
  if (news.log.length) {
    const log = $("log");
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    log.textContent = stories[current].log.map((line) => line.text).join("\n");
    if (atEnd) log.scrollTop = log.scrollHeight;
  }
}

function choose(name) {
  current = name;
  history.replaceState(null, "", `#${encodeURIComponent(name)}`);
  say("");
  $("events").replaceChildren();
  $("log").textContent = "";
  if (stories[name]) showStory(stories[name]);
  showTabs();
  show();
}

// -- hearing ----------------------------------------------------------------------------------------------

function hear(message) {
  for (const [name, state] of Object.entries(message.cars)) {
    cars[name] = state;
    const story = (stories[name] ||= { events: [], log: [] });
    story.events = [...story.events, ...state.events].slice(-KEEP);
    story.log = [...story.log, ...state.log].slice(-KEEP);
    if (name === current) { show(); showStory(state); }
  }
  showTabs();
}

function listen() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
  socket.onopen = () => {
    $("lost").hidden = true;
    for (const name of Object.keys(stories)) delete stories[name];
    $("events").replaceChildren();
  };
  socket.onmessage = (event) => hear(JSON.parse(event.data));
  socket.onclose = () => {
    $("lost").textContent = w.lost;
    $("lost").hidden = false;
    setTimeout(listen, 1000);
  };
}

$("language").addEventListener("click", () => {
  lang = lang === "en" ? "fr" : "en";
  w = WORDS[lang];
  localStorage.setItem("lang", lang);
  drawControls();
  choose(current);
});
$("free-card").addEventListener("submit", (event) => {
  event.preventDefault();
  act("hold_card", { uid: $("uid").value });
});

bench = await (await fetch("/api/bench")).json();
drawRing();
drawControls();
const asked = decodeURIComponent(location.hash.slice(1));
choose(bench.cars.includes(asked) ? asked : bench.cars[0]);
listen();
