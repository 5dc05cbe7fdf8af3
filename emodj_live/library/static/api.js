// Questions to the server; whatever goes wrong becomes an error with one sentence for the user.

export async function ask(path, parameters = {}, options = {}) {
  const query = new URLSearchParams(parameters).toString();
  let answer;
  try {
    answer = await fetch(query ? `${path}?${query}` : path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer; is emodj-library serve still running?");
  }
  if (answer.ok) return answer.json();
  throw new Error(await sentence(answer));
}

// Return why a song's file cannot be had, or nothing if it can.
export async function whyNoAudio(id) {
  try {
    const answer = await fetch(`/songs/${id}/audio`, { headers: { Range: "bytes=0-0" } });
    return answer.ok || answer.status === 416 ? "" : await sentence(answer);
  } catch {
    return "The server does not answer; is emodj-library serve still running?";
  }
}

async function sentence(answer) {
  const text = await answer.text();
  try {
    return JSON.parse(text).error;
  } catch {
    return `The server refuses (${answer.status}): ${text.trim() || answer.statusText}.`;
  }
}

// Yield all songs of the map in portions: { ids, valence, arousal }.
export async function* places() {
  let after = 0;
  while (after !== null) {
    const portion = await ask("/songs", { after });
    yield portion;
    after = portion.next;
  }
}
