// The scene with what was found over it. Texts from data become text nodes or attributes, never markup.
const states = new WeakMap();
const SVG = "http://www.w3.org/2000/svg";
const MOST_ZOOM = 24;
const NEAR = 4; // px that a pointer may move and still click

export default function (component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".scene");
  if (!root) return;
  let state = states.get(parentElement);
  if (!state || state.root !== root) {
    state = { root, zoom: 1, x: 0, y: 0, swipe: null, pointers: new Map(), found: find(root) };
    states.set(parentElement, state);
    listen(state);
  }
  state.tell = component.setTriggerValue;
  if (state.picture !== data.picture) {
    state.picture = data.picture;
    state.zoom = 1; state.x = 0; state.y = 0; state.swipe = null;
  }
  if (state.version !== data.version) {
    state.version = data.version;
    draw(state, data);
  }
  if (state.swipe === null || data.swipe !== state.told) state.swipe = data.swipe;
  state.told = data.swipe;
  place(state);
}

function find(root) {
  const one = (name) => root.querySelector(`.${name}`);
  return Object.fromEntries(
    ["frame", "stage", "after", "before", "unseen", "over", "shapes", "labels", "handle", "tip", "bar", "words",
     "legend", "in", "out", "all", "ramp", "top"].map((name) => [name, one(name)]));
}

function draw(state, data) {
  const f = state.found;
  state.data = data;
  state.root.style.setProperty("--aspect", data.aspect);
  f.frame.setAttribute("aria-label", data.label);
  for (const [name, image] of [["after", f.after], ["before", f.before], ["unseen", f.unseen], ["over", f.over]]) {
    image.hidden = !data[name];
    if (data[name] && image.src !== data[name]) image.src = data[name];
    if (!data[name]) image.removeAttribute("src");
  }
  f.after.alt = data.alt;
  f.over.style.opacity = data.opacity;
  f.shapes.setAttribute("viewBox", `0 0 ${data.width} ${data.height}`);
  f.shapes.replaceChildren(...data.shapes.flatMap(lines));
  f.labels.replaceChildren(...data.labels.map((one) => label(one, data)));
  f.handle.hidden = !data.before;
  f.legend.replaceChildren(...data.legend.map(entry));
  f.ramp.parentElement.hidden = !data.over;
  f.ramp.style.opacity = data.opacity;
  f.ramp.style.background = `linear-gradient(90deg, transparent, ${data.ink})`;
  f.top.textContent = data.scale;
}

function lines(shape) {
  const under = document.createElementNS(SVG, "path");
  const over = document.createElementNS(SVG, "path");
  for (const [path, kind] of [[under, "under"], [over, shape.kind]]) {
    path.setAttribute("d", shape.path);
    path.setAttribute("class", kind);
  }
  over.style.stroke = shape.colour;
  over.style.fill = shape.fill || "none";
  return [under, over];
}

function label(one, data) {
  const made = document.createElement("span");
  made.className = one.kind;
  made.textContent = one.text;
  made.style.left = `${(100 * one.x) / data.width}%`;
  made.style.top = `${(100 * one.y) / data.height}%`;
  if (one.colour) made.style.background = one.colour;
  return made;
}

function entry(one) {
  const made = document.createElement("span");
  const mark = document.createElement("i");
  mark.style.borderColor = one.colour;
  if (one.fill) mark.style.background = one.colour;
  made.append(mark, document.createTextNode(one.text));
  return made;
}

// Where everything is now.
function place(state) {
  const { found: f, data, zoom } = state;
  const most = 1 - 1 / zoom;
  state.x = Math.min(Math.max(state.x, 0), most);
  state.y = Math.min(Math.max(state.y, 0), most);
  Object.assign(f.stage.style, {
    width: `${100 * zoom}%`, height: `${100 * zoom}%`, left: `${-100 * zoom * state.x}%`, top: `${-100 * zoom * state.y}%`,
  });
  f.frame.classList.toggle("near", zoom > 1);
  f.stage.classList.toggle("grown", zoom > 3);
  // The handle stands at a share of the frame; the edge of the picture from before at the same place of the scene.
  const edge = 100 * (state.x + state.swipe / 100 / zoom);
  f.before.style.clipPath = `inset(0 ${100 - edge}% 0 0)`;
  f.handle.style.left = `clamp(18px, ${state.swipe}%, calc(100% - 18px))`;
  f.handle.classList.toggle("folded", state.swipe < 9 || state.swipe > 91);
  f.handle.classList.toggle("ended", state.swipe < 1 || state.swipe > 99);
  f.handle.setAttribute("aria-valuenow", Math.round(state.swipe));
  f.handle.setAttribute("aria-valuetext", `${Math.round(state.swipe)}% from before the event`);
  f.out.disabled = f.all.disabled = zoom === 1;
  f.in.disabled = zoom >= MOST_ZOOM;
  scale(state);
}

// A bar of a round length, about a fifth of the frame.
function scale(state) {
  const { found: f, data } = state;
  const wide = data.wide / state.zoom;
  const about = wide / 5;
  const power = 10 ** Math.floor(Math.log10(about));
  const round = [5, 2, 1].map((k) => k * power).find((k) => k <= about) || power;
  f.bar.style.width = `${(100 * round) / wide}%`;
  const metres = data.unit === "km" && round < 1;
  f.bar.textContent = metres ? `${Math.round(1000 * round)} m` : `${Number(round.toPrecision(3))} ${data.unit}`;
}

function zoomAt(state, factor, fx, fy) {
  const zoom = Math.min(Math.max(state.zoom * factor, 1), MOST_ZOOM);
  state.x += fx / state.zoom - fx / zoom;
  state.y += fy / state.zoom - fy / zoom;
  state.zoom = zoom;
  place(state);
}

// The place under a pointer: share of the frame, and pixel of the scene.
function under(state, event) {
  const box = state.found.frame.getBoundingClientRect();
  const fx = (event.clientX - box.left) / box.width;
  const fy = (event.clientY - box.top) / box.height;
  const col = (state.x + fx / state.zoom) * state.data.width;
  const row = (state.y + fy / state.zoom) * state.data.height;
  return { fx, fy, col, row };
}

function cellAt(state, at) {
  const { box } = state.data.cells;
  for (let i = 0; i < box.length; i += 1) {
    const [left, top, right, bottom] = box[i];
    if (at.col >= left && at.col < right && at.row >= top && at.row < bottom) return i;
  }
  return -1;
}

function tip(state, event, at) {
  const t = state.found.tip;
  const i = cellAt(state, at);
  const text = i < 0 ? "" : state.data.cells.text[i];
  t.hidden = !text;
  if (!text) return;
  t.replaceChildren(...text.split("\n").map((line) => {
    const row = document.createElement("div");
    row.textContent = line;
    return row;
  }));
  t.style.left = `${Math.min(Math.max(at.fx, 0.02), 0.98) * 100}%`;
  t.style.top = `${at.fy * 100}%`;
  t.style.transform = `translate(${at.fx > 0.6 ? "calc(-100% - 12px)" : "12px"}, ${at.fy > 0.7 ? "-110%" : "12px"})`;
}

function swiped(state, value, done) {
  state.swipe = Math.min(Math.max(value, 0), 100);
  place(state);
  clearTimeout(state.timer);
  if (done) state.timer = setTimeout(() => state.tell("swiped", Math.round(state.swipe)), 250);
}

function listen(state) {
  const f = state.found;
  const middle = (pointers) => {
    const [a, b] = [...pointers.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) };
  };
  f.in.onclick = () => zoomAt(state, 1.6, 0.5, 0.5);
  f.out.onclick = () => zoomAt(state, 1 / 1.6, 0.5, 0.5);
  f.all.onclick = () => zoomAt(state, 0, 0.5, 0.5);
  f.frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const at = under(state, event);
    zoomAt(state, Math.exp(-event.deltaY / 300), at.fx, at.fy);
  }, { passive: false });
  f.frame.addEventListener("dblclick", (event) => {
    const at = under(state, event);
    zoomAt(state, 2, at.fx, at.fy);
  });
  f.frame.addEventListener("pointerdown", (event) => {
    if (event.button || event.target.closest("button")) return;
    const onHandle = Boolean(event.target.closest(".handle"));
    state.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    state.down = { x: event.clientX, y: event.clientY, moved: false, onHandle };
    f.frame.setPointerCapture(event.pointerId);
    if (onHandle) f.handle.focus();
    f.tip.hidden = true;
  });
  f.frame.addEventListener("pointermove", (event) => {
    const at = under(state, event);
    const held = state.pointers.get(event.pointerId);
    if (!held) { tip(state, event, at); return; }
    const before = state.pointers.size === 2 ? middle(state.pointers) : null;
    const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
    held.x = event.clientX; held.y = event.clientY;
    if (Math.hypot(event.clientX - state.down.x, event.clientY - state.down.y) > NEAR) state.down.moved = true;
    if (!state.down.moved) return;
    const box = f.frame.getBoundingClientRect();
    if (before) {
      const after = middle(state.pointers);
      zoomAt(state, after.apart / Math.max(before.apart, 1), (after.x - box.left) / box.width,
        (after.y - box.top) / box.height);
    } else if (state.down.onHandle) {
      swiped(state, 100 * at.fx, false);
    } else if (state.zoom > 1) {
      state.x -= dx / box.width / state.zoom;
      state.y -= dy / box.height / state.zoom;
      place(state);
    }
  });
  const up = (event) => {
    if (!state.pointers.delete(event.pointerId) || state.pointers.size) return;
    const at = under(state, event);
    if (state.down.onHandle) { swiped(state, state.swipe, true); return; }
    if (state.down.moved || event.type === "pointercancel") return;
    const inside = at.col >= 0 && at.row >= 0 && at.col < state.data.width && at.row < state.data.height;
    const i = cellAt(state, at);
    if (inside) {
      state.count = (state.count || 0) + 1;
      const cell = i < 0 ? null : state.data.cells.name[i];
      state.tell("picked", { row: Math.floor(at.row), col: Math.floor(at.col), cell, count: state.count });
    }
  };
  f.frame.addEventListener("pointerup", up);
  f.frame.addEventListener("pointercancel", up);
  f.frame.addEventListener("pointerleave", () => { f.tip.hidden = true; });
  f.handle.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 10 : 2;
    const to = {
      ArrowLeft: state.swipe - step, ArrowDown: state.swipe - step, ArrowRight: state.swipe + step,
      ArrowUp: state.swipe + step, PageDown: state.swipe - 10, PageUp: state.swipe + 10, Home: 0, End: 100,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    swiped(state, to, true);
  });
  f.frame.addEventListener("keydown", (event) => {
    if (event.target !== f.frame) return;
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] || [0, 0];
    if (event.key === "+" || event.key === "=") zoomAt(state, 1.6, 0.5, 0.5);
    else if (event.key === "-") zoomAt(state, 1 / 1.6, 0.5, 0.5);
    else if (event.key === "0") zoomAt(state, 0, 0.5, 0.5);
    else if ((dx || dy) && state.zoom > 1) {
      state.x += (0.1 * dx) / state.zoom;
      state.y += (0.1 * dy) / state.zoom;
      place(state);
    } else return;
    event.preventDefault();
  });
}
