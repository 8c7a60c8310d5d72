"use strict";
const urls = document.body.dataset; // of live, target, curves, runs
const form = byId("settings");
let going = null;

async function refresh() {
  try {
    if (!document.hidden) await Promise.all([put(byId("live"), urls.live), put(byId("target"), urls.target), CURVES.ask(urls.curves)]);
  } catch { /* the server is away: the next second asks again */ }
  const { dataset } = document.querySelector("[data-going]");
  const now = dataset.going === "yes";
  if (going && !now) await put(byId("runs"), urls.runs).then(filter).catch(() => {});
  going = now;
  byId("start").disabled = now || dataset.busy === "yes";
  byId("stop").disabled = !now;
}

const filters = [...document.querySelectorAll(".filters select")];

function filter() {
  const rows = [...byId("runs").querySelectorAll("tbody tr")];
  const names = new Set(rows.map((row) => row.dataset.scenario).filter(Boolean));
  for (const { value } of byId("of-scenario").options) names.delete(value);
  byId("of-scenario").append(...[...names].sort().map((name) => new Option(name)));
  for (const row of rows) row.hidden = filters.some(({ value, dataset }) => value && row.dataset[dataset.key] !== value);
}

const picked = () => [...byId("runs").querySelectorAll("input:checked")].map((one) => one.value).reverse(); // the older first

async function compare() {
  const [a, b] = picked();
  byId("compare").disabled = byId("comparison").hidden = true;
  byId("compared").textContent = "…";
  const told = await sent(byId("compare").dataset.url, new URLSearchParams({ a, b }));
  byId("compared").textContent = told.success ? "" : told.message;
  if (told.success) byId("comparison").href = told.url;
  byId("comparison").hidden = !told.success;
  byId("compare").disabled = picked().length !== 2;
}

function hints() {
  const chosen = byId("scenario").selectedOptions[0].dataset;
  byId("scenario-title").textContent = chosen.title;
  for (const name of ["accounts", "rate", "duration", "protect", "seed"]) byId(name).placeholder = chosen[name];
  byId("tier").options[0].textContent = chosen.tier;
}

async function post(url, body) {
  byId("refusal").textContent = "";
  const told = await sent(url, body);
  if (!told.success) byId("refusal").textContent = told.message;
  await refresh();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  post(form.action, new URLSearchParams(new FormData(form)));
});
byId("stop").addEventListener("click", () => { byId("stop").disabled = true; post(form.dataset.stop); });
byId("scenario").addEventListener("change", hints);
for (const one of filters) one.addEventListener("change", filter);
byId("runs").addEventListener("change", () => { byId("compare").disabled = picked().length !== 2; });
byId("compare").addEventListener("click", compare);
filter();
hints();
(async function poll() { await refresh(); setTimeout(poll, 1000); })();
