// What is heard, as it comes from the server, also after the server was away.
//
//   follow({ emotion, history, state, link });
//
// `history(emotions)` comes first and after each new connection, `emotion(one)` for each that follows, `state(what)` when
// another source is heard or it is paused, and `link(isConnected)` when the connection comes or goes.

const AGAIN = 1500; // [ms] until the next attempt

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
  source.onerror = () => {
    listeners.link?.(false);
    waiting = [];
    if (source.readyState === EventSource.CLOSED) setTimeout(() => follow(listeners), AGAIN);
  };
}
