// The page of a run. It lists nothing by itself: parameters, commands and effects are what the server describes.
"use strict";

const PICTURE_EVERY_MS = 200;
const PICTURE_AGAIN_MS = 2000;
const MESSAGE_MS = 5000;
const HOUR_MS = 3600e3;
const PRESSED_WHERE = { mirror: "mirrored", pause: "paused", blank: "blank", record: "recording" };
const ELSEWHERE = ["quit", "next-item", "next-effect", "previous-effect"]; // quit: nobody can begin it again from here
const ICONS = {
  mirror: "M12 3v18 M9 7 3 17h6z M15 7l6 10h-6z",
  pause: "M8 5v14 M16 5v14",
  blank: "M3 3l18 18 M10 6.3A9 9 0 0 1 12 6c5 0 8 4 9 6a15 15 0 0 1-2.6 3.4 M6.5 7.6A15 15 0 0 0 3 12c1 2 4 6 9 6a9 9 0 0 0 4.2-1",
  "reopen-camera": "M20 11a8 8 0 0 0-14.6-4.2L4 9 M4 4v5h5 M4 13a8 8 0 0 0 14.6 4.2L20 15 M20 20v-5h-5",
  snapshot: "M4 8h3l2-3h6l2 3h3v11H4z M12 16.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
  record: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16z M12 14.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
};

const at = (id) => document.getElementById(id);
const WORDS = JSON.parse(document.documentElement.dataset.words);

// A text in the program's language, with values in the place of the names in braces.
function _(text, values = {}) {
  return (WORDS[text] || text).replace(/\{(\w+)\}/g, (found, name) => String(values[name] ?? found));
}

let status = {};
let controls = new Map(); // by path: { parameter, show(value), isBusy() }

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text; // a screen reader reads what is set again
}

// What is asked of the server

async function ask(path, body) {
  const options = body === undefined ? { method: "POST" } : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ value: body }),
  };
  const answer = await fetch(path, options);
  const content = await answer.json();
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw new Error(content.error);
  return content;
}

async function get(path) {
  const answer = await fetch(path);
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw new Error((await answer.json()).error);
  return answer.json();
}

async function command(name, value) {
  try {
    await ask(`/commands/${encodeURIComponent(name)}`, value);
  } catch (error) {
    say(error.message, true);
  }
}

let messageTimer = 0;
let toldMessage = "";

function say(text, isAlarm = false) {
  const message = at("message");
  message.classList.toggle("alarm", isAlarm);
  setText(message, text);
  clearTimeout(messageTimer);
  messageTimer = setTimeout(() => setText(message, ""), MESSAGE_MS);
}

// The picture: the next is asked for when the last has come, and only while somebody looks

let pictureTimer = 0;

function askForPicture() {
  clearTimeout(pictureTimer);
  if (!document.hidden) at("picture").src = `/picture.jpg?at=${Date.now()}`;
}

function watchPicture() {
  const picture = at("picture");
  const later = (ms) => {
    clearTimeout(pictureTimer);
    pictureTimer = setTimeout(askForPicture, ms);
  };
  picture.addEventListener("load", () => {
    picture.width = picture.naturalWidth;
    picture.height = picture.naturalHeight;
    later(PICTURE_EVERY_MS);
  });
  picture.addEventListener("error", () => later(PICTURE_AGAIN_MS));
  document.addEventListener("visibilitychange", askForPicture);
  askForPicture();
}

// The status

const total = (counts) => Object.values(counts).reduce((sum, count) => sum + count, 0);
const listed = (counts) => Object.entries(counts).filter(([, count]) => count)
  .map(([name, count]) => `${name} ${count}`).join(", ");
const figure = (name, number, unit = "", told = "", isAlarm = false) => ({ name, number, unit, told, isAlarm });

function figures() {
  const restarts = total(status.restarts);
  return [
    figure(_("frames/s"), status.fps.toFixed(1)),
    figure(_("age"), status.age_ms.toFixed(0), "ms", _("from capture to shown")),
    figure(_("in view"), String(status.faces)),
    figure(_("restarts"), String(restarts), "", listed(status.restarts), restarts > 0),
  ];
}

function showPairs(list, pairs) {
  while (list.children.length > pairs.length) list.lastChild.remove();
  while (list.children.length < pairs.length) list.append(make("div", {}, make("dt"), make("dd")));
  pairs.forEach((pair, index) => {
    const row = list.children[index];
    row.title = pair.told;
    row.classList.toggle("alarm", pair.isAlarm);
    setText(row.firstChild, pair.name);
    const dd = row.lastChild;
    if (dd.dataset.shown === `${pair.number} ${pair.unit}`) return;
    dd.dataset.shown = `${pair.number} ${pair.unit}`;
    dd.replaceChildren(pair.number, ...(pair.unit ? [make("small", {}, ` ${pair.unit}`)] : []));
  });
}

function showFacts() {
  const facts = { ...status.facts, [_("computed by")]: status.provider, [_("dropped")]: listed(status.dropped) };
  const rows = Object.entries(facts).filter(([, words]) => words);
  const shown = JSON.stringify(rows);
  const list = at("facts");
  if (list.dataset.shown === shown) return;
  list.dataset.shown = shown;
  list.replaceChildren(...rows.flatMap(([name, words]) => [make("dt", {}, name), make("dd", {}, String(words))]));
}

function showBadges() {
  const badges = [];
  if (status.recording) badges.push([_("recording"), "recording"]);
  if (status.paused) badges.push([_("paused"), ""]);
  if (status.blank) badges.push([_("blank, camera closed"), ""]);
  if (status.notice) badges.push([status.notice, ""]);
  const box = at("badges");
  const shown = JSON.stringify(badges);
  if (box.dataset.shown === shown) return;
  box.dataset.shown = shown;
  box.replaceChildren(...badges.map(([text, kind]) => make("span", { class: `badge ${kind}` }, text)));
}

// Hours are those of the wall, which may hang in another time zone than this page.
function utcOffsetMs(hour) {
  const found = /([+-])(\d\d):(\d\d)$/.exec(hour || "");
  if (!found) return -new Date().getTimezoneOffset() * 60e3;
  return Number(`${found[1]}1`) * (Number(found[2]) * HOUR_MS + Number(found[3]) * 60e3);
}

function showViewers() {
  const counts = Object.entries(status.viewers_by_hour);
  const awayMs = utcOffsetMs(counts.at(-1)?.[0]);
  const newestMs = Math.floor((Date.now() + awayMs) / HOUR_MS) * HOUR_MS - awayMs;
  const shown = JSON.stringify([counts, newestMs]);
  const list = at("viewers");
  if (list.dataset.shown === shown) return;
  list.dataset.shown = shown;
  const most = Math.max(1, ...counts.map(([, count]) => count));
  const byHour = new Map(counts.map(([hour, count]) => [Date.parse(hour), count]));
  list.replaceChildren(...Array.from({ length: 24 }, (nothing, index) => {
    const hourMs = newestMs - (23 - index) * HOUR_MS;
    const name = String(new Date(hourMs + awayMs).getUTCHours()).padStart(2, "0");
    const count = byHour.get(hourMs) || 0;
    const words = count === 1 ? _("{hour}:00, 1 viewer", { hour: name }) : _("{hour}:00, {count} viewers", { hour: name, count });
    const bar = make("i", { "aria-hidden": "true" });
    bar.style.height = `${Math.round(60 * count / most)}px`;
    const label = index % 6 === 5 ? [make("b", { "aria-hidden": "true" }, name)] : [];
    return make("li", { class: count ? "some" : "", title: words },
      make("span", { class: "hidden" }, words), bar, ...label);
  }));
  setText(at("viewers-total"), _("{count} in 24 hours", { count: total(status.viewers_by_hour) }));
}

function showProgramme() {
  const programme = status.programme;
  at("programme").hidden = !programme;
  if (!programme) return;
  setText(at("item-now"), programme.current || _("closed"));
  const { following: item, changes_at: time } = programme;
  const next = item && time ? _("next: {item} at {time}", { item, time }) : item ? _("next: {item}", { item }) : "";
  setText(at("item-next"), next || (time ? _("changes at {time}", { time }) : ""));
  showChoices(at("items"), programme.items, programme.current, (item) => command("item", item));
}

function showChoices(box, choices, current, choose) {
  const shown = JSON.stringify(choices);
  if (box.dataset.shown !== shown) {
    box.dataset.shown = shown;
    box.replaceChildren(...choices.map((choice) => {
      const [of, ...rest] = choice.split(":");
      const name = rest.length ? [make("span", { class: "of" }, of), rest.join(":")] : [choice];
      return make("button", { type: "button", title: choice, "data-choice": choice, onclick: () => choose(choice) }, ...name);
    }));
  }
  for (const button of box.children) button.setAttribute("aria-pressed", String(button.dataset.choice === current));
}

function showActions() {
  for (const button of at("actions").children) {
    const field = PRESSED_WHERE[button.dataset.command];
    if (field) button.setAttribute("aria-pressed", String(Boolean(status[field])));
  }
}

function showStatus() {
  setText(at("effect"), status.effect);
  setText(at("source"), status.source);
  document.title = `${status.effect} – realtime`;
  showPairs(at("figures"), figures());
  showFacts();
  showBadges();
  showViewers();
  showProgramme();
  showActions();
  showEffects();
  if (status.message && status.message !== toldMessage) say(status.message);
  toldMessage = status.message;
}

// Commands and effects

function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

async function showCommands() {
  const { commands } = await get("/commands.json");
  const buttons = commands.filter((one) => [null, "switch"].includes(one.takes) && !ELSEWHERE.includes(one.name));
  at("actions").replaceChildren(...buttons.map((one) => {
    const press = () => command(one.name, one.takes === "switch" ? !status[PRESSED_WHERE[one.name]] : undefined);
    const parts = ICONS[one.name] ? [icon(ICONS[one.name])] : [];
    return make("button", { type: "button", title: one.help, "data-command": one.name, onclick: press },
      ...parts, make("span", {}, one.title[0].toUpperCase() + one.title.slice(1)));
  }));
}

let effects = [];
let backgrounds = [];

function showEffects() {
  const isLook = status.spec !== status.background;
  showChoices(at("effects"), effects, isLook ? status.spec : "none", (spec) => command("effect", spec));
  const known = [...new Set(["none", ...backgrounds, status.background || "none"])];
  showChoices(at("backgrounds"), known, status.background || "none", (spec) => command("background", spec));
}

async function lookForEffects() {
  const { effects: found, backgrounds: behind, complete } = await get("/effects.json");
  effects = found.filter((spec) => !behind.includes(spec));
  backgrounds = behind;
  if ("spec" in status) showEffects();
  if (!complete) setTimeout(lookForEffects, 500);
}

// Parameters: a control for each, made from its description

function digits(parameter) {
  const step = parameter.step || (parameter.most - parameter.least) / 100 || 0.01;
  return Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
}

function words(parameter, value) {
  if (value === null) return _("none");
  if (parameter.unit === "%") return `${Math.round(100 * value)}%`;
  const number = parameter.kind === "number" ? Number(value).toFixed(digits(parameter)) : String(value);
  return parameter.unit ? `${number} ${parameter.unit}` : number;
}

// Of one parameter no more than the newest value waits, however fast a slider moves.
function sender(parameter, shown) {
  let isAsking = false;
  let waiting;
  let hasWaiting = false;
  const send = async (value) => {
    if (isAsking) {
      [waiting, hasWaiting] = [value, true];
      return;
    }
    isAsking = true;
    try {
      const answer = await ask(`/parameters/${encodeURIComponent(parameter.path)}`, value);
      parameter.value = answer.value;
    } catch (error) {
      say(error.message, true);
    }
    isAsking = false;
    if (hasWaiting) {
      hasWaiting = false;
      send(waiting);
    } else {
      shown(parameter.value);
    }
  };
  return { send, isBusy: () => isAsking };
}

const isRange = (one) => ["number", "whole number"].includes(one.kind)
  && one.least !== null && one.most !== null && !one.optional;

function rangeControl(parameter, id) {
  const whole = parameter.kind === "whole number";
  const output = make("output", { for: id });
  const input = make("input", {
    type: "range", id, min: parameter.least, max: parameter.most,
    step: whole ? 1 : Math.min(parameter.step || Infinity, (parameter.most - parameter.least) / 100),
  });
  const tell = (value) => {
    setText(output, words(parameter, value));
    input.setAttribute("aria-valuetext", words(parameter, value));
  };
  input.addEventListener("input", () => tell(Number(input.value)));
  return { input, beside: output, below: input, read: () => Number(input.value), on: "input",
    write: (value) => { input.value = value; tell(value); } };
}

function switchControl(parameter, id) {
  const input = make("input", { type: "checkbox", role: "switch", id });
  return { input, beside: input, read: () => input.checked, on: "change", write: (value) => { input.checked = value; } };
}

function choiceControl(parameter, id) {
  const isSwitch = parameter.kind === "switch";
  const choices = isSwitch ? ["yes", "no"] : parameter.choices;
  const titles = isSwitch ? [_("yes"), _("no")] : parameter.choice_titles;
  const none = parameter.optional ? [make("option", { value: "" }, _("automatic"))] : [];
  const input = make("select", { id }, ...none, ...choices.map((one, place) => make("option", { value: one }, titles[place])));
  const text = (value) => (value === true ? "yes" : value === false ? "no" : value ?? "");
  return { input, beside: input, read: () => input.value || null, on: "change", write: (value) => { input.value = text(value); } };
}

function entryControl(parameter, id) {
  const isNumber = ["number", "whole number"].includes(parameter.kind);
  const input = make("input", {
    type: isNumber ? "number" : "text", id, min: parameter.least, max: parameter.most,
    step: parameter.kind === "whole number" ? 1 : isNumber ? parameter.step || "any" : null,
    placeholder: parameter.optional ? _("automatic") : null, maxlength: isNumber ? null : 1000, autocomplete: "off",
  });
  const read = () => (input.value === "" && (parameter.optional || isNumber) ? null : isNumber ? Number(input.value) : input.value);
  const unit = parameter.unit && parameter.unit !== "%" ? [make("span", { class: "unit" }, parameter.unit)] : [];
  return { input, beside: unit.length ? make("div", { class: "entry" }, input, ...unit) : input, read, on: "change",
    write: (value) => { input.value = value ?? ""; } };
}

function makeControl(parameter, id) {
  if (isRange(parameter)) return rangeControl(parameter, id);
  if (parameter.kind === "switch" && !parameter.optional) return switchControl(parameter, id);
  if (parameter.kind === "choice" || parameter.kind === "switch") return choiceControl(parameter, id);
  return entryControl(parameter, id);
}

function controlRow(parameter) {
  const id = `parameter-${parameter.path}`;
  const control = makeControl(parameter, id);
  const show = (value) => {
    parameter.value = value;
    control.write(value);
  };
  const { send, isBusy } = sender(parameter, show);
  control.input.addEventListener(control.on, () => send(control.read()));
  if (parameter.help) control.input.setAttribute("aria-describedby", `${id}-help`);
  control.input.title = parameter.help;
  show(parameter.value);
  const isTyping = () => control.on === "change" && document.activeElement === control.input && control.input.matches("input:not([type=checkbox])");
  controls.set(parameter.path, { parameter, show, send, isBusy: () => isBusy() || isTyping() });
  const row = make("div", { class: "row" }, make("label", { for: id }, parameter.title), control.beside);
  const help = parameter.help ? [make("p", { class: "help", id: `${id}-help` }, parameter.help)] : [];
  return make("div", { class: "control" }, row, ...(control.below ? [control.below] : []), ...help);
}

function fixedRows(fixed) {
  if (!fixed.length) return [];
  const rows = fixed.flatMap((one) => [make("dt", { title: one.help }, one.title), make("dd", {}, one.text)]);
  return [make("details", {}, make("summary", {}, _("set at the start")), make("dl", {}, ...rows))];
}

function ownerCard(owner, parameters) {
  const live = parameters.filter((one) => one.live);
  const reset = () => live.forEach((one) => controls.get(one.path).send(one.default));
  const buttons = live.length
    ? [make("button", { type: "button", class: "plain", "aria-label": _("Reset {owner}", { owner }), onclick: reset }, _("Reset"))] : [];
  const id = `owner-${owner}`;
  return make("section", { class: "card", "aria-labelledby": id },
    make("div", { class: "title" }, make("h2", { id }, owner), ...buttons),
    make("div", {}, ...live.map(controlRow)),
    ...fixedRows(parameters.filter((one) => !one.live)));
}

let isDescribing = false;

async function describeParameters() {
  if (isDescribing) return;
  isDescribing = true;
  try {
    const { parameters } = await get("/parameters.json");
    const focused = document.activeElement?.id;
    controls = new Map();
    const owners = new Map();
    // What the effect has to set comes before what the whole picture has.
    for (const one of parameters.reverse()) owners.set(one.owner, [one, ...(owners.get(one.owner) || [])]);
    const cards = [...owners].map(([owner, of]) => ownerCard(owner, of));
    at("parameters").replaceChildren(...cards);
    described = parameters.map((one) => one.path).sort().join();
    if (focused) at(focused)?.focus();
  } finally {
    isDescribing = false;
  }
}

let described = "";

function showValues(values) {
  if (Object.keys(values).sort().join() !== described) {
    describeParameters().catch((error) => say(error.message, true));
    return;
  }
  for (const [path, { parameter, show, isBusy }] of controls) {
    if (!isBusy() && parameter.value !== values[path]) show(values[path]);
  }
}

// What happens is told by the server

function listen() {
  const connection = at("connection");
  const told = (words, kind) => {
    setText(connection, words);
    connection.className = `connection ${kind}`;
  };
  const events = new EventSource("/events");
  events.addEventListener("open", () => told(_("live"), "live"));
  events.addEventListener("error", () => {
    told(_("connection lost"), "lost");
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, PICTURE_AGAIN_MS);
  });
  events.addEventListener("status", (event) => {
    status = JSON.parse(event.data);
    showStatus();
  });
  events.addEventListener("parameters", (event) => showValues(JSON.parse(event.data)));
}

async function begin() {
  for (const name of ["next-item", "next-effect", "previous-effect"]) {
    at(name).addEventListener("click", () => command(name));
  }
  watchPicture();
  try {
    await Promise.all([showCommands(), lookForEffects()]);
  } catch (error) {
    say(error.message, true);
  }
  listen();
}

begin();
