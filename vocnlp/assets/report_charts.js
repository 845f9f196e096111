"use strict";
// Option builders for the charts. Names reach ECharts as data and the tooltip as text nodes: nothing here writes HTML.

const DATA = JSON.parse(document.getElementById("data").textContent);
const INK = "#1c2733", MUTED = "#5d6978", LINE = "#e2e6eb", ACCENT = "#1f4e79";
const NEG = "#c4541a", NEG_SOFT = "#ecc3a6", POS = "#2a6bad", NEU = "#bcc4cd";
const HEAT = ["#fcf5ee", "#f8dfc8", "#efb98d", "#df8a4b", "#9c3f10"];
// Eight hues told apart under the common colour blindnesses (after Okabe and Ito), darkened to be read as text.
const HUES = ["#c4541a", "#2a6bad", "#00805e", "#8a4f97", "#8f6f00", "#3d8fb8", "#6b4c3b", "#6a7683"];
const FONT = getComputedStyle(document.body).fontFamily;
const CODES = new Map(DATA.codes.map((code) => [code.id, code]));
const STAGES = new Map(DATA.stages.map((stage) => [stage.key, stage]));

const count = (value) => Number(value).toLocaleString("en-US");
const percent = (share) => (share === null || share === undefined ? "—" : (100 * share).toFixed(1) + "%");
const signed = (value) => {
  if (value === null || value === undefined) return "—";
  const text = Math.abs(value).toFixed(1);
  return (text === "0.0" ? "" : value > 0 ? "+" : "−") + text;
};
const nameOf = (id) => (CODES.has(id) ? CODES.get(id).name : id);
const short = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);
// How many characters of that size stand side by side in a column of a chart with so many pixels beside its columns.
const roomFor = (id, beside, columns, size) => Math.max(3, Math.floor((byId(id).clientWidth - beside) / Math.max(1, columns) / size));
const LEAST = 62; // pixels of a column, in which a value and 样本太少 can be read; a chart that needs more room is scrolled
const wideEnough = (beside, columns) => () => Math.max(window.innerWidth <= 860 ? 640 : 0, beside() + LEAST * columns());
const narrow = () => window.innerWidth < 640;
const few = (group) => group.n < DATA.small;

function tip(title, rows) {
  const box = document.createElement("div");
  box.className = "tip";
  const head = document.createElement("strong");
  head.textContent = title;
  box.append(head);
  for (const [label, value] of rows) {
    const line = document.createElement("div"), left = document.createElement("span"), right = document.createElement("b");
    left.textContent = label;
    right.textContent = value;
    line.append(left, right);
    box.append(line);
  }
  return box;
}

function base(extra) {
  return Object.assign({
    animation: false,
    textStyle: { fontFamily: FONT, color: INK },
    tooltip: { confine: true, borderColor: LINE, padding: 10, extraCssText: "box-shadow:0 4px 16px rgba(28,39,51,.12)" },
  }, extra);
}
const quiet = { axisLine: { show: false }, axisTick: { show: false }, splitLine: { lineStyle: { color: "#edf0f3" } } };
const plain = { axisLine: { lineStyle: { color: "#c9d0d8" } }, axisTick: { show: false } };
const valueLabel = (format) => ({ color: MUTED, fontSize: 12, formatter: format });
const tipOf = (formatter) => Object.assign(base().tooltip, { formatter });

// A dot with its 95 % interval and its value; hollow and grey where the answers are few.
function interval(points, axes, options) {
  const { horizontal = false, labels = true, dots = true, format = signed, color = ACCENT } = options || {};
  return Object.assign({
    type: "custom", z: 5, encode: horizontal ? { x: [1, 2, 3], y: 0 } : { x: 0, y: [1, 2, 3] },
    data: points.map((p, i) => (p.y === null || p.y === undefined ? null : { value: [i, p.y, p.low ?? p.y, p.high ?? p.y], id: p.id })).filter(Boolean),
    renderItem(params, api) {
      const i = api.value(0), at = (v) => api.coord(horizontal ? [v, i] : [i, v]);
      const [x, y] = at(api.value(1)), [lx, ly] = at(api.value(2)), [hx, hy] = at(api.value(3));
      const small = points[i].small, tint = small ? "#98a3af" : color, line = { stroke: tint, lineWidth: 1.5 };
      const bar = (x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style: line });
      const ends = horizontal
        ? [bar(lx, ly, hx, hy), bar(lx, ly - 4, lx, ly + 4), bar(hx, hy - 4, hx, hy + 4)]
        : [bar(lx, ly, hx, hy), bar(lx - 4, ly, lx + 4, ly), bar(hx - 4, hy, hx + 4, hy)];
      const dot = { type: "circle", shape: { cx: x, cy: y, r: 4.5 }, style: { fill: small ? "#fff" : tint, stroke: tint, lineWidth: 2 } };
      const text = { type: "text", silent: true, style: Object.assign({ text: small ? "样本太少" : format(api.value(1)), fill: small ? MUTED : INK, font: "600 12px " + FONT },
        horizontal ? { x: hx + 8, y, align: "left", verticalAlign: "middle" } : { x: hx, y: hy - 6, align: "center", verticalAlign: "bottom" }) };
      return { type: "group", children: [...ends, ...(dots ? [dot] : []), ...(labels ? [text] : [])] };
    },
  }, axes);
}

const asPoint = (group) => (DATA.scored
  ? { id: group.key, y: group.nps, low: group.low, high: group.high, small: few(group) }
  : { id: group.key, y: group.comments ? (100 * group.neg) / group.comments : null, small: group.comments < DATA.small });
const showValue = (value) => (DATA.scored ? signed(value) : value.toFixed(1) + "%");
function groupTip(group) {
  const rows = [["评论", count(group.comments)]];
  if (group.n) rows.push(["评分", count(group.n)], ["NPS", few(group) ? "样本太少" : signed(group.nps)]);
  if (group.n && !few(group)) rows.push(["95% 区间", signed(group.low) + " 至 " + signed(group.high)]);
  if (group.comments) rows.push(["正面", percent(group.pos / group.comments)], ["负面", percent(group.neg / group.comments)]);
  if (group.inferred) rows.push(["环节由标签推断", count(group.inferred)]);
  return tip(group.name, rows);
}
// An axis that ends on round steps, inside the range the figure can have; ``room`` is what the labels need at the upper end.
function bounds(points, room = 0.12) {
  const all = points.flatMap((p) => [p.y, p.low, p.high]).filter((v) => v !== null && v !== undefined);
  const lowest = DATA.scored ? -100 : 0;
  if (!all.length) return { min: lowest, max: 100, interval: 50 };
  const least = Math.min(...all), most = Math.max(...all), span = Math.max(10, most - least);
  const interval = [5, 10, 20, 25, 50].find((step) => span / step <= 4.5) || 50;
  const round = (value, snap) => Math.min(100, Math.max(lowest, interval * snap(value / interval)));
  return { min: round(least - 0.04 * span, Math.floor), max: round(most + room * span, Math.ceil), interval };
}
const pointLabel = valueLabel((v) => (DATA.scored ? signed(v).replace(".0", "") : v + "%"));

function painsOption() {
  const pains = DATA.pains.map((id) => CODES.get(id));
  const value = (code) => (DATA.priced ? code.pain : code.neg);
  const remark = (code) => (DATA.priced ? "{v|" + signed(code.pain) + "}" : "") + (DATA.priced && narrow() ? "" : "{c|" + count(code.neg) + " 条}");
  const columns = { v: { width: 44, align: "right", fontWeight: 600, fontSize: 13 }, c: { width: 74, align: "right", color: MUTED, fontSize: 12.5 } };
  const whisker = { horizontal: true, labels: false, dots: false, color: "#6d2c08" };
  const points = pains.map((code) => ({ y: code.pain, low: code.pain - code.margin, high: code.pain + code.margin, small: code.small }));
  const ids = pains.map((code) => code.id);
  const axis = { type: "category", inverse: true, data: ids, triggerEvent: true };
  return base({
    grid: { left: narrow() ? 92 : 150, right: narrow() ? 62 : 140, top: 8, bottom: 40 },
    tooltip: tipOf((item) => {
      const code = CODES.get(ids[item.dataIndex]);
      const rows = [["负面评论", count(code.neg)], ["带评分", count(code.n)]];
      if (code.margin !== null && !code.small) rows.push(["这些客户的 NPS", signed(code.painNps)], ["对总体的影响", signed(code.pain)], ["误差", "± " + code.margin.toFixed(1)]);
      if (code.owner) rows.push(["责任部门", code.owner]);
      return tip([...code.path, code.name].join(" / "), rows);
    }),
    xAxis: Object.assign({ type: "value", inverse: DATA.priced, axisLabel: valueLabel((v) => (DATA.priced ? signed(v).replace(".0", "") : count(v))),
      name: DATA.priced ? "对总体 NPS 的影响（点）" : "负面评论（条）", nameLocation: "middle", nameGap: 26, nameTextStyle: { color: MUTED, fontSize: 12 } }, quiet),
    yAxis: [
      Object.assign({ axisLabel: { color: INK, fontSize: 13, formatter: (id) => short(nameOf(id), narrow() ? 6 : 10) } }, axis, plain, { axisLine: { show: false, onZero: false } }),
      Object.assign({ position: "right", axisLabel: { color: INK, rich: columns, formatter: (id) => remark(CODES.get(id)) } }, axis, { axisLine: { show: false, onZero: false }, axisTick: { show: false } }),
    ],
    series: [
      { type: "bar", barWidth: 15, markLine: { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: "#c9d0d8", type: "solid", width: 1 }, data: [{ xAxis: 0 }] }, data: pains.map((code) => ({ value: value(code), itemStyle: { color: DATA.priced && code.small ? NEG_SOFT : NEG, borderRadius: 2 } })) },
      ...(DATA.priced ? [Object.assign(interval(points, {}, whisker), { silent: true })] : []),
    ],
  });
}

function journeyOption() {
  const stages = DATA.stages.map((stage) => stage.key), codes = DATA.heat.codes, points = DATA.stages.map(asPoint);
  const cells = DATA.heat.cells.filter((cell) => cell[2] > 0), told = new Set(cells.map((cell) => cell[0] + "/" + cell[1]));
  const silent = stages.flatMap((_, at) => codes.map((_, code) => [at, code])).filter((pair) => !told.has(pair.join("/")));
  const thin = (cell) => DATA.stages[cell[0]].comments < DATA.small;
  const most = Math.max(0.001, ...cells.filter((cell) => !thin(cell)).map((cell) => cell[3]));
  const left = journeyLeft(), top = 186, room = Math.min(8, roomFor("chart-journey", left + 16, stages.length, 13));
  const labels = { color: INK, fontSize: 13, lineHeight: 18, interval: 0, formatter: (key) => short(STAGES.get(key).name, room) + "\n{n|" + count(STAGES.get(key).comments) + " 条}", rich: { n: { color: MUTED, fontSize: 11.5 } } };
  return base({
    grid: [{ left, right: 16, top: 26, height: 118 }, { left, right: 16, top: top + 8, height: Math.max(1, codes.length) * 32 }],
    tooltip: tipOf((item) => {
      if (item.seriesType !== "heatmap") return groupTip(DATA.stages[item.data.value[0]]);
      const [stage, code, negative, , nps, n] = item.data.value;
      const rows = [["负面评论", count(negative)], ["占该环节评论", DATA.stages[stage].comments < DATA.small ? "样本太少" : percent(negative / DATA.stages[stage].comments)]];
      if (n) rows.push(["这些客户的 NPS", n < DATA.small ? "样本太少" : signed(nps)], ["带评分", count(n)]);
      return tip(nameOf(codes[code]) + " · " + DATA.stages[stage].name, rows);
    }),
    visualMap: { show: false, type: "continuous", min: 0, max: most, dimension: 3, seriesIndex: 3, inRange: { color: HEAT } },
    xAxis: [
      Object.assign({ type: "category", gridIndex: 0, data: stages, triggerEvent: true, axisLabel: Object.assign({ margin: 10 }, labels) }, plain, { axisLine: { show: false, onZero: false } }),
      Object.assign({ type: "category", gridIndex: 1, data: stages, axisLabel: { show: false } }, plain, { axisLine: { show: false } }),
    ],
    yAxis: [
      Object.assign({ type: "value", gridIndex: 0, axisLabel: pointLabel }, bounds(points), quiet),
      Object.assign({ type: "category", gridIndex: 1, inverse: true, data: codes, triggerEvent: true, axisLabel: { color: INK, fontSize: 13, formatter: (id) => short(nameOf(id), narrow() ? 6 : 8) } }, plain, { axisLine: { show: false } }),
    ],
    series: [
      { type: "line", silent: true, symbol: "none", lineStyle: { color: "#9dbedd", width: 2 }, data: points.map((p, at) => (p.y === null || !DATA.stages[at].known ? "-" : p.y)) },
      interval(points, {}, { format: showValue }),
      { type: "custom", silent: true, xAxisIndex: 1, yAxisIndex: 1, data: silent, renderItem: (_, api) => {
        const [x, y] = api.coord([api.value(0), api.value(1)]), [w, h] = api.size([1, 1]);
        return { type: "rect", shape: { x: x - w / 2 + 1, y: y - h / 2 + 1, width: w - 2, height: h - 2 }, style: { fill: "#f6f7f9" } };
      } },
      { type: "heatmap", xAxisIndex: 1, yAxisIndex: 1, itemStyle: { borderColor: "#fff", borderWidth: 2 }, emphasis: { itemStyle: { color: "inherit", borderColor: ACCENT } },
        data: cells.map((cell) => (thin(cell) ? { value: cell, visualMap: false, itemStyle: { color: "#f1f3f5" }, label: { color: MUTED } } : { value: cell, label: { color: cell[3] > 0.8 * most ? "#fff" : INK } })),
        label: { show: true, fontSize: 12, formatter: (item) => (thin(item.data.value) ? "样本太少" : percent(item.data.value[3])) } },
    ],
  });
}
const journeyLeft = () => (narrow() ? 92 : 128);
const journeyHeight = () => 210 + 32 * Math.max(1, DATA.heat.codes.length);

function groupsOption(groups) {
  const points = groups.map(asPoint), names = new Map(groups.map((group) => [group.key, group]));
  const axis = { type: "category", inverse: true, data: groups.map((group) => group.key), axisTick: { show: false } };
  return base({
    grid: { left: 92, right: narrow() ? 74 : 104, top: 8, bottom: 26 },
    tooltip: tipOf((item) => groupTip(groups[item.data.value[0]])),
    xAxis: Object.assign({ type: "value", axisLabel: pointLabel }, bounds(points, 0.3), quiet),
    yAxis: [
      Object.assign({}, axis, { axisLine: { show: false }, axisLabel: { color: INK, fontSize: 13, formatter: (key) => short(names.get(key).name, 6) } }),
      Object.assign({}, axis, { position: "right", axisLine: { show: false }, axisLabel: { color: MUTED, fontSize: 12, formatter: (key) => count(DATA.scored ? names.get(key).n : names.get(key).comments) + (DATA.scored ? " 条评分" : " 条") } }),
    ],
    series: [interval(points, {}, { horizontal: true, format: showValue })],
  });
}

const monthAxis = () => Object.assign({ type: "category", data: DATA.months.map((month) => month.key), axisLabel: { color: MUTED, fontSize: 12, hideOverlap: true } }, plain);

function monthsOption() {
  const points = DATA.months.map((month) => (DATA.scored && !month.n ? { y: null } : asPoint(month)));
  return base({
    grid: { left: 46, right: 16, top: 28, bottom: 28 },
    tooltip: tipOf((item) => groupTip(DATA.months[item.data.value[0]])),
    xAxis: Object.assign(monthAxis(), { axisLine: { onZero: false, lineStyle: { color: "#c9d0d8" } } }),
    yAxis: Object.assign({ type: "value", axisLabel: pointLabel }, bounds(points), quiet),
    series: [
      { type: "line", silent: true, symbol: "none", lineStyle: { color: "#9dbedd", width: 2 }, data: points.map((p) => p.y ?? "-") },
      interval(points, {}, { format: showValue, labels: DATA.months.length <= (narrow() ? 6 : 12) }),
    ],
  });
}

function moodsOption() {
  const part = (key) => DATA.months.map((month) => (month.comments ? (100 * month[key]) / month.comments : "-"));
  const layer = (name, key, color) => ({ name, type: "bar", stack: "all", barCategoryGap: "28%", itemStyle: { color, borderColor: "#fff", borderWidth: 1 }, data: part(key) });
  return base({
    grid: { left: 46, right: 16, top: 36, bottom: 28 },
    legend: { top: 0, left: 0, itemWidth: 10, itemHeight: 10, textStyle: { color: MUTED }, selectedMode: false },
    tooltip: Object.assign(tipOf((items) => groupTip(DATA.months[items[0].dataIndex])), { trigger: "axis", axisPointer: { type: "shadow" } }),
    xAxis: monthAxis(),
    yAxis: Object.assign({ type: "value", max: 100, axisLabel: valueLabel("{value}%") }, quiet),
    series: [layer("负面", "neg", NEG), layer("中性", "neu", NEU), layer("正面", "pos", POS)],
  });
}

function cloudOption(polarity) {
  const words = DATA.words[polarity].slice(0, narrow() ? 36 : 80), most = words.length ? words[0].value : 1;
  const tints = polarity === "negative" ? ["#8f3c10", "#c4541a", "#d98a5b"] : ["#174a7c", "#2a6bad", "#6fa3d0"];
  return base({
    tooltip: tipOf((item) => tip(item.name, [["证据片段", count(item.value)]])),
    series: [{
      type: "wordCloud", shape: "square", left: "center", top: "center", width: "94%", height: "94%", gridSize: narrow() ? 8 : 14, keepAspect: false,
      sizeRange: narrow() ? [13, 40] : [17, 78], rotationRange: [0, 0], drawOutOfBound: false, shrinkToFit: true, layoutAnimation: false,
      textStyle: { fontFamily: FONT, fontWeight: 600 }, emphasis: { textStyle: { color: INK } },
      data: words.map((word) => ({ name: word.name, value: word.value, textStyle: { color: tints[word.value > 0.5 * most ? 0 : word.value > 0.2 * most ? 1 : 2] } })),
    }],
  });
}
