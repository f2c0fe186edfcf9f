"use strict";
// The graph of a method: modules and instructions in order of execution, and the tensors between
// them. A module is one box until it is unfolded; page.js has what is used here and not defined.

const UNFOLDED_AT_FIRST = 28; // boxes, at most
const ROW = 30;
const unfolded = new Set();

function drawGraph() {
  const nodes = graphNodes();
  const width = Math.max(480, byId("graph").clientWidth || 1000);
  const right = Math.min(600, width * 0.6);
  const svg = draw("svg", { viewBox: `0 0 ${width} ${nodes.length * ROW + 4}`, role: "img",
    "aria-label": `graph of ${current.name}` });
  for (const module of unfolded) svg.append(...foldBars(module, nodes));
  for (const edge of graphEdges(nodes)) svg.append(edgeLine(edge, right, width));
  nodes.forEach((node, row) => svg.append(...nodeBox(node, row, right)));
  byId("graph").replaceChildren(nodes.length ? svg : make("p", { class: "note" }, "none"));
}

// Unfold level by level, as long as the boxes are few.
function unfoldSome() {
  unfolded.clear();
  for (;;) {
    const folded = graphNodes().filter((node) => node.module !== null && node.members.length > 1);
    for (const node of folded) unfolded.add(node.module);
    if (!folded.length) return;
    if (graphNodes().length > UNFOLDED_AT_FIRST) {
      for (const node of folded) unfolded.delete(node.module);
      return;
    }
  }
}

function graphNodes() {
  const nodes = [];
  for (const instruction of current.instructions) {
    const path = instruction.module ? instruction.module.split(".") : [];
    const prefixes = path.map((_, i) => path.slice(0, i + 1).join("."));
    const module = prefixes.find((prefix) => !unfolded.has(prefix)) ?? null;
    const last = nodes.at(-1);
    if (module !== null && last?.module === module) last.members.push(instruction);
    else {
      const depth = module === null ? path.length : module.split(".").length - 1;
      nodes.push({ module, members: [instruction], depth });
    }
  }
  return nodes;
}

function slotsIn(text) {
  if (text.startsWith("const ")) return [];
  const numbered = text.match(/%\d+/g);
  return numbered ?? (text.includes(" ") ? [text.split(" ")[0]] : []);
}

// What a box reads that another wrote, one edge for a pair of boxes. A later writer of a slot takes
// the place of an earlier one, unless a jump stands between them: then either may have been the last.
function graphEdges(nodes) {
  const makers = new Map();
  const edges = new Map();
  let jumps = 0;
  const connect = (from, to, text) => {
    const key = `${from} ${to}`;
    if (!edges.has(key)) edges.set(key, { from, to, hue: nodeHue(nodes[from]), texts: new Set() });
    edges.get(key).texts.add(text);
  };
  nodes.forEach((node, row) => {
    for (const instruction of node.members) {
      for (const text of instruction.arguments) {
        const rows = new Set(slotsIn(text).flatMap((slot) => makers.get(slot)?.rows ?? []));
        rows.delete(row);
        for (const from of rows) connect(from, row, text);
      }
      for (const slot of instruction.results.flatMap(slotsIn)) {
        const known = makers.get(slot);
        const rows = known && known.jumps < jumps ? known.rows : [];
        makers.set(slot, { jumps, rows: [...rows, row] });
      }
      if (instruction.operator === "jump") jumps += 1;
    }
  });
  return edges.values();
}

const nodeHue = (node) => hue(node.module ?? (node.members[0].module || node.members[0].operator));

function edgeLine({ from, to, hue: colour, texts }, right, width) {
  const [y0, y1] = [from * ROW + ROW / 2, to * ROW + ROW / 2];
  const reach = right + Math.min(width - right - 10, 12 + 26 * Math.sqrt(to - from));
  const path = to === from + 1
    ? `M${right - 24} ${y0}V${y1}`
    : `M${right} ${y0}C${reach} ${y0} ${reach} ${y1} ${right} ${y1}`;
  return draw("path", { class: "flow", d: path, hue: colour, "data-from": from, "data-to": to,
    onmousemove: (event) => showTip(event, `${texts.size} ${texts.size === 1 ? "tensor" : "tensors"}`, [...texts].slice(0, 8)),
    onmouseleave: hideTip });
}

function nodeBox(node, row, right) {
  const [first, last] = [node.members[0], node.members.at(-1)];
  const isFolded = node.module !== null && node.members.length > 1;
  const x = 8 + 12 * node.depth;
  const made = last.results.map((text) => text.replace(/^\S+ /, "")).join(", ");
  const target = first.operator === "jump" ? first.arguments.at(-1) : "";
  const name = isFolded ? `▸ ${node.module}` : [first.operator, first.module].filter(Boolean).join(" · ");
  const note = isFolded ? `${count(node.members.length)} instructions` : "";
  const calls = new Map();
  for (const { operator } of node.members) calls.set(operator, (calls.get(operator) ?? 0) + 1);
  const lines = [
    `instruction${isFolded ? `s ${first.index} to ${last.index}` : ` ${first.index}`}`,
    ...(isFolded ? [...calls].slice(0, 8).map(([operator, n]) => `${count(n)} ${operator}`) : []),
    made && `makes ${made}`,
    first.file && `${first.file}:${first.line}`,
    sourceText(first),
  ];
  const box = draw("rect", { class: "node", x, y: row * ROW + 4, width: right - x, height: ROW - 8, rx: 4,
    hue: nodeHue(node),
    onmousemove: (event) => { lightEdges(row); showTip(event, isFolded ? node.module : first.operator, lines); },
    onmouseleave: () => { lightEdges(-1); hideTip(); },
    onclick: () => {
      hideTip();
      if (!isFolded) { reveal(byId(`i-${first.index}`)); return; }
      unfolded.add(node.module);
      drawGraph();
    } });
  const text = [name, note, made, isFolded ? "" : target].filter(Boolean).join(" · ");
  const room = Math.floor((right - x - 16) / 6.6);
  const label = text.length > room ? `${text.slice(0, room - 1)}…` : text;
  return [box, draw("text", { class: "boxlabel", x: x + 8, y: row * ROW + 19 }, label)];
}

// A bar beside the parts of an unfolded module, once for each time that it runs.
function foldBars(module, nodes) {
  const depth = module.split(".").length - 1;
  const isPart = (node) => `${node.members[0].module}.`.startsWith(`${module}.`) && node.module !== module;
  const bars = [];
  for (let row = 0; row < nodes.length; row += 1) {
    if (!isPart(nodes[row])) continue;
    const start = row;
    while (row + 1 < nodes.length && isPart(nodes[row + 1])) row += 1;
    bars.push(draw("rect", { class: "fold", x: 8 + 12 * depth, y: start * ROW + 4, width: 7,
      height: (row - start + 1) * ROW - 8, rx: 3, hue: hue(module),
      onmousemove: (event) => showTip(event, module, ["click to fold"]),
      onmouseleave: hideTip,
      onclick: () => { hideTip(); unfolded.delete(module); drawGraph(); } }));
  }
  return bars;
}

function lightEdges(row) {
  for (const edge of document.querySelectorAll("#graph .flow")) {
    edge.classList.toggle("lit", edge.dataset.from === String(row) || edge.dataset.to === String(row));
  }
}
