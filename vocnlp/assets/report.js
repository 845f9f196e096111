"use strict";
// Draws the charts and wires them to the verbatims: a click on a bar, a cell or a name shows what customers said.

// --- charts ---------------------------------------------------------------------------------------------------------

const drawn = new Map();

function resize({ box, height, width }) {
  box.style.height = height() + "px";
  if (width) box.style.minWidth = width() + "px";
}

function draw(id, option, height, onClick, width) {
  const box = byId(id);
  if (!box) return;
  resize({ box, height, width });
  const chart = echarts.init(box, null, { renderer: "canvas", devicePixelRatio: Math.max(2, window.devicePixelRatio) });
  chart.setOption(option());
  if (onClick) chart.on("click", onClick);
  drawn.set(id, { box, chart, option, height, width });
  saving(box, chart);
}

// A picture of a chart, made by the browser itself: nothing is asked of anybody.
function saving(box, chart) {
  const button = make("button", "save", "保存图片");
  button.type = "button";
  button.addEventListener("click", () => {
    const link = make("a");
    link.download = document.title + "-" + box.getAttribute("aria-label") + ".png";
    link.href = chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: "#fff" });
    link.click();
  });
  const line = make("p", "tools");
  line.append(button);
  box.parentNode.after(line);
}

function again(id) {
  const { chart, option } = drawn.get(id);
  resize(drawn.get(id));
  chart.resize();
  chart.setOption(option(), { notMerge: true });
}

function redraw() {
  for (const id of drawn.keys()) again(id);
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

const onCode = (id, more, total) => drill(Object.assign({ code: id, side: "n" }, more), nameOf(id), total);
const onStage = (key) => drill({ stage: key }, stageName(key), STAGES.has(key) ? STAGES.get(key).comments : undefined);
const rows = (list, each, extra) => () => list.length * each + extra;

function drawFigures() {
  draw("chart-pains", painsOption, rows(DATA.pains, 32, 56), (event) => {
    const id = event.componentType === "yAxis" ? event.value : DATA.pains[event.dataIndex];
    onCode(id, {}, CODES.get(id).neg);
  });
  draw("chart-journey", journeyOption, journeyHeight, (event) => {
    if (event.componentType === "yAxis") onCode(event.value, {}, CODES.get(event.value).neg);
    else if (event.componentType === "xAxis") onStage(event.value);
    else if (event.seriesType !== "heatmap") onStage(DATA.stages[event.data.value[0]].key);
    else {
      const [stage, code, negative] = event.data.value, key = DATA.stages[stage].key, id = DATA.heat.codes[code];
      drill({ code: id, side: "n", stage: key }, nameOf(id) + " × " + stageName(key), negative);
    }
  }, wideEnough(() => journeyLeft() + 16, () => DATA.stages.length));
  const onGroup = (by, groups) => (event) => {
    const key = event.componentType === "yAxis" ? event.value : groups[event.data.value[0]].key;
    drill({ [by]: key }, key, groups.find((group) => group.key === key).comments);
  };
  draw("chart-channels", () => groupsOption(DATA.channels), rows(DATA.channels, 40, 40), onGroup("channel", DATA.channels));
  draw("chart-segments", () => groupsOption(DATA.segments), rows(DATA.segments, 40, 40), onGroup("segment", DATA.segments));
  const onMonth = (month, mood) => {
    const [year, number] = month.key.split("-").map(Number), next = number === 12 ? year + 1 + "-01" : year + "-" + String(number + 1).padStart(2, "0");
    drill({ from: month.key + "-01", to: next + "-01", mood: mood || "" }, month.key + (mood ? " " + MOODS[mood] : ""), mood ? month[mood.slice(0, 3)] : month.comments);
  };
  draw("chart-months", monthsOption, () => 260, (event) => onMonth(DATA.months[event.data.value[0]]));
  draw("chart-moods", moodsOption, () => 260, (event) => onMonth(DATA.months[event.dataIndex], ["negative", "neutral", "positive"][event.seriesIndex]));
  if (byId("chart-cloud")) {
    if (!DATA.words.negative.length) cloud = "positive";
    const onWord = (event) => drill({ words: event.name }, event.name);
    readable(() => draw("chart-cloud", () => cloudOption(cloud), () => (narrow() ? 300 : 340), onWord));
    press("[data-words]", (button) => button.dataset.words === cloud);
  }
}

function drawAnalyses() {
  draw("chart-drivers", driversOption, rows(DATA.drivers.items, 32, 56), (event) => {
    const id = event.componentType === "yAxis" ? event.value : DATA.drivers.items[event.dataIndex].id;
    drill({ code: id }, nameOf(id), CODES.get(id).mentions);
  });
  draw("chart-matrix", matrixOption, () => (narrow() ? 360 : 460), (event) => {
    const id = DATA.matrix.points[event.dataIndex].id;
    drill({ code: id }, nameOf(id), CODES.get(id).mentions);
  });
  draw("chart-map", mapOption, rows(DATA.map.stages, 54, 42), (event) => {
    if (event.componentType === "yAxis") onStage(event.value);
    else if (event.componentType === "xAxis") drill({ channel: event.value }, event.value);
    else {
      const { at, comments } = event.data.spot, stage = DATA.map.stages[at[0]], channel = DATA.map.points[at[1]];
      drill({ stage: stage.key, channel }, stage.name + " × " + channel, comments);
    }
  }, wideEnough(() => mapLeft() + 10, () => DATA.map.points.length));
  draw("chart-cross", crossOption, () => crossHeight(), (event) => {
    if (event.componentType === "yAxis") onCode(event.value, {}, CODES.get(event.value).neg);
    else if (event.componentType === "xAxis") drill({ [crossed]: event.value }, event.value, DATA.cross[crossed].groups.find((group) => group.key === event.value).size);
    else {
      const { at, observed } = event.data.cell, table = DATA.cross[crossed], id = table.codes[at[1]], key = table.groups[at[0]].key;
      drill({ code: id, side: "n", [crossed]: key }, nameOf(id) + " × " + key, observed);
    }
  }, wideEnough(() => crossLeft() + 12, () => DATA.cross[crossed].groups.length));
  const onPeriod = (event) => {
    const line = MOVES.lines.find((one) => one.id === event.seriesId), at = event.dataIndex;
    if (!line) return;
    if (at === undefined || at === null || at < 0) onCode(line.id, {}, CODES.get(line.id).neg);
    else if (at < MOVES.starts.length) drill({ code: line.id, side: "n", from: MOVES.starts[at], to: MOVES.ends[at] }, nameOf(line.id) + "，" + periodOf(MOVES.starts[at]), line.counts[at]);
  };
  draw("chart-trend", trendOption, () => 320, onPeriod);
  draw("chart-stages", stagesOption, () => 320, (event) => {
    const line = MOVES.stages.find((one) => one.id === event.seriesId), at = event.dataIndex;
    if (!line) return;
    if (at === undefined || at === null || at < 0) drill({ stage: line.id, mood: "negative" }, line.name, STAGES.get(line.id).neg);
    else drill({ stage: line.id, mood: "negative", from: MOVES.starts[at], to: MOVES.ends[at] }, line.name + "，" + periodOf(MOVES.starts[at]), line.counts[at]);
  });
  draw("chart-forecast", forecastOption, () => 280, onPeriod);
  draw("chart-effects", effectsOption, () => 70 + 32 * MOVES.effects.length, (event) => {
    const id = event.componentType === "yAxis" ? event.value : MOVES.effects[event.dataIndex].id;
    onSide(id, event.seriesName === "之前" ? "before" : event.seriesName === "之后" ? "after" : "");
  });
  draw("chart-peak", peakOption, () => 260, (event) => {
    const kind = event.seriesIndex === 0 ? "peak" : "end", stage = DATA.peak.stages[event.dataIndex];
    drill({ turn: kind + ":" + stage.key }, event.seriesName + "：" + stage.name, Number(event.value));
  });
  draw("chart-gaps", gapsOption, rows(DATA.gaps, 32, 56), (event) => {
    const gap = DATA.gaps[event.componentType === "yAxis" ? DATA.gaps.findIndex((one) => one.name === event.value) : event.dataIndex];
    drill(gap.id ? { code: gap.id } : { words: gap.name }, gap.name);
  });
}

// The comments before, or since, the date that changes are counted from.
const when = (side) => (side === "before" ? { to: MOVES.split } : side === "after" ? { from: MOVES.split } : {});
function onSide(id, side) {
  const change = MOVES.changes.find((one) => one.id === id);
  onCode(id, when(side), change && side ? change[side] : CODES.get(id).neg);
}
function onStageSide(key, side) {
  const change = MOVES.stageChanges.find((one) => one.id === key);
  drill(Object.assign({ stage: key, mood: "negative" }, when(side)), change.name, side ? change[side] : change.before + change.after);
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

function wireTable() {
  if (!byId("codes")) return;
  for (const head of byId("codes").tHead.rows[0].cells) head.firstElementChild.addEventListener("click", () => sortBy(head));
  byId("more").addEventListener("click", () => { table.all = true; showRows(); });
  showRows();
  tabs("level", (level) => { table.level = level; showRows(); });
}

function tabs(name, chosen) {
  const selector = "[data-" + name + "]";
  for (const button of document.querySelectorAll(selector)) {
    button.addEventListener("click", () => { press(selector, (other) => other === button); chosen(button.dataset[name]); });
  }
}

function wire() {
  wireTable();
  tabs("words", (side) => { cloud = side; readable(() => again("chart-cloud")); });
  tabs("measure", (name) => { measure = name; again("chart-map"); });
  tabs("cross", (by) => { crossed = by; again("chart-cross"); });
  press("[data-measure]", (button) => button.dataset.measure === measure);
  press("[data-cross]", (button) => button.dataset.cross === crossed);
  if (byId("ahead")) {
    const tell = () => { byId("ahead-note").textContent = MOVES.lines.find((line) => line.id === ahead).whyNot || ""; };
    byId("ahead").addEventListener("change", () => { ahead = byId("ahead").value; again("chart-forecast"); tell(); });
    tell();
  }
  for (const button of document.querySelectorAll(".link[data-code], .link[data-when]")) {
    const { code, stage, channel, segment, side, when } = button.dataset;
    button.addEventListener("click", () => {
      if (when !== undefined) (stage ? onStageSide(stage, when) : onSide(code, when));
      else drill({ code: code || "", side: side || "", stage: stage || "", channel: channel || "", segment: segment || "" });
    });
  }
  let waiting = 0, width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return; // a phone's address bar comes and goes without a change in width
    width = window.innerWidth;
    window.clearTimeout(waiting);
    waiting = window.setTimeout(() => readable(redraw), 150);
  });
}

drawFigures();
drawAnalyses();
wireVoices();
showVoices();
wire();
