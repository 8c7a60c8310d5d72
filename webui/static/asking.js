// What the pages of the web UI share: a part of a page put anew, a form sent.
"use strict";
const byId = (id) => document.getElementById(id);

async function put(place, url) {
  const answer = await fetch(url);
  if (answer.redirected) location.reload(); // the session is over: to the login
  if (!answer.ok) return;
  const html = await answer.text();
  if (place.shown !== html) place.innerHTML = place.shown = html; // what stands still can be read and copied
}

async function sent(url, body) {
  try {
    const answer = await fetch(url, { method: "POST", body });
    return answer.headers.get("content-type").includes("json") ? await answer.json() : { message: await answer.text() };
  } catch (error) {
    return { message: `${document.body.dataset.unheard}: ${error.message}` };
  }
}
