// Mouse, fingers and keys on the map. A drag pans, a wheel or two fingers zoom, a click chooses.

const CLICK = 6; // [px] that a click may stray
const FINGER = 24; // [px] how near a finger is near
const STEP = 24; // [px] of the cross
const ZOOM = 1.5;

export function handle(map, canvas) {
  const fingers = new Map();
  let start = null;

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const tell = (kind, x, y, isFinger = false) => {
    const dot = map.dotAt(x, y, isFinger ? FINGER : undefined);
    map.dispatchEvent(new CustomEvent(kind, { detail: { dot, point: map.view.pointAt(x, y), x, y } }));
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, place(event));
    start = fingers.size === 1 ? { at: place(event), isDrag: false } : null;
    map.mark({ cross: null });
  });

  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = place(event);
    const before = fingers.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "mouse") tell("hover", x, y);
      return;
    }
    if (fingers.size === 2) pinch(map.view, fingers, event.pointerId, [x, y]);
    else if (start && !start.isDrag && Math.hypot(x - start.at[0], y - start.at[1]) < CLICK) return;
    else {
      if (start) start.isDrag = true;
      map.view.pan(x - before[0], y - before[1]);
      map.dispatchEvent(new CustomEvent("leave"));
    }
    fingers.set(event.pointerId, [x, y]);
    map.draw();
  });

  const lift = (event) => {
    const isClick = event.type === "pointerup" && start && !start.isDrag && fingers.has(event.pointerId);
    fingers.delete(event.pointerId);
    if (isClick) tell("choose", ...start.at, event.pointerType === "touch");
    if (fingers.size === 0) start = null;
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", () => map.dispatchEvent(new CustomEvent("leave")));

  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 24 : 1;
      map.view.zoom(Math.exp(-Math.max(-200, Math.min(200, event.deltaY * lines)) * 0.002), ...place(event));
      map.draw();
    },
    { passive: false },
  );

  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
    const view = map.view;
    if (moves[event.key]) {
      const [valence, arousal] = map.marks.cross ?? [view.valence, view.arousal];
      const [x, y] = [view.x(valence) + moves[event.key][0], view.y(arousal) + moves[event.key][1]];
      const cross = view.pointAt(x, y).map((value) => Math.min(1, Math.max(-1, value)));
      view.show(...cross);
      map.mark({ cross });
      map.draw();
      tell("hover", view.x(cross[0]), view.y(cross[1]), true);
    } else if (event.key === "Enter" && map.marks.cross) {
      tell("choose", view.x(map.marks.cross[0]), view.y(map.marks.cross[1]), true);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  canvas.addEventListener("blur", () => map.mark({ cross: null }));
}

export function zoomBy(map, way) {
  if (way === "all") map.view.showAll();
  else map.view.zoom(way === "in" ? ZOOM : 1 / ZOOM);
  map.draw();
}

// Zoom and pan so that both fingers stay on the points that they touch.
function pinch(view, fingers, moved, to) {
  const [other] = [...fingers].filter(([finger]) => finger !== moved).map(([, at]) => at);
  const from = fingers.get(moved);
  const before = Math.hypot(from[0] - other[0], from[1] - other[1]);
  const after = Math.hypot(to[0] - other[0], to[1] - other[1]);
  const [x, y] = [(from[0] + other[0]) / 2, (from[1] + other[1]) / 2];
  view.pan((to[0] - from[0]) / 2, (to[1] - from[1]) / 2);
  if (before > 10 && after > 10) view.zoom(after / before, x + (to[0] - from[0]) / 2, y + (to[1] - from[1]) / 2);
}
