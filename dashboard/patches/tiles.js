// Tiles of patches. Everything that comes from data becomes text or an attribute, never markup.
const states = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gallery");
  if (!root) return;
  let state = states.get(parentElement);
  if (!state || state.root !== root) {
    state = { root, seen: 0, chosen: new Set(), nodes: [], ids: [], at: 0, anchor: null };
    states.set(parentElement, state);
    listen(state);
  }
  state.tell = setTriggerValue;
  state.choose = data.choose;
  if (state.version !== data.version) {
    state.version = data.version;
    build(state, data);
  }
  // An answer older than the last click here is out of date.
  if (data.seen >= state.seen) {
    state.seen = data.seen;
    state.chosen = new Set(data.chosen);
  }
  state.current = data.current;
  show(state);
}

function element(kind, className, text) {
  const made = document.createElement(kind);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function build(state, data) {
  const focused = state.root.getRootNode().activeElement;
  const had = state.nodes.find((node) => node.open === focused);
  const [least, most] = [`${Number(data.px)}px`, Number(data.columns)];
  const share = `calc((100% - ${12 * (most - 1)}px) / ${most} - 0.5px)`; // 12px: the gap
  state.root.style.setProperty("--tile", most ? `max(${least}, ${share})` : least);
  state.ids = data.tiles.map((tile) => tile.id);
  state.at = Math.max(0, state.ids.indexOf(had ? had.id : data.current));
  state.anchor = null;
  state.nodes = data.tiles.map((tile) => node(tile, data.choose));
  state.root.setAttribute("aria-label", data.label);
  state.root.replaceChildren(...state.nodes.map((one) => one.item));
  roam(state, state.at, had !== undefined);
}

function node(tile, choose) {
  const item = element("li", "tile");
  item.dataset.id = tile.id;
  const open = element("button", "open");
  open.type = "button";
  open.title = tile.title;
  const picture = element("img", "");
  picture.src = tile.src;
  picture.alt = tile.alt;
  picture.draggable = false;
  open.append(picture);
  item.append(open);
  let box = null;
  if (choose) {
    const pick = element("label", "pick");
    box = element("input", "");
    box.type = "checkbox";
    box.setAttribute("aria-label", `Choose ${tile.alt}`);
    box.title = "Choose (key x); shift-click chooses all up to here";
    pick.append(box);
    item.append(pick);
  }
  if (tile.chip) {
    const chip = element("span", "chip", tile.chip.text);
    chip.style.background = tile.chip.colour;
    chip.style.color = tile.chip.ink;
    chip.title = tile.chip.text;
    item.append(chip);
  }
  if (tile.name) {
    const name = element("div", "name", tile.name);
    name.title = tile.id;
    item.append(name);
  }
  for (const line of tile.lines) {
    const row = element("div", "line");
    row.append(...line.map((span) => element("span", span.look, span.text)));
    item.append(row);
  }
  return { id: tile.id, item, open, box };
}

function show(state) {
  state.root.classList.toggle("some", state.chosen.size > 0);
  for (const one of state.nodes) {
    const is = state.chosen.has(one.id);
    one.item.classList.toggle("chosen", is);
    if (one.box) one.box.checked = is;
    const isCurrent = one.id === state.current;
    one.item.classList.toggle("current", isCurrent);
    if (isCurrent) one.open.setAttribute("aria-current", "true");
    else one.open.removeAttribute("aria-current");
  }
}

// One tile of all is reached by Tab, with its box; arrows go from tile to tile.
function roam(state, to, focus) {
  if (!state.nodes.length) return;
  state.at = Math.min(Math.max(0, to), state.nodes.length - 1);
  state.nodes.forEach((one, place) => {
    one.open.tabIndex = place === state.at ? 0 : -1;
    if (one.box) one.box.tabIndex = place === state.at ? 0 : -1;
  });
  if (focus) state.nodes[state.at].open.focus();
}

function choose(state, place, on, range) {
  const from = range && state.anchor !== null ? state.anchor : place;
  for (let i = Math.min(from, place); i <= Math.max(from, place); i += 1) {
    if (on) state.chosen.add(state.ids[i]);
    else state.chosen.delete(state.ids[i]);
  }
  state.anchor = place;
  answer(state);
}

function answer(state) {
  state.seen += 1;
  show(state);
  state.tell("chosen", { ids: state.ids.filter((id) => state.chosen.has(id)), seen: state.seen });
}

function columns(state) {
  const top = state.nodes[0].item.offsetTop;
  const first = state.nodes.findIndex((one) => one.item.offsetTop > top);
  return first < 0 ? state.nodes.length : first;
}

function listen(state) {
  const placeOf = (event) => {
    const item = event.target.closest(".tile");
    return state.nodes.findIndex((one) => one.item === item);
  };
  state.root.addEventListener("click", (event) => {
    const place = placeOf(event);
    if (place < 0) return;
    const { id, open, box } = state.nodes[place];
    if (event.target === box) {
      choose(state, place, box.checked, event.shiftKey);
      roam(state, place, false);
    } else if (open.contains(event.target)) {
      roam(state, place, false);
      if (state.choose && event.shiftKey) choose(state, place, true, true);
      else if (state.choose && (event.ctrlKey || event.metaKey)) choose(state, place, !state.chosen.has(id), false);
      else state.tell("open", id);
    }
  });
  state.root.addEventListener("keydown", (event) => {
    const place = placeOf(event);
    if (place < 0) return;
    const steps = {
      ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(state), ArrowUp: -columns(state),
      Home: -state.nodes.length, End: state.nodes.length,
    };
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (plain && event.key in steps) {
      roam(state, place + steps[event.key], true);
    } else if (state.choose && plain && event.key.toLowerCase() === "x") {
      choose(state, place, event.shiftKey || !state.chosen.has(state.ids[place]), event.shiftKey);
    } else if (state.choose && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a") {
      state.ids.forEach((id) => state.chosen.add(id));
      answer(state);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
}
