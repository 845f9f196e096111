"use strict";
// The verbatims: what a click on a figure shows, and the filters over them. They filter this list alone, never a figure.

const EVERYTHING = { code: "", side: "", stage: "", channel: "", segment: "", mood: "", words: "", from: "", to: "", turn: "" };
const view = Object.assign({}, EVERYTHING);
let reason = null; // what was clicked: its name, and how many comments stand behind it
let most = 30;

const byId = (id) => document.getElementById(id);
const make = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};
const stageName = (key) => (STAGES.has(key) ? STAGES.get(key).name : key);
const MOODS = { negative: "负面", neutral: "中性", positive: "正面" };
const SIDES = { n: "负面提及", p: "正面提及" };
const TURNS = { peak: "最强烈的一刻", end: "最后一刻" };
for (const voice of DATA.voices) voice.text = voice.parts.map(([words]) => words).join("").toLowerCase();

function card(voice, wanted) {
  const band = voice.score === null ? "" : voice.score >= 9 ? "by-pro" : voice.score <= 6 ? "by-det" : "";
  const article = make("article", ("voice " + band).trim()), text = make("p");
  for (const [words, codes] of voice.parts) {
    const about = codes.some((id) => wanted.has(id)), good = codes.length && codes.every((id) => !voice.neg.includes(id));
    const node = codes.length ? make("mark", (about ? "about" : "") + (good ? " good" : ""), words) : document.createTextNode(words);
    if (codes.length) node.title = codes.map(nameOf).join("、");
    text.append(node);
  }
  const foot = make("footer");
  foot.append(make("b", "", voice.score === null ? "未评分" : voice.score + " 分"));
  const facts = [MOODS[voice.mood], voice.stages.map(stageName).join("、"), voice.channel, voice.segment, voice.date];
  for (const words of facts) if (words && words !== "(未填)") foot.append(make("span", "", words));
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

function fits(voice, wanted) {
  const codes = view.side === "n" ? voice.neg : view.side === "p" ? voice.pos : [...voice.neg, ...voice.pos, ...voice.neu];
  return (!view.code || codes.some((id) => wanted.has(id)))
    && (!view.side || codes.length > 0)
    && (!view.stage || voice.stages.includes(view.stage))
    && (!view.channel || voice.channel === view.channel)
    && (!view.segment || voice.segment === view.segment)
    && (!view.mood || voice.mood === view.mood)
    && (!view.from || (voice.date && voice.date >= view.from))
    && (!view.to || (voice.date && voice.date < view.to))
    && (!view.turn || voice.turns.includes(view.turn))
    && (!view.words || voice.text.includes(view.words.toLowerCase()));
}

function found() {
  const wanted = new Set(view.code ? under(view.code) : []), seen = new Set();
  return DATA.voices.filter((voice) => fits(voice, wanted) && !seen.has(voice.text) && seen.add(voice.text));
}

function headed(id, voices) {
  const code = CODES.get(id), wanted = new Set(under(id));
  const remark = count(code.neg) + " 条负面评论" + (code.pain === null || code.small ? "" : "，影响 NPS " + signed(code.pain) + " 点");
  const head = make("div", "group"), quotes = make("div", "quotes");
  head.append(make("h3", "", code.name), make("span", "note", remark));
  quotes.append(...voices.map((voice) => card(voice, wanted)));
  return [head, quotes];
}

function choice() {
  const nodes = [], seen = new Set();
  for (const id of DATA.pains.slice(0, 6)) {
    const wanted = under(id), voices = DATA.voices.filter((voice) => voice.neg.some((code) => wanted.includes(code)) && !seen.has(voice)).slice(0, 2);
    voices.forEach((voice) => seen.add(voice));
    if (voices.length) nodes.push(...headed(id, voices));
  }
  return nodes;
}

function showVoices() {
  const list = byId("voices-list");
  if (!list) return;
  for (const key of Object.keys(EVERYTHING)) if (byId("f-" + key)) byId("f-" + key).value = view[key];
  chips();
  const filtered = Object.keys(EVERYTHING).some((key) => view[key] !== "");
  byId("f-clear").hidden = !filtered;
  if (!filtered) {
    byId("voices-note").textContent = "主要痛点的原声摘录。底色是与该问题有关的证据，下划线是其他证据。";
    list.replaceChildren(...choice());
    byId("voices-more").hidden = true;
    return;
  }
  const voices = found(), wanted = new Set(view.code ? under(view.code) : []), quotes = make("div", "quotes");
  quotes.append(...voices.slice(0, most).map((voice) => card(voice, wanted)));
  const about = reason ? "「" + reason.name + "」" + (reason.total === undefined ? "" : "背后共 " + count(reason.total) + " 条，") : "";
  byId("voices-note").textContent = voices.length ? about + "报告收录的原声中有 " + count(voices.length) + " 条符合。" : about + "报告没有收录符合条件的原声。";
  list.replaceChildren(...(voices.length ? [quotes] : []));
  byId("voices-more").hidden = voices.length <= most;
}

// What no list can hold, a span of days or a turn of a journey, stands as a chip that can be taken off.
function chips() {
  const shown = [];
  if (view.from || view.to) shown.push([(view.from || "最早") + " 至 " + (view.to ? view.to + " 之前" : "最后"), () => { view.from = view.to = ""; }]);
  if (view.turn) {
    const [kind, ...stage] = view.turn.split(":");
    shown.push([TURNS[kind] + "在「" + stageName(stage.join(":")) + "」", () => { view.turn = ""; }]);
  }
  byId("f-chips").replaceChildren(...shown.map(([name, drop]) => {
    const button = make("button", "", name + " ×");
    button.type = "button";
    button.addEventListener("click", () => { drop(); changed(); });
    return button;
  }));
}

function changed() {
  reason = null;
  most = 30;
  showVoices();
}

function drill(wanted, name, total) {
  if (!byId("voices-list")) return;
  Object.assign(view, EVERYTHING, wanted);
  reason = name === undefined ? null : { name, total };
  most = 30;
  showVoices();
  byId("voices").scrollIntoView();
}

function options(key, items) {
  const select = byId("f-" + key);
  select.replaceChildren(...[["", "全部"], ...items].map(([value, name]) => {
    const option = make("option", "", name);
    option.value = value;
    return option;
  }));
  select.closest("label").hidden = items.length < 2 && key !== "code";
  select.addEventListener("change", () => { view[key] = select.value; changed(); });
}

function wireVoices() {
  if (!byId("voices-list")) return;
  const told = (key) => [...new Set(DATA.voices.flatMap((voice) => voice[key]))];
  const named = [...DATA.codes].sort((a, b) => b.neg - a.neg);
  options("code", named.map((code) => [code.id, [...code.path, code.name].join(" / ")]));
  options("side", Object.entries(SIDES));
  options("stage", DATA.map.stages.map((stage) => [stage.key, stage.name]).filter(([key]) => told("stages").includes(key)));
  options("channel", told("channel").map((key) => [key, key]));
  options("segment", told("segment").map((key) => [key, key]));
  options("mood", Object.entries(MOODS));
  byId("f-words").addEventListener("input", () => { view.words = byId("f-words").value.trim(); changed(); });
  byId("f-clear").addEventListener("click", () => { Object.assign(view, EVERYTHING); byId("f-words").value = ""; changed(); });
  byId("voices-more").addEventListener("click", () => { most += 60; showVoices(); });
}
