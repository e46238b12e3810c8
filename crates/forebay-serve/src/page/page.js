// Asks for charts and heavy hitters again and again. Texts of the input never become markup.
"use strict";

const PAUSE = 1000;
const ROWS = 20;
const COLUMNS = ["item", "at least", "at most", "share"];
const NUMBERS = new Set(["at least", "at most"]);

const byId = (id) => document.getElementById(id);
const main = document.querySelector("main");
const sections = new Map();

// The part of an address after # is sent to nobody.
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given !== null) {
  sessionStorage.setItem("token", given);
  history.replaceState(null, "", location.pathname);
}

class Unauthorized extends Error {}

async function ask(path) {
  const token = sessionStorage.getItem("token");
  const headers = token === null ? {} : { Authorization: `Bearer ${token}` };
  const response = await fetch(path, { headers });
  if (response.status === 401) throw new Unauthorized();
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
}

function element(kind, text, kinds) {
  const made = document.createElement(kind);
  if (text !== undefined) made.textContent = text;
  if (kinds !== undefined) made.className = kinds;
  return made;
}

function sectionOf(stream) {
  let parts = sections.get(stream.name);
  if (parts === undefined) {
    const section = element("section");
    parts = { state: element("p"), charts: element("div", "", "charts"), tables: element("div") };
    section.dataset.stream = stream.name;
    section.append(element("h1", stream.name), parts.state, parts.charts, parts.tables);
    main.append(section);
    sections.set(stream.name, parts);
  }
  return parts;
}

// A stream on a clock counts from 1970, one that is stepped from its first batch.
function timeOf(millis) {
  const isDate = millis > Date.UTC(2000);
  return isDate ? new Date(millis).toISOString() : `${millis} ms`;
}

function stateOf(stream) {
  const parts = [`${stream.batches} batches of ${stream.batch_interval_ms} ms`, `${stream.items} items`];
  if (stream.batch_time !== null) parts.push(`last batch ${timeOf(stream.batch_time)}`);
  if (stream.waiting > 0) parts.push(`${stream.waiting} waiting`);
  if (stream.failed > 0) parts.push(`${stream.failed} failed, the last one: ${stream.failure}`);
  return parts.join(", ");
}

function rowOf(row, total) {
  const made = element("tr");
  const item = element("td");
  item.append(element("code", row.key));
  const share = element("td");
  const meter = element("meter");
  meter.value = total > 0 ? row.lower / total : 0;
  share.append(meter, ` ${(100 * meter.value).toFixed(2)}%`);
  made.append(item, element("td", row.lower, "n"), element("td", row.upper, "n"), share);
  return made;
}

function tableOf(top) {
  const made = element("div");
  const table = element("table");
  const head = element("tr");
  for (const column of COLUMNS) head.append(element("th", column, NUMBERS.has(column) ? "n" : ""));
  table.append(head, ...top.rows.map((row) => rowOf(row, top.total)));
  table.dataset.state = top.state;
  const error = top.max_error > 0 ? `at most ${top.max_error} apart` : "exact";
  made.append(element("h2", `Heavy hitters: ${top.state}`), element("p", `total ${top.total}, bounds ${error}`), table);
  return made;
}

async function show(stream) {
  const path = `streams/${encodeURIComponent(stream.name)}`;
  const ranked = stream.states.filter((state) => state.answers.includes("top"));
  const tops = ranked.map((state) => ask(`${path}/top?n=${ROWS}&of=${encodeURIComponent(state.name)}`));
  const [charts, ...answers] = await Promise.all([ask(`${path}/charts`), ...tops]);
  const parts = sectionOf(stream);
  parts.state.textContent = stateOf(stream);
  // The server drew them of numbers and fixed words.
  parts.charts.innerHTML = charts.charts.map((chart) => chart.html).join("");
  parts.tables.replaceChildren(...answers.map(tableOf));
}

async function refresh() {
  try {
    const { streams } = await ask("streams");
    await Promise.all(streams.map(show));
    byId("status").hidden = true;
    byId("access").hidden = true;
  } catch (error) {
    byId("status").hidden = false;
    byId("status").textContent = error instanceof Unauthorized ? "a token is needed" : `no answer: ${error.message}`;
    byId("access").hidden = !(error instanceof Unauthorized);
  }
}

async function keepUpToDate() {
  if (!document.hidden) await refresh();
  setTimeout(keepUpToDate, PAUSE);
}

byId("enter").addEventListener("click", () => {
  sessionStorage.setItem("token", byId("token").value);
  refresh();
});
keepUpToDate();
