// What is heard, as it comes from the server, also after the server was away.
//
//   follow({ emotion, history, state, link });
//
// `history(emotions)` comes first and after each new connection, `emotion(one)` for each that follows, `state(what)` when
// another source is heard or it is paused, and `link(isConnected, isRefused)` when the connection comes or goes.

const AGAIN = 1500; // [ms] until the next attempt
const PATIENCE = 3000; // [ms] with a server that does not answer

export function follow(listeners) {
  const source = new EventSource("/events");
  let waiting = [];
  source.onopen = async () => {
    waiting = [];
    let emotions = [];
    try {
      emotions = await (await fetch("/history")).json();
    } catch {
      /* the connection is gone again, and onerror will say so */
    }
    listeners.link?.(true);
    listeners.history?.(emotions);
    const known = new Set(emotions.slice(-100).map((one) => JSON.stringify(one)));
    const news = waiting ?? [];
    waiting = null;
    for (const one of news) if (!known.has(JSON.stringify(one))) listeners.emotion?.(one);
  };
  source.onmessage = ({ data }) => {
    const emotion = JSON.parse(data);
    if (waiting) waiting.push(emotion);
    else listeners.emotion?.(emotion);
  };
  source.addEventListener("state", ({ data }) => listeners.state?.(JSON.parse(data)));
  source.onerror = async () => {
    waiting = [];
    const refused = await isRefused();
    if (source.readyState === EventSource.OPEN) return; // it is back already
    listeners.link?.(false, refused);
    if (source.readyState === EventSource.CLOSED) setTimeout(() => follow(listeners), AGAIN);
  };
}

/** Return whether the server wants another token, which an event source does not say. */
async function isRefused() {
  try {
    return (await fetch("/now", { signal: AbortSignal.timeout(PATIENCE) })).status === 403;
  } catch {
    return false;
  }
}
