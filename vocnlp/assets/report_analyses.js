"use strict";
// Option builders for the analyses: drivers, matrix, journey map, cross-tab, trend and forecast, before and after, peak and end.

const FEW = "样本太少";
const QUADRANT = { improve: ["重点改进", "#c4541a"], keep: ["优势保持", "#2a6bad"], later: ["次要改进", "#8f6f00"], ease: ["适度维持", "#6a7683"] };
const PALE = ["#e9a878", "#f4d9c5", "#f6f7f9", "#c9dcef", "#8db6dc"];
const COOL = ["#2a6bad", "#8db6dc", "#f6f7f9", "#eeb58a", "#c4541a"];
const spread = (low, high, format) => format(low) + " 至 " + format(high);
const plainName = { color: INK, fontSize: 13 };

function driversOption() {
  const items = DATA.drivers.items, ids = items.map((item) => item.id);
  const axis = { type: "category", inverse: true, data: ids, triggerEvent: true };
  const points = items.map((item) => ({ y: 100 * item.share, low: 100 * item.low, high: 100 * item.high, small: item.few }));
  return base({
    grid: { left: narrow() ? 92 : 150, right: narrow() ? 62 : 150, top: 8, bottom: 40 },
    tooltip: tipOf((event) => {
      const item = items[event.dataIndex];
      return tip(nameOf(item.id), [["相对权重", percent(item.share)], ["95% 区间", spread(item.low, item.high, percent)],
        ["正面提及对应的评分差", signed(item.slope)], ["95% 区间", spread(item.slopeLow, item.slopeHigh, signed)], ["带评分的提及", count(item.n)]]);
    }),
    xAxis: Object.assign({ type: "value", min: 0, axisLabel: valueLabel("{value}%"), name: "占各码共同解释力的份额", nameLocation: "middle", nameGap: 26, nameTextStyle: { color: MUTED, fontSize: 12 } }, quiet),
    yAxis: [
      Object.assign({ axisLabel: Object.assign({ formatter: (id) => short(nameOf(id), narrow() ? 6 : 10) }, plainName) }, axis, plain),
      Object.assign({ position: "right", axisLabel: { color: MUTED, fontSize: 12.5, formatter: (id) => { const item = items[ids.indexOf(id)]; return item.few ? FEW : percent(item.share) + (narrow() ? "" : "　" + count(item.n) + " 条"); } } }, axis, { axisLine: { show: false }, axisTick: { show: false } }),
    ],
    series: [
      { type: "bar", barWidth: 15, data: items.map((item) => ({ value: 100 * item.share, itemStyle: { color: item.few ? "#c5d3e2" : "#5b8bb8", borderRadius: 2 } })) },
      Object.assign(interval(points, {}, { horizontal: true, labels: false, dots: false, color: "#173a5c" }), { silent: true }),
    ],
  });
}

function matrixOption() {
  const { points, across, up } = DATA.matrix, shares = points.map((p) => 100 * p.y), nets = points.map((p) => p.x);
  const room = Math.max(8, 0.14 * (Math.max(...nets) - Math.min(...nets)));
  const left = Math.max(-105, Math.floor((Math.min(...nets, up) - room) / 5) * 5), right = Math.min(105, Math.ceil((Math.max(...nets, up) + room) / 5) * 5);
  const top = Math.ceil(1.12 * Math.max(...shares, 100 * across) + 1), low = narrow() ? -0.14 * top : 0; // below: the names of the quadrants
  const area = (key, x, y, position) => [{ name: QUADRANT[key][0], xAxis: x[0], yAxis: y[0], itemStyle: { color: QUADRANT[key][1], opacity: 0.06 }, label: { position, color: QUADRANT[key][1], fontSize: 14, fontWeight: 600, distance: 8 } }, { xAxis: x[1], yAxis: y[1] }];
  const areas = [area("improve", [left, up], [100 * across, top], "insideTopLeft"), area("keep", [up, right], [100 * across, top], "insideTopRight"),
    area("later", [left, up], [low, 100 * across], "insideBottomLeft"), area("ease", [up, right], [low, 100 * across], "insideBottomRight")];
  const box = byId("chart-matrix"), wide = box.clientWidth - 76, high = box.clientHeight - 64;
  const sides = labelSides(points.map((p) => ({ x: ((p.x - left) / (right - left)) * wide, y: ((top - 100 * p.y) / (top - low)) * high, w: 13 * Math.min(nameOf(p.id).length, narrow() ? 5 : 8) })), wide, high, cornersOf(wide, high));
  return base({
    grid: { left: 56, right: 20, top: 16, bottom: 48 },
    tooltip: tipOf((event) => {
      const p = points[event.dataIndex];
      if (event.componentType !== "series") return tip(event.name, []);
      const rows = [["象限", QUADRANT[p.quadrant][0]], ["重要性（相对权重）", percent(p.y)], ["表现（净情感）", signed(p.x)]];
      if (p.ys.length) rows.push(["重要性 95% 区间", spread(p.ys[0], p.ys[1], percent)]);
      if (p.xs.length) rows.push(["表现 95% 区间", spread(p.xs[0], p.xs[1], signed)]);
      rows.push(["归属", p.few ? FEW : p.sure ? "两个区间都没有跨线" : "区间跨线，归属不稳"]);
      return tip(nameOf(p.id), rows);
    }),
    xAxis: Object.assign({ type: "value", min: left, max: right, axisLabel: pointSigned, name: "表现：净情感（点）", nameLocation: "middle", nameGap: 28, nameTextStyle: { color: MUTED, fontSize: 12 } }, quiet, { splitLine: { show: false } }),
    yAxis: Object.assign({ type: "value", min: low, max: top, axisLabel: valueLabel((v) => (v < 0 ? "" : v + "%")), name: "重要性", nameLocation: "middle", nameGap: 40, nameTextStyle: { color: MUTED, fontSize: 12 } }, quiet, { splitLine: { show: false } }),
    series: [{
      type: "scatter", symbolSize: 13, clip: false,
      data: points.map((p, at) => ({ value: [p.x, 100 * p.y], label: BESIDE[sides[at]] || { show: false }, itemStyle: { color: p.few || !p.sure ? "#fff" : QUADRANT[p.quadrant][1], borderColor: p.few ? "#98a3af" : QUADRANT[p.quadrant][1], borderWidth: 2 } })),
      label: { show: true, color: INK, fontSize: 12.5, formatter: (event) => short(nameOf(points[event.dataIndex].id), narrow() ? 5 : 8) },
      labelLayout: { hideOverlap: true },
      markArea: { silent: true, data: areas },
      markLine: { silent: true, symbol: "none", label: { show: false }, lineStyle: { color: "#98a3af", type: "dashed" }, data: [{ xAxis: up }, { yAxis: 100 * across }] },
    }],
  });
}
const BESIDE = {
  ...Object.fromEntries(["top", "right", "bottom", "left"].map((position) => [position, { position }])),
  topRight: { position: [14, -11], align: "left" }, bottomRight: { position: [14, 9], align: "left" },
  bottomLeft: { position: [-1, 9], align: "right" }, topLeft: { position: [-1, -11], align: "right" },
};
// What the names of the four quadrants cover.
const cornersOf = (wide, high) => [0, wide - 68].flatMap((x) => [0, high - 30].map((y) => [x, y, x + 68, y + 30]));
// For each point the first side of it where its name covers no other point, nothing that is taken and no name that stands already.
// A point in whose way everything is keeps its name for the tooltip: undefined.
function labelSides(points, wide, high, filled) {
  const taken = [...filled, ...points.map(({ x, y }) => [x - 8, y - 8, x + 8, y + 8])];
  return points.map(({ x, y, w }) => {
    const places = { top: [x - w / 2, y - 26, x + w / 2, y - 9], right: [x + 10, y - 8, x + 14 + w, y + 9], bottom: [x - w / 2, y + 9, x + w / 2, y + 26], left: [x - 14 - w, y - 8, x - 10, y + 9], topRight: [x + 7, y - 24, x + 9 + w, y - 7], bottomRight: [x + 7, y + 7, x + 9 + w, y + 24], bottomLeft: [x - 9 - w, y + 7, x - 7, y + 24], topLeft: [x - 9 - w, y - 24, x - 7, y - 7] };
    const within = (box) => box[0] > 0 && box[1] > 0 && box[2] < wide && box[3] < high;
    const free = Object.keys(places).find((side) => within(places[side]) && !taken.some((box) => places[side][0] < box[2] && box[0] < places[side][2] && places[side][1] < box[3] && box[1] < places[side][3]));
    if (free) taken.push(places[free]);
    return free;
  });
}
const pointSigned = valueLabel((v) => signed(v).replace(".0", ""));

// --- journey map ----------------------------------------------------------------------------------------------------

const measures = {
  nps: { of: (spot) => (spot.n === 0 ? null : spot.nps), few: (spot) => spot.small, show: signed, none: "无评分" },
  net: { of: (spot) => spot.net, few: (spot) => spot.few, show: signed, none: "无评论" },
  comments: { of: (spot) => spot.comments, few: () => false, show: (v) => count(v) + " 条", none: "0 条" },
};
let measure = DATA.scored ? "nps" : "net";

const mapLeft = () => (narrow() ? 84 : 110);

function mapOption() {
  const { points, stages, spots } = DATA.map, by = measures[measure];
  const room = (size) => roomFor("chart-map", mapLeft() + 10, points.length, size);
  const shown = spots.map((spot) => ({ spot, value: by.few(spot) ? null : by.of(spot) }));
  const values = shown.map((s) => s.value).filter((v) => v !== null);
  const most = Math.max(1, ...values.map(Math.abs));
  const pain = ([code, negative]) => { // the number whole, and of the name what room it leaves; letters and digits are narrower
    const number = " " + count(negative), most = room(11.5) - Math.ceil(0.6 * number.length);
    return most < 2 ? number.trim() + " 条" : short(nameOf(code), Math.min(7, most)) + number;
  };
  const label = ({ spot, value }) => {
    const first = by.of(spot) === null ? by.none : by.few(spot) ? FEW : by.show(value);
    return "{v|" + first + "}" + (spot.pains.length ? "\n{p|" + pain(spot.pains[0]) + "}" : "");
  };
  const scale = measure === "comments" ? { min: 0, max: most, inRange: { color: ["#f1f5f9", "#c9dcef", "#8db6dc"] } } : { min: -most, max: most, inRange: { color: PALE } };
  const cell = ({ spot, value }) => ({ value: [spot.at[1], spot.at[0], value ?? 0], spot, itemStyle: value === null ? { color: "#f1f3f5" } : undefined, label: { formatter: label({ spot, value }) }, visualMap: value !== null });
  return base({
    grid: { left: mapLeft(), right: 10, top: 34, bottom: 6 },
    tooltip: tipOf((event) => {
      const spot = event.data.spot, rows = [["记录", count(spot.rows)], ["评论", count(spot.comments)]];
      rows.push(["净情感", spot.net === null ? "—" : spot.few ? FEW : signed(spot.net)]);
      if (spot.n) rows.push(["评分", count(spot.n)], ["NPS", spot.small ? FEW : signed(spot.nps)]);
      if (spot.n && !spot.small) rows.push(["95% 区间", spread(spot.low, spot.high, signed)]);
      for (const [code, negative] of spot.pains) rows.push(["痛点：" + nameOf(code), count(negative)]);
      return tip(DATA.map.stages[spot.at[0]].name + " × " + points[spot.at[1]], rows);
    }),
    visualMap: Object.assign({ show: false, type: "continuous", dimension: 2, seriesIndex: 0 }, scale),
    xAxis: Object.assign({ type: "category", position: "top", data: points, triggerEvent: true, axisLabel: Object.assign({ interval: 0, formatter: (key) => short(key, Math.min(12, room(13))) }, plainName) }, plain, { axisLine: { show: false } }),
    yAxis: Object.assign({ type: "category", inverse: true, data: stages.map((stage) => stage.key), triggerEvent: true, axisLabel: Object.assign({ formatter: (key) => short(DATA.map.stages.find((stage) => stage.key === key).name, narrow() ? 5 : 7) }, plainName) }, plain, { axisLine: { show: false } }),
    series: [{
      type: "heatmap", itemStyle: { borderColor: "#fff", borderWidth: 2 }, emphasis: { itemStyle: { borderColor: ACCENT } }, data: shown.map(cell),
      label: { show: true, color: INK, rich: { v: { align: "center", fontSize: 13.5, fontWeight: 600, lineHeight: 20, color: INK }, p: { align: "center", fontSize: 11.5, color: "#45515e", lineHeight: 16 } } },
    }],
  });
}

// --- cross-tab ------------------------------------------------------------------------------------------------------

let crossed = DATA.cross.segment ? "segment" : "channel";

const crossLeft = () => (narrow() ? 92 : 128);

function crossOption() {
  const table = DATA.cross[crossed], groups = table.groups, room = roomFor("chart-cross", crossLeft() + 12, groups.length, 13);
  const sign = (cell) => (cell.marked ? (cell.residual > 0 ? " ▲" : " ▼") : "");
  const text = (cell) => (groups[cell.at[0]].few ? FEW : percent(cell.share) + sign(cell));
  return base({
    grid: { left: crossLeft(), right: 12, top: 48, bottom: 6 },
    tooltip: tipOf((event) => {
      const cell = event.data.cell, group = groups[cell.at[0]];
      const rows = [["抱怨该问题的评论", count(cell.observed)], ["按总体水平应有", cell.expected.toFixed(1)], ["占该组评论", percent(cell.share)]];
      if (cell.residual !== null) rows.push(["标准化残差", signed(cell.residual)], ["校正后的 p", cell.p === null ? "—" : cell.p < 0.001 ? "<0.001" : cell.p.toFixed(3)]);
      if (cell.few) rows.push(["检验", "应有不足 5 条，用 Fisher 精确检验"]);
      return tip(nameOf(table.codes[cell.at[1]]) + " × " + group.key, rows);
    }),
    visualMap: { show: false, type: "continuous", min: -4, max: 4, dimension: 2, seriesIndex: 0, inRange: { color: COOL } },
    xAxis: Object.assign({ type: "category", position: "top", data: groups.map((group) => group.key), triggerEvent: true, axisLabel: { interval: 0, color: INK, fontSize: 13, lineHeight: 17, formatter: (key) => short(key, Math.min(12, room)) + "\n" + count(groups.find((group) => group.key === key).size) + " 条" } }, plain, { axisLine: { show: false } }),
    yAxis: Object.assign({ type: "category", inverse: true, data: table.codes, triggerEvent: true, axisLabel: Object.assign({ formatter: (id) => short(nameOf(id), narrow() ? 6 : 8) }, plainName) }, plain, { axisLine: { show: false } }),
    series: [{
      type: "heatmap", itemStyle: { borderColor: "#fff", borderWidth: 2 }, emphasis: { itemStyle: { borderColor: ACCENT } },
      data: table.cells.map((cell) => ({ value: [cell.at[0], cell.at[1], groups[cell.at[0]].few ? 0 : cell.residual ?? 0], cell, label: { formatter: text(cell), fontWeight: cell.marked ? 700 : 400, color: groups[cell.at[0]].few ? MUTED : Math.abs(cell.residual ?? 0) > 3.4 ? "#fff" : INK } })),
      label: { show: true, fontSize: 12 },
    }],
  });
}
const crossHeight = () => 60 + 30 * DATA.cross[crossed].codes.length;

// --- trend, forecast, before and after ------------------------------------------------------------------------------

const MOVES = DATA.moves;
const shareAt = (line, at) => {
  const comments = (line.comments || MOVES.comments)[at]; // a stage has comments of its own
  return comments ? (100 * line.counts[at]) / comments : null;
};
const periodOf = (start) => (MOVES.every === "month" ? start.slice(0, 7) : start.slice(5) + " 起的一周");
const axisOf = (start) => (MOVES.every === "month" ? start.slice(0, 7) : start.slice(2));
const action = () => (MOVES.since ? { markLine: { silent: true, symbol: "none", lineStyle: { color: INK, type: "dashed" }, label: { formatter: "措施", color: INK }, data: [{ xAxis: MOVES.starts.filter((start) => start <= MOVES.since).length - 1 }] } } : {});

function linesOption(lines, label, base_, marks) {
  return base({
    color: HUES,
    grid: { left: 46, right: narrow() ? 84 : 130, top: 20, bottom: 28 },
    tooltip: Object.assign(tipOf((items) => tip(periodOf(MOVES.starts[items[0].dataIndex]) + base_(items[0].dataIndex),
      items.filter((item) => item.value !== "-").sort((a, b) => b.value - a.value).map((item) => [item.seriesName, Number(item.value).toFixed(1) + "%"]))), { trigger: "axis" }),
    xAxis: Object.assign({ type: "category", data: MOVES.starts.map(axisOf), axisLabel: { color: MUTED, fontSize: 12, hideOverlap: true } }, plain, { boundaryGap: false }),
    yAxis: Object.assign({ type: "value", axisLabel: valueLabel("{value}%") }, quiet),
    series: lines.map((line, at) => Object.assign({
      id: line.id, name: label(line), type: "line", symbol: "circle", symbolSize: 5, lineStyle: { width: 2 }, triggerLineEvent: true, emphasis: { focus: "series" },
      data: MOVES.starts.map((_, place) => ({ value: shareAt(line, place) ?? "-", symbolSize: marks(line, place) })),
      endLabel: { show: true, color: "inherit", fontSize: 12.5, lineHeight: 17, formatter: (item) => short(item.seriesName, narrow() ? 5 : 8) }, labelLayout: { moveOverlap: "shiftY" },
    }, at === 0 ? action() : {})),
  });
}
const trendOption = () => linesOption(MOVES.lines, (line) => nameOf(line.id), (at) => "，" + count(MOVES.comments[at]) + " 条评论", () => 5);
const stagesOption = () => linesOption(MOVES.stages, (line) => line.name, () => "", (line, at) => (line.comments[at] < DATA.small ? 3 : 6));

let ahead = MOVES && MOVES.lines.length ? MOVES.lines[0].id : null;

function forecastOption() {
  const line = MOVES.lines.find((one) => one.id === ahead), past = MOVES.starts.map((_, at) => shareAt(line, at)), gap = past.map(() => "-");
  const at = (place) => line.expected.map((step) => 100 * step[place]);
  const ends = line.expected.map((step) => axisOf(step[0]));
  const bound = { type: "line", silent: true, symbol: "none", lineStyle: { opacity: 0 }, stack: "band" };
  return base({
    grid: { left: 46, right: 36, top: 20, bottom: 28 },
    tooltip: Object.assign(tipOf((items) => {
      const place = items[0].dataIndex, step = line.expected[place - past.length];
      return step ? tip("预测：" + step[0] + " 起", [["中位", percent(step[1])], ["95% 区间", spread(step[2], step[3], percent)]])
        : tip(periodOf(MOVES.starts[place]), [["负面提及", count(line.counts[place])], ["评论", count(MOVES.comments[place])], ["占比", past[place] === null ? "—" : past[place].toFixed(1) + "%"]]);
    }), { trigger: "axis" }),
    xAxis: Object.assign({ type: "category", data: [...MOVES.starts.map(axisOf), ...ends], axisLabel: { color: MUTED, fontSize: 12, hideOverlap: true } }, plain, { boundaryGap: false }),
    yAxis: Object.assign({ type: "value", axisLabel: valueLabel("{value}%") }, quiet),
    series: [
      Object.assign({}, bound, { data: [...gap, ...at(2)] }),
      Object.assign({}, bound, { areaStyle: { color: "#5b8bb8", opacity: 0.22 }, data: [...gap, ...line.expected.map((step) => 100 * (step[3] - step[2]))] }),
      Object.assign({ id: line.id, type: "line", symbol: "circle", symbolSize: 6, triggerLineEvent: true, lineStyle: { color: NEG, width: 2 }, itemStyle: { color: NEG }, data: [...past.map((v) => v ?? "-"), ...ends.map(() => "-")] }, action()),
      { type: "line", silent: true, symbol: "emptyCircle", symbolSize: 6, lineStyle: { color: "#5b8bb8", width: 2, type: "dashed" }, itemStyle: { color: "#5b8bb8" }, data: [...gap, ...at(1)] },
    ],
  });
}

function effectsOption() {
  const found = MOVES.effects, ids = found.map((one) => one.id), edge = (key) => found.map((one, at) => [100 * (one[key] ?? 0), at]);
  return base({
    grid: { left: narrow() ? 92 : 128, right: 24, top: 34, bottom: 28 },
    legend: { top: 0, left: 0, itemWidth: 10, itemHeight: 10, textStyle: { color: MUTED }, selectedMode: false, data: ["之前", "之后"] },
    tooltip: tipOf((event) => {
      const one = found[event.dataIndex];
      return tip(one.name, [["之前", percent(one.before)], ["之后", percent(one.after)], ["之后是之前的", one.ratio === null ? "—" : one.ratio.toFixed(2) + " 倍"]]);
    }),
    xAxis: Object.assign({ type: "value", min: 0, axisLabel: valueLabel("{value}%") }, quiet),
    yAxis: Object.assign({ type: "category", inverse: true, data: ids, triggerEvent: true, axisLabel: Object.assign({ formatter: (id) => short(nameOf(id), narrow() ? 6 : 8) }, plainName) }, plain, { axisLine: { show: false } }),
    series: [
      { type: "custom", silent: true, data: found.map((_, at) => at), renderItem: (_, api) => {
        const at = api.value(0), [x1, y] = api.coord([100 * (found[at].before ?? 0), at]), [x2] = api.coord([100 * (found[at].after ?? 0), at]);
        return { type: "line", shape: { x1, y1: y, x2, y2: y }, style: { stroke: "#c9d0d8", lineWidth: 3 } };
      } },
      { name: "之前", type: "scatter", symbolSize: 12, itemStyle: { color: "#98a3af" }, data: edge("before") },
      { name: "之后", type: "scatter", symbolSize: 12, itemStyle: { color: NEG }, data: edge("after") },
    ],
  });
}

// --- peak and end, gaps ---------------------------------------------------------------------------------------------

function peakOption() {
  const room = roomFor("chart-peak", 62, DATA.peak.stages.length, 13), slant = room < 4; // where not even short names fit
  const { stages, peaks, ends } = DATA.peak, bar = (name, data, color) => ({ name, type: "bar", barMaxWidth: 26, itemStyle: { color, borderRadius: 2 }, label: { show: true, position: "top", color: INK, fontSize: slant ? 10 : 12 }, data });
  return base({
    grid: { left: 46, right: 16, top: 40, bottom: slant ? 68 : 28 },
    legend: { top: 0, left: 0, itemWidth: 10, itemHeight: 10, textStyle: { color: MUTED }, selectedMode: false },
    tooltip: tipOf((event) => tip(stages[event.dataIndex].name, [[event.seriesName, count(event.value) + " 位客户"]])),
    xAxis: Object.assign({ type: "category", data: stages.map((stage) => stage.key), axisLabel: Object.assign({ interval: 0, rotate: slant ? 45 : 0, formatter: (key) => short(stages.find((stage) => stage.key === key).name, slant ? 6 : Math.min(8, room)) }, plainName) }, plain),
    yAxis: Object.assign({ type: "value", minInterval: 1, axisLabel: valueLabel("{value}") }, quiet),
    series: [bar("最强烈的一刻是坏的", peaks, NEG), bar("最后一刻是坏的", ends, "#8f6f00")],
  });
}

function gapsOption() {
  const found = DATA.gaps, value = (gap) => gap.weighted ?? null;
  return base({
    grid: { left: narrow() ? 92 : 120, right: 60, top: 8, bottom: 40 },
    tooltip: tipOf((event) => {
      const gap = found[event.dataIndex], show = (v) => (v === null ? "—" : signed(v));
      return tip(gap.name, [["满意度", show(gap.satisfaction)], ["加权满意度", show(gap.weighted)], ["与理想的差距", show(gap.gap)]]);
    }),
    xAxis: Object.assign({ type: "value", axisLabel: pointSigned, name: "加权满意度 = 重要性 ×（体验 − 期望）", nameLocation: "middle", nameGap: 26, nameTextStyle: { color: MUTED, fontSize: 12 } }, quiet),
    yAxis: Object.assign({ type: "category", inverse: true, data: found.map((gap) => gap.name), triggerEvent: true, axisLabel: Object.assign({ formatter: (name) => short(name, 8) }, plainName) }, plain),
    series: [{ type: "bar", barWidth: 15, data: found.map((gap) => ({ value: value(gap) ?? "-", itemStyle: { color: (value(gap) ?? 0) < 0 ? NEG : POS, borderRadius: 2 } })), label: { show: true, position: "right", color: INK, fontSize: 12, formatter: (event) => signed(Number(event.value)) } }],
  });
}
