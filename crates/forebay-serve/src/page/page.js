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

function stateOf(stream) {
  const interval = stream.batch_interval_ms === null ? "" : ` of ${stream.batch_interval_ms} ms`;
  const parts = [`${stream.batches} batches${interval}`, `${stream.items} items`];
  if (stream.batch_ended_ms !== null) parts.push(`last batch ended ${new Date(stream.batch_ended_ms).toISOString()}`);
  if (stream.waiting > 0) parts.push(`${stream.waiting} waiting`);
  if (stream.failed > 0) parts.push(`${stream.failed} failed, the last one: ${stream.failure}`);
  return parts.join(", ");
}

function rowOf(row, total) {
  const made = element("tr");
  const item = element("td");
  const rest = row.key_bytes === undefined ? "" : `… (${row.key_bytes} bytes)`;
  item.append(element("code", row.key + rest));
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
  const leftOut = top.left_out === undefined ? "" : `, ${top.left_out} rows left out`;
  made.append(element("h2", `Heavy hitters: ${top.state}`), element("p", `total ${top.total}, bounds ${error}${leftOut}`), table);
  return made;
}

// One answer that fails leaves the others on the page.
async function settle(path) {
  try {
    return { answer: await ask(path) };
  } catch (error) {
    return { error };
  }
}

function tableOrError(state, { answer, error }) {
  if (error === undefined) return tableOf(answer);
  const made = element("div");
  made.append(element("h2", `Heavy hitters: ${state.name}`), element("p", `no answer: ${error.message}`));
  return made;
}

async function show(stream) {
  const path = `streams/${encodeURIComponent(stream.name)}`;
  const ranked = stream.states.filter((state) => state.answers.includes("top"));
  const tops = ranked.map((state) => settle(`${path}/top?n=${ROWS}&of=${encodeURIComponent(state.name)}`));
  const [charts, ...answers] = await Promise.all([settle(`${path}/charts`), ...tops]);
  const parts = sectionOf(stream);
  parts.state.textContent = stateOf(stream);
  // The server drew them of numbers and fixed words.
  if (charts.error === undefined) parts.charts.innerHTML = charts.answer.charts.map((chart) => chart.html).join("");
  else parts.charts.textContent = `no charts: ${charts.error.message}`;
  parts.tables.replaceChildren(...answers.map((answer, position) => tableOrError(ranked[position], answer)));
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
