"use strict";
const urls = document.body.dataset; // of live, curves, past
const form = byId("settings");
let going = null, asking = false;

async function refresh() {
  try {
    if (!document.hidden) await put(byId("live"), urls.live);
  } catch { /* the server is away: the next second asks again */ }
  const { dataset } = document.querySelector("[data-going]");
  const now = dataset.going === "yes";
  if (going && !now) await put(byId("runs"), urls.past).catch(() => {});
  if (now && !document.hidden) await CURVES.ask(urls.curves).catch(() => {});
  if (!now) CURVES.hide();
  going = now;
  byId("start").disabled = now || asking || dataset.busy === "yes";
  byId("stop").disabled = !now || dataset.state === "stopping";
}

function choose() {
  for (const one of form.querySelectorAll("fieldset")) one.hidden = one.disabled = one.id !== `of-${byId("command").value}`;
}

async function post(url, body) {
  byId("refusal").textContent = "";
  asking = true; // until its first run begins, or it says why none can
  const asked = sent(url, body);
  await refresh();
  const told = await asked;
  asking = false;
  if (!told.success) byId("refusal").textContent = told.message;
  await refresh();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  post(form.action, new URLSearchParams(new FormData(form)));
});
byId("stop").addEventListener("click", () => { byId("stop").disabled = true; post(form.dataset.stop); });
byId("command").addEventListener("change", choose);
choose();
(async function poll() { await refresh(); setTimeout(poll, 1000); })();
