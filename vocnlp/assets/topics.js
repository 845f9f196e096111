"use strict";
// Names reach ECharts as data and the tooltip as text nodes: nothing here writes HTML.

const DATA = JSON.parse(document.getElementById("data").textContent);
const COLOURS = { new: "#c4541a", sub: "#2a6bad", synonym: "#00805e", noise: "#6a7683" };
const HUES = ["#c4541a", "#2a6bad", "#00805e", "#8a4f97", "#8f6f00", "#3d8fb8", "#6b4c3b", "#6a7683"];
const FONT = getComputedStyle(document.body).fontFamily;
const short = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);
const charts = [];

function tip(title, rows) {
  const box = document.createElement("div"), head = document.createElement("strong");
  head.textContent = title;
  box.append(head);
  for (const [label, value] of rows) {
    const line = document.createElement("div");
    line.textContent = label + "　" + value;
    box.append(line);
  }
  return box;
}

function about(topic) {
  const mood = topic.sentiment;
  return tip(topic.name, [["评论", topic.comments], ["正面 / 中性 / 负面", mood.positive + " / " + mood.neutral + " / " + mood.negative], ["建议", DATA.kinds[topic.kind]]]);
}

function draw(id, option, click) {
  const place = document.getElementById(id);
  if (!place) return;
  const chart = echarts.init(place, null, { renderer: "canvas" });
  chart.setOption(Object.assign({ animation: false, textStyle: { fontFamily: FONT } }, option));
  if (click) chart.on("click", (event) => { const topic = click(event); if (topic) location.hash = topic.id; });
  charts.push(chart);
}

const largest = Math.max(1, ...DATA.topics.map((topic) => topic.comments));

draw("chart-map", {
  tooltip: { confine: true, formatter: (event) => about(DATA.topics[event.data.at]) },
  grid: { left: 46, right: 46, top: 40, bottom: 52 },
  xAxis: { show: false, scale: true }, yAxis: { show: false, scale: true },
  series: [{
    type: "scatter",
    data: DATA.topics.map((topic, at) => ({ value: topic.spot, at, itemStyle: { color: COLOURS[topic.kind], opacity: topic.kind === "noise" ? 0.2 : 0.75 } })),
    symbolSize: (value, event) => 10 + 46 * Math.sqrt(DATA.topics[event.data.at].comments / largest),
    label: { show: true, position: "bottom", fontSize: 11, color: "#1c2733", formatter: (event) => (DATA.topics[event.data.at].kind === "noise" ? "" : short(DATA.topics[event.data.at].name, 8)) },
    labelLayout: { hideOverlap: true },
  }],
}, (event) => DATA.topics[event.data.at]);

const told = DATA.topics.filter((topic) => topic.kind !== "noise");
const top20 = (told.length ? told : DATA.topics).slice(0, 20).reverse();
draw("chart-bars", {
  tooltip: { confine: true, trigger: "item", formatter: (event) => about(top20[event.dataIndex]) },
  grid: { left: 130, right: 40, top: 6, bottom: 20 },
  xAxis: { type: "value", splitLine: { lineStyle: { color: "#edf0f3" } } },
  yAxis: { type: "category", data: top20.map((topic) => short(topic.name, 9)), axisTick: { show: false } },
  series: ["negative", "neutral", "positive"].map((mood, place) => ({
    name: mood, type: "bar", stack: "all", itemStyle: { color: ["#c4541a", "#bcc4cd", "#2a6bad"][place] },
    data: top20.map((topic) => topic.sentiment[mood]),
  })),
}, (event) => top20[event.dataIndex]);

const months = (DATA.topics[0] || { months: [] }).months.map((month) => month[0]);
const lines = told.slice(0, DATA.drawn / 2).concat(told.slice(DATA.drawn / 2).filter((topic) => topic.rising)).slice(0, DATA.drawn);
draw("chart-time", {
  tooltip: { confine: true, trigger: "item", formatter: (event) => tip(lines[event.seriesIndex].name, [[event.name, event.value + "%"]]) },
  legend: { type: "scroll", bottom: 0, formatter: (name) => short(name, 12) },
  grid: { left: 50, right: 20, top: 14, bottom: 48 },
  xAxis: { type: "category", data: months },
  yAxis: { type: "value", axisLabel: { formatter: "{value}%" }, splitLine: { lineStyle: { color: "#edf0f3" } } },
  series: lines.map((topic, place) => ({
    name: topic.name, type: "line", symbolSize: 5, lineStyle: { width: topic.rising ? 3 : 1.5 }, itemStyle: { color: HUES[place % HUES.length] },
    data: topic.months.map((month) => (month[2] ? Number((100 * month[1] / month[2]).toFixed(2)) : null)),
  })),
});

window.addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
