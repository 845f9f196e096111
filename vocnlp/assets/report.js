"use strict";
// Draws the charts and wires them to the verbatims: a click on a bar, a cell or a name shows what customers said.

const view = { code: null, stage: null };
const byId = (id) => document.getElementById(id);
const make = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};

// --- charts ---------------------------------------------------------------------------------------------------------

const drawn = new Map();

function draw(id, option, height, onClick) {
  const box = byId(id);
  if (!box) return;
  box.style.height = height() + "px";
  const chart = echarts.init(box, null, { renderer: "canvas", devicePixelRatio: Math.max(2, window.devicePixelRatio) });
  chart.setOption(option());
  if (onClick) chart.on("click", onClick);
  drawn.set(id, { box, chart, option, height });
}

function redraw() {
  for (const { box, chart, option, height } of drawn.values()) {
    box.style.height = height() + "px";
    chart.resize();
    chart.setOption(option(), { notMerge: true });
  }
}

// The word cloud reads its canvas back for every word; told so in advance, the browser keeps that canvas in memory.
function readable(paint) {
  const original = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, options) {
    return original.call(this, kind, kind === "2d" ? Object.assign({ willReadFrequently: true }, options) : options);
  };
  paint();
  window.setTimeout(() => { HTMLCanvasElement.prototype.getContext = original; }, 2000);
}

let cloud = "negative";

function drawAll() {
  const rows = (list, each, extra) => () => list.length * each + extra;
  draw("chart-pains", painsOption, rows(DATA.pains, 32, 56), (event) => {
    drill(event.componentType === "yAxis" ? event.value : DATA.pains[event.dataIndex], null);
  });
  draw("chart-journey", journeyOption, journeyHeight, (event) => {
    if (event.componentType === "yAxis") drill(event.value, null);
    else if (event.componentType === "xAxis") drill(null, event.value);
    else if (event.seriesType === "heatmap") drill(DATA.heat.codes[event.data.value[1]], DATA.stages[event.data.value[0]].key);
    else drill(null, DATA.stages[event.data.value[0]].key);
  });
  draw("chart-channels", () => groupsOption(DATA.channels), rows(DATA.channels, 40, 40));
  draw("chart-segments", () => groupsOption(DATA.segments), rows(DATA.segments, 40, 40));
  draw("chart-months", monthsOption, () => 260);
  draw("chart-moods", moodsOption, () => 260);
  draw("chart-trend", trendOption, () => 320, (event) => drill(event.seriesId, null));
  if (byId("chart-cloud")) {
    if (!DATA.words.negative.length) cloud = "positive";
    readable(() => draw("chart-cloud", () => cloudOption(cloud), () => (narrow() ? 300 : 340)));
    press("[data-words]", (button) => button.dataset.words === cloud);
  }
}

// --- verbatims ------------------------------------------------------------------------------------------------------

function card(voice, wanted) {
  const band = voice.score === null ? "" : voice.score >= 9 ? "by-pro" : voice.score <= 6 ? "by-det" : "";
  const article = make("article", ("voice " + band).trim()), text = make("p");
  for (const [words, codes] of voice.parts) {
    const about = codes.some((id) => wanted.has(id));
    const node = codes.length ? make("mark", about ? "about" : "", words) : document.createTextNode(words);
    if (codes.length) node.title = codes.map(nameOf).join("、");
    text.append(node);
  }
  const foot = make("footer");
  foot.append(make("b", "", voice.score === null ? "未评分" : voice.score + " 分"));
  for (const words of [voice.stages.map((key) => (STAGES.has(key) ? STAGES.get(key).name : key)).join("、"), voice.channel, voice.date]) {
    if (words) foot.append(make("span", "", words));
  }
  article.append(text, foot);
  return article;
}

const under = (id) => {
  // A parent code stands for the verbatims of the codes below it, which are known by their path of names.
  const code = CODES.get(id);
  if (!code || code.leaf) return [id];
  const trail = [...code.path, code.name];
  return [id, ...DATA.codes.filter((other) => trail.every((name, at) => other.path[at] === name)).map((other) => other.id)];
};
const said = (code, stage) => {
  const wanted = code === null ? null : new Set(under(code));
  return DATA.voices.filter((voice) => (wanted === null || voice.codes.some((id) => wanted.has(id))) && (stage === null || voice.stages.includes(stage)));
};

function group(id, voices) {
  const code = CODES.get(id), wanted = new Set(under(id));
  const remark = count(code.neg) + " 条负面评论" + (code.pain === null ? "" : "，影响 NPS " + signed(code.pain) + " 点");
  const head = make("div", "group"), quotes = make("div", "quotes");
  head.append(make("h3", "", code.name), make("span", "note", remark));
  quotes.append(...voices.map((voice) => card(voice, wanted)));
  return [head, quotes];
}

function showVoices() {
  const list = byId("voices-list"), { code, stage } = view, nodes = [];
  if (!list) return;
  chips("chips-code", [[null, "精选"], ...DATA.shown.map((id) => [id, nameOf(id)])], "code");
  chips("chips-stage", DATA.stages.length > 1 ? [[null, "全部环节"], ...DATA.stages.map((item) => [item.key, item.name])] : [], "stage");
  if (code === null) {
    const seen = new Set();
    for (const id of DATA.shown.slice(0, 6)) {
      const voices = said(id, stage).filter((voice) => !seen.has(voice)).slice(0, 2);
      voices.forEach((voice) => seen.add(voice));
      if (voices.length) nodes.push(...group(id, voices));
    }
  } else {
    const voices = said(code, stage);
    if (voices.length) nodes.push(...group(code, voices));
  }
  const where = stage === null ? "" : "「" + STAGES.get(stage).name + "」环节";
  const what = code === null ? "影响最大的几个痛点" : "「" + nameOf(code) + "」";
  byId("voices-note").textContent = nodes.length
    ? where + (where && code === null ? "中" : "") + what + "的原声摘录，底色标出与该问题有关的证据，下划线是其他负面证据。"
    : where + what + "没有选入报告的原声。";
  list.replaceChildren(...nodes);
}

function chips(id, items, key) {
  byId(id).replaceChildren(...items.map(([value, name]) => {
    const button = make("button", "", name);
    button.type = "button";
    button.setAttribute("aria-pressed", String(view[key] === value));
    button.addEventListener("click", () => { view[key] = value; showVoices(); });
    return button;
  }));
}

function drill(code, stage) {
  if (!byId("voices-list")) return;
  view.code = code || null;
  view.stage = stage || null;
  showVoices();
  byId("voices").scrollIntoView();
}

// --- table ----------------------------------------------------------------------------------------------------------

const FIRST = 20;
const table = { level: "leaf", all: false };

function press(selector, pressed) {
  for (const button of document.querySelectorAll(selector)) button.setAttribute("aria-pressed", String(pressed(button)));
}

function showRows() {
  const rows = [...byId("codes").tBodies[0].rows].filter((row) => {
    row.hidden = true;
    return table.level === "all" || row.dataset[table.level] === "true";
  });
  rows.forEach((row, place) => { row.hidden = !table.all && place >= FIRST; });
  byId("more").hidden = table.all || rows.length <= FIRST;
  byId("more").textContent = "显示全部 " + rows.length + " 行";
}

function sortBy(head) {
  const column = head.cellIndex, body = byId("codes").tBodies[0], words = head.classList.contains("name");
  const down = head.hasAttribute("aria-sort") ? head.getAttribute("aria-sort") === "ascending" : !words && column < 6;
  const key = (row) => row.cells[column].dataset.v;
  const order = (a, b) => (words ? key(a).localeCompare(key(b), "zh") : Number(key(a)) - Number(key(b)));
  const rows = [...body.rows].sort((a, b) => (key(a) === "") - (key(b) === "") || (down ? order(b, a) : order(a, b)));
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  body.append(...rows);
  showRows();
}

function wire() {
  if (byId("codes")) {
    for (const head of byId("codes").tHead.rows[0].cells) head.firstElementChild.addEventListener("click", () => sortBy(head));
    byId("more").addEventListener("click", () => { table.all = true; showRows(); });
    showRows();
  }
  for (const button of document.querySelectorAll("[data-level]")) {
    button.addEventListener("click", () => { table.level = button.dataset.level; press("[data-level]", (other) => other === button); showRows(); });
  }
  for (const button of document.querySelectorAll("[data-words]")) {
    button.addEventListener("click", () => {
      cloud = button.dataset.words;
      press("[data-words]", (other) => other === button);
      readable(() => drawn.get("chart-cloud").chart.setOption(cloudOption(cloud), { notMerge: true }));
    });
  }
  for (const button of document.querySelectorAll(".link[data-code]")) button.addEventListener("click", () => drill(button.dataset.code, button.dataset.stage));
  let waiting = 0, width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return; // a phone's address bar comes and goes without a change in width
    width = window.innerWidth;
    window.clearTimeout(waiting);
    waiting = window.setTimeout(() => readable(redraw), 150);
  });
}

drawAll();
showVoices();
wire();
