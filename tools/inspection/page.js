"use strict";
// Draws the page from the report in #data. Text from the program only ever becomes text nodes.
const report = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
let current = report.methods.find((m) => m.name === "forward") ?? report.methods[0];

function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "hue") node.style.setProperty("--hue", value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

const count = (n) => n.toLocaleString("en");

function bytes(n) {
  if (n < 1024) return `${n} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = n / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit += 1; }
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${units[unit]}`;
}

const PYTHON = ["int", "float", "bool", "str", "none"];
function type(tensor) {
  if (PYTHON.includes(tensor.dtype)) return tensor.dtype;
  return `${tensor.dtype}[${tensor.dynamic ? "≤" : ""}${tensor.shape.join("×")}]`;
}

// --- colours: one for each module, at the depth at which there are not too many ----------------

const groups = new Map();
const depth = (() => {
  const modules = report.methods.flatMap((m) => m.instructions.map((i) => i.module));
  for (let d = Math.max(1, ...modules.map((m) => m.split(".").length)); d > 1; d -= 1) {
    if (new Set(modules.map((m) => m.split(".").slice(0, d).join("."))).size <= 32) return d;
  }
  return 1;
})();
function hue(module) {
  const group = module.split(".").slice(0, depth).join(".");
  // Steps of the golden angle keep neighbours apart.
  if (!groups.has(group)) groups.set(group, Math.round((212 + groups.size * 137.5) % 360));
  return groups.get(group);
}

// --- tooltip -----------------------------------------------------------------------------------

const tip = byId("tip");
function showTip(event, title, lines) {
  tip.replaceChildren(make("b", {}, title), ...lines.filter(Boolean).map((l) => make("div", {}, l)));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - box.width - 8))}px`;
  const below = event.clientY + 18;
  const top = below + box.height > innerHeight ? event.clientY - box.height - 10 : below;
  tip.style.top = `${Math.max(4, top)}px`;
}
const hideTip = () => { tip.hidden = true; };

// --- source lines ------------------------------------------------------------------------------

const sourceId = (file, line) => `line-${encodeURIComponent(file)}-${line}`;

function sourceLink(place) {
  if (!place.file) return make("span", { class: "where" });
  const text = `${place.file}:${place.line}`;
  const lines = report.sources[place.file];
  if (!lines || place.line < 1 || place.line > lines.length) {
    return make("span", { class: "where" }, text);
  }
  const link = make("a", { class: "where", href: `#${sourceId(place.file, place.line)}` }, text);
  link.title = lines[place.line - 1].trim();
  link.addEventListener("click", (event) => {
    event.preventDefault();
    reveal(byId(sourceId(place.file, place.line)));
  });
  return link;
}

function sourceText(place) {
  const lines = report.sources[place.file];
  return lines && lines[place.line - 1] ? lines[place.line - 1].trim() : "";
}

function reveal(node) {
  if (!node) return;
  for (let at = node; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  for (const old of document.querySelectorAll(".shown")) old.classList.remove("shown");
  node.classList.add("shown");
  node.hidden = false;
  node.scrollIntoView({ block: "center" });
}

function drawSources() {
  const used = new Map();
  for (const method of report.methods) {
    for (const i of method.instructions) {
      if (!used.has(i.file)) used.set(i.file, new Set());
      used.get(i.file).add(i.line);
    }
  }
  const files = Object.entries(report.sources).map(([file, lines]) => {
    const rows = lines.map((text, n) => {
      const mark = used.get(file)?.has(n + 1) ? "line used" : "line";
      const index = make("span", { class: "index" }, String(n + 1));
      return make("span", { class: mark, id: sourceId(file, n + 1) }, index, text || " ");
    });
    return make("details", {}, make("summary", {}, file), make("pre", {}, ...rows));
  });
  byId("sources").replaceChildren(...files);
  byId("sources-section").hidden = files.length === 0;
}

// --- tables ------------------------------------------------------------------------------------

function table(head, rows, numbers = []) {
  const cell = (tag) => (text, i) =>
    make(tag, numbers.includes(i) ? { class: "number" } : {}, text);
  return make("table", {},
    make("thead", {}, make("tr", {}, ...head.map(cell("th")))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map(cell("td"))))));
}

function drawSummary() {
  const sizes = report.file;
  const stored = report.constants.filter((c) => c.kind !== "external");
  const facts = [
    ["file", bytes(sizes.bytes)],
    ["tables", bytes(sizes.flatbuffer + sizes.header)],
    ["stored tensors", `${bytes(stored.reduce((sum, c) => sum + c.bytes, 0))} in ${count(stored.length)}`],
    ["instructions", count(report.methods.reduce((sum, m) => sum + m.instructions.length, 0))],
    ["planned memory", bytes(report.methods.flatMap((m) => m.arenas).reduce((s, a) => s + a.bytes, 0))],
  ];
  if (report.delegates.length) {
    facts.push(["delegates", bytes(report.delegates.reduce((sum, d) => sum + d.bytes, 0))]);
  }
  byId("title").textContent = report.path;
  byId("summary").replaceChildren(
    ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

function drawMethods() {
  byId("methods").replaceChildren(...report.methods.map((method) => make("button", {
    type: "button",
    "aria-current": String(method === current),
    onclick: () => { current = method; drawMethod(); },
  }, method.name)));
}

function drawArguments() {
  const parts = [];
  for (const [title, values] of [["inputs", current.inputs], ["outputs", current.outputs]]) {
    if (!values.length) continue;
    const rows = values.map((v) => [v.name, type(v), PYTHON.includes(v.dtype) ? "" : bytes(v.bytes)]);
    parts.push(make("h3", {}, title), table(["name", "type", "size"], rows, [2]));
  }
  if (current.mutated_inputs.length) {
    parts.push(make("p", { class: "note" }, `writes its inputs ${current.mutated_inputs.join(", ")}`));
  }
  if (!parts.length) parts.push(make("p", { class: "note" }, "no inputs, no outputs"));
  byId("method").replaceChildren(...parts);
}

function drawOperators() {
  const rows = Object.entries(current.operators).map(([name, n]) => [count(n), name]);
  byId("operators").replaceChildren(rows.length
    ? table(["calls", "operator"], rows, [0])
    : make("p", { class: "note" }, "none"));
}

function drawDelegates() {
  const rows = report.delegates.map((d) =>
    [d.method, d.backend, bytes(d.bytes), count(d.calls), d.options.join(", ")]);
  byId("delegates").replaceChildren(
    table(["method", "backend", "size", "calls", "options"], rows, [2, 3]));
  byId("delegates-section").hidden = rows.length === 0;
}

// --- memory plan -------------------------------------------------------------------------------

function drawPlan() {
  const arenas = current.arenas.filter((a) => current.planned.some((t) => t.arena === a.id));
  const parts = arenas.flatMap((arena) => {
    const device = arena.device === "cpu" ? "" : ` on ${arena.device}`;
    return [
      make("h3", {}, `arena ${arena.id}${device}: ${bytes(arena.bytes)}, at most ` +
        `${bytes(arena.peak_live)} live, at ${arena.peak_position}`),
      arenaPicture(arena),
    ];
  });
  if (!parts.length) parts.push(make("p", { class: "note" }, "this method plans no memory"));
  byId("plan").replaceChildren(...parts);
}

function arenaPicture(arena) {
  const tensors = current.planned.filter((t) => t.arena === arena.id && t.bytes > 0);
  const width = Math.max(480, byId("plan").clientWidth || 1000);
  const [left, right, top, bottom] = [74, 10, 8, 26];
  const height = 380;
  const end = current.instructions.length + 2;
  const top_bytes = Math.max(1, arena.bytes, ...tensors.map((t) => t.offset + t.bytes));
  const x = (position) => left + (position / end) * (width - left - right);
  const y = (offset) => height - bottom - (offset / top_bytes) * (height - top - bottom);
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `memory plan of ${current.name}, arena ${arena.id}` });
  for (let i = 0; i <= 4; i += 1) {
    const offset = (top_bytes * i) / 4;
    svg.append(
      draw("line", { class: "grid", x1: left, x2: width - right, y1: y(offset), y2: y(offset) }),
      draw("text", { x: left - 8, y: y(offset) + 4, "text-anchor": "end" }, bytes(Math.round(offset))));
  }
  const step = Math.max(1, 10 ** Math.floor(Math.log10(end / 4)));
  const stride = end / step > 24 ? step * 5 : end / step > 12 ? step * 2 : step;
  for (let position = 0; position < end; position += stride) {
    svg.append(draw("text", { x: x(position + 0.5), y: height - 8, "text-anchor": "middle" },
      String(position)));
  }
  // Views below what they view, then the big ones, so that what shares their memory stays visible.
  const rank = (t) => (t.role === "view" ? 0 : 1);
  const order = [...tensors].sort((a, b) => rank(a) - rank(b) || b.bytes - a.bytes);
  for (const t of order) svg.append(...tensorBox(t, x, y));
  let path = "";
  let before = 0;
  for (const [position, live] of arena.live) {
    path += path ? `L${x(position)} ${y(before)}L${x(position)} ${y(live)}` : `M${x(position)} ${y(live)}`;
    before = live;
  }
  svg.append(draw("path", { class: "live", d: path || "M0 0" }));
  return svg;
}

function tensorBox(t, x, y) {
  const [x0, x1, y0, y1] = [x(t.first), x(t.last + 1), y(t.offset + t.bytes), y(t.offset)];
  const [w, h] = [Math.max(1, x1 - x0 - 0.5), Math.max(1, y1 - y0)];
  const place = t.file ? `${t.file}:${t.line}` : "";
  const lines = [
    `${type(t)} · ${bytes(t.bytes)} at offset ${count(t.offset)}`,
    `live ${t.first} to ${t.last}${t.role ? ` · ${t.role}` : ""}`,
    t.operator ? `made by ${t.operator}` : "",
    [t.module, place].filter(Boolean).join(" · "),
    sourceText(t),
  ];
  const box = draw("rect", { class: t.role === "view" ? "box view" : "box", x: x0, y: y0, width: w, height: h, hue: hue(t.module || t.operator),
    onmousemove: (event) => showTip(event, t.name, lines),
    onmouseleave: hideTip,
    onclick: () => reveal(byId(`i-${makerOf(t)}`)) });
  const room = Math.floor((w - 8) / 6.6);
  // A view's label would lie under what it views.
  if (t.role === "view" || h < 15 || room < 4) return [box];
  const full = `${t.name} ${t.module || t.role}`;
  const text = full.length <= room || room > t.name.length + 6 ? full : t.name;
  const label = text.length > room ? `${text.slice(0, room - 1)}…` : text;
  return [box, draw("text", { class: "boxlabel", x: x0 + 4, y: y0 + Math.min(13, h / 2 + 4) }, label)];
}

function makerOf(t) {
  // Its operator's first instruction while it is live; an input's first reader.
  const from = Math.max(0, t.first - 1);
  const made = current.instructions.slice(from, t.last + 1)
    .find((i) => i.operator === t.operator && i.module === t.module && i.line === t.line);
  return made ? made.index : Math.min(from, current.instructions.length - 1);
}

// --- treemap -----------------------------------------------------------------------------------

let zoomed = [];

function sizeTree() {
  const grouping = byId("grouping").value;
  const root = { name: report.path, size: 0, children: new Map() };
  const add = (path, size, detail) => {
    if (!size) return;
    let node = root;
    node.size += size;
    for (const part of path) {
      if (!node.children.has(part)) node.children.set(part, { name: part, size: 0, children: new Map() });
      node = node.children.get(part);
      node.size += size;
    }
    node.detail = detail;
  };
  report.constants.filter((c) => c.kind !== "external").forEach((c, n) => {
    const group = c[grouping] || "(unknown)";
    const path = grouping === "module" ? group.split(".") : [group];
    const name = `${c.dtype}[${c.shape.join("×")}]`;
    add([...path, `${c.kind} ${c.index || n}: ${name}`], c.bytes, {
      lines: [c.operator && `first used by ${c.operator}`, c.module, c.file && `${c.file}:${c.line}`,
        sourceText(c)] });
  });
  for (const d of report.delegates) {
    add(["(delegates)", `${d.backend} ${d.method} ${d.index}`], d.bytes, { lines: [] });
  }
  for (const s of report.segments.filter((s) => s.kind.startsWith("named data"))) {
    add(["(named data)", s.kind.slice("named data ".length)], s.bytes, { lines: [] });
  }
  add(["(tables)"], report.file.flatbuffer + report.file.header, { lines: [] });
  return root;
}

function drawSizes() {
  let node = sizeTree();
  const nodes = [node];
  for (const part of zoomed) {
    if (!node.children.has(part)) break;
    node = node.children.get(part);
    nodes.push(node);
  }
  zoomed = zoomed.slice(0, nodes.length - 1);
  const trail = nodes.flatMap((n, i) => [
    i ? " › " : "",
    make("button", { type: "button", onclick: () => { zoomed = zoomed.slice(0, i); drawSizes(); } },
      `${n.name} ${bytes(n.size)}`)]);
  byId("trail").replaceChildren("back here: ", ...trail);
  const area = byId("sizes");
  area.replaceChildren();
  tile(area, node, [...zoomed], 0, 0, area.clientWidth || 1000, area.clientHeight || 460, true);
}

function tile(area, node, path, x, y, width, height, outer) {
  const children = [...node.children.values()].sort((a, b) => b.size - a.size);
  if (!outer) {
    const module = byId("grouping").value === "module" ? path.join(".") : path[0];
    const div = make("div", { class: "tile", hue: path[0].startsWith("(") ? 212 : hue(module),
      onmousemove: (event) => showTip(event, path.join("."), [
        `${bytes(node.size)} · ${((100 * node.size) / report.file.bytes).toFixed(1)} % of the file`,
        ...(node.detail?.lines ?? [])]),
      onmouseleave: hideTip,
      onclick: () => {
        hideTip();
        zoomed = children.length ? path : path.slice(0, -1);
        drawSizes();
      } });
    Object.assign(div.style,
      { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
    if (width > 34 && height > 16) {
      div.append(node.name, " ", make("span", { class: "bytes" }, bytes(node.size)));
    }
    area.append(div);
    if (!children.length || width < 14 || height < 30) return;
    x += 3; y += 19; width -= 6; height -= 22;
  }
  for (const [child, ...box] of squarify(children, x, y, width, height)) {
    if (box[2] >= 2 && box[3] >= 2) tile(area, child, [...path, child.name], ...box, false);
  }
}

// Rows of tiles along the shorter side, each as long as its tiles become squarer.
function squarify(nodes, x, y, width, height) {
  const total = nodes.reduce((sum, n) => sum + n.size, 0);
  if (!total || width <= 0 || height <= 0) return [];
  const scale = (width * height) / total;
  const placed = [];
  let rest = nodes.map((n) => [n, n.size * scale]);
  while (rest.length) {
    const side = Math.min(width, height);
    let row = [];
    let sum = 0;
    let worst = Infinity;
    for (const [node, size] of rest) {
      const next = sum + size;
      const sizes = [...row.map((r) => r[1]), size];
      const ratio = Math.max(side ** 2 * Math.max(...sizes) / next ** 2,
        next ** 2 / (side ** 2 * Math.min(...sizes)));
      if (ratio > worst) break;
      row.push([node, size]);
      sum = next;
      worst = ratio;
    }
    const thickness = sum / side;
    let at = 0;
    for (const [node, size] of row) {
      const length = size / thickness;
      placed.push(width >= height
        ? [node, x, y + at, thickness, length] : [node, x + at, y, length, thickness]);
      at += length;
    }
    if (width >= height) { x += thickness; width -= thickness; }
    else { y += thickness; height -= thickness; }
    rest = rest.slice(row.length);
  }
  return placed;
}

// --- instructions ------------------------------------------------------------------------------

function drawInstructions() {
  const container = byId("instructions");
  container.replaceChildren();
  const open = [];
  for (const instruction of current.instructions) {
    const path = instruction.module ? instruction.module.split(".") : [];
    let common = 0;
    while (common < open.length && open[common].name === path[common]) common += 1;
    open.length = common;
    for (let i = common; i < path.length; i += 1) {
      const label = make("span", { class: "note" });
      const module = path.slice(0, i + 1).join(".");
      const details = make("details", { hue: hue(module) },
        make("summary", {}, make("b", {}, path[i]), " ", label));
      (open[i - 1]?.details ?? container).append(details);
      open.push({ name: path[i], details, label, members: 0, from: instruction.index });
    }
    for (const level of open) {
      level.members += 1;
      level.label.textContent = level.members === 1
        ? `instruction ${level.from}` : `instructions ${level.from} to ${instruction.index}`;
    }
    (open.at(-1)?.details ?? container).append(instructionRow(instruction));
  }
  for (const details of container.children) if (details.tagName === "DETAILS") details.open = true;
  if (!current.instructions.length) container.append(make("p", { class: "note" }, "none"));
  byId("filter").value = "";
}

function instructionRow(i) {
  const operands = make("span", {});
  for (const text of i.results) operands.append(...slotLinks(text, "result"), " ");
  if (i.results.length) operands.append("← ");
  operands.append(...slotLinks(i.arguments.join(", "), "operand"));
  return make("div", { class: "row", id: `i-${i.index}`, "data-text":
    `${i.operator} ${i.module} ${i.file}:${i.line}`.toLowerCase() },
    make("span", { class: "index" }, String(i.index)),
    make("span", {}, i.operator),
    operands,
    sourceLink(i));
}

// The slots in a text, %5, as what can be pointed at (all its uses light up) and followed.
function slotLinks(text, role) {
  return text.split(/(%\d+)/).map((piece, i) => i % 2
    ? make("span", { class: `slot ${role}`, "data-slot": piece }, piece) : piece);
}

function lightUp(event) {
  for (const old of document.querySelectorAll(".slot.lit")) old.classList.remove("lit");
  const slot = event.target.closest?.(".slot")?.dataset.slot;
  if (!slot) return;
  for (const use of document.querySelectorAll(`.slot[data-slot="${slot}"]`)) use.classList.add("lit");
}

function follow(event) {
  const slot = event.target.closest?.(".slot");
  if (!slot) return;
  const row = slot.closest(".row");
  const makers = [...document.querySelectorAll(`.slot.result[data-slot="${slot.dataset.slot}"]`)]
    .map((result) => result.closest(".row"));
  const before = makers.filter((maker) => maker !== row
    && maker.compareDocumentPosition(row) & Node.DOCUMENT_POSITION_FOLLOWING);
  reveal(before.at(-1) ?? makers[0]);
}

function filterInstructions() {
  const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of document.querySelectorAll("#instructions .row")) {
    row.hidden = !words.every((word) => row.dataset.text.includes(word));
  }
  for (const details of document.querySelectorAll("#instructions details")) {
    details.hidden = !details.querySelector(".row:not([hidden])");
    if (words.length) details.open = true;
  }
}

function setFolds(isOpen) {
  for (const details of document.querySelectorAll("#instructions details")) details.open = isOpen;
}

// --- all of it ---------------------------------------------------------------------------------

function drawMethod() {
  drawMethods();
  if (!current) return;
  drawArguments();
  drawPlan();
  unfoldSome();
  drawGraph();
  drawInstructions();
  drawOperators();
}

drawSummary();
drawSources();
drawMethod();
drawSizes();
drawDelegates();
byId("filter").addEventListener("input", filterInstructions);
byId("instructions").addEventListener("mouseover", lightUp);
byId("instructions").addEventListener("click", follow);
byId("unfold").addEventListener("click", () => setFolds(true));
byId("fold").addEventListener("click", () => setFolds(false));
byId("grouping").addEventListener("change", () => { zoomed = []; drawSizes(); });
let resizing = 0;
addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(() => { if (current) { drawPlan(); drawGraph(); } drawSizes(); }, 150);
});
document.documentElement.dataset.drawn = "true";
