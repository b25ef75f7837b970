// The report as one page without a script or a request in it.

/** Metrics of the server's report that an arm can change; people of the simulator come back whatever they are shown. */
export const METRICS = {
  click_through: "played, of impressions",
  completed: "watched to nine tenths, of impressions",
  watch_seconds: "seconds watched of an impression",
  liked: "liked, of impressions",
  rejected: "disliked or not wanted, of impressions",
  relevant: "liked or watched for half, of impressions",
  diversity: "1 − mean cosine of what was shown together",
};

const STYLE = `
:root{color-scheme:light dark;--ink:light-dark(#1b1f24,#e8eaed);--soft:light-dark(#5b6573,#9aa4b2);--line:light-dark(#e3e7ec,#30363f);
--card:light-dark(#fff,#1b1f26);--page:light-dark(#f5f7f9,#12151a);--more:light-dark(#1a7f4b,#63d19b);--less:light-dark(#b3372d,#ff9b90)}
body{margin:0;padding:2rem clamp(1rem,4vw,4rem);background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:0}p,small,dd{color:var(--soft);max-width:80ch}dt{font-weight:600}dd{margin:0 0 .3rem}
main{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(34rem,100%),1fr));gap:1rem;margin-top:1rem}
section{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1rem 1.25rem;overflow-x:auto}.wide{grid-column:1/-1}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:.15rem .9rem .15rem 0;white-space:nowrap;text-align:right;font-weight:400}
thead th{color:var(--soft)}th:first-child{text-align:left}.more{color:var(--more)}.less{color:var(--less)}
svg{display:block;width:100%;height:auto}svg text{fill:var(--soft);font-size:11px}.grid{stroke:var(--line)}
.arm0{--arm:light-dark(#777e88,#a4abb5)}.arm1{--arm:light-dark(#b06500,#f0b35a)}.arm2{--arm:light-dark(#7a3fb5,#c79bf2)}
.arm3{--arm:light-dark(#2456c9,#8ab0ff)}.arm4{--arm:light-dark(#1a7f4b,#63d19b)}.arm5{--arm:light-dark(#b3372d,#ff9b90)}
g path{fill:none;stroke:var(--arm);stroke-width:2}g circle{fill:var(--arm)}g rect{fill:var(--arm);opacity:.25}svg g text{fill:var(--arm);font-weight:600}`;

export const escape = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
const day = (ms) => new Date(ms).toISOString().slice(0, 10);
const digits = (metric) => (metric === "watch_seconds" ? 1 : 4);
const cell = (figure, metric) => {
  if (!figure || figure.value === null) return "–";
  const value = figure.value.toFixed(digits(metric));
  return figure.interval ? `${value} ± ${((figure.interval[1] - figure.interval[0]) / 2).toFixed(digits(metric))}` : value;
};

const row = (head, cells) => `<tr><th scope=row>${head}${cells.map((text) => (text.startsWith("<td") ? text : `<td>${text}`)).join("")}`;
const table = (heads, rows) => `<table><thead><tr><th>${heads.map((head) => `<th scope=col>${escape(head)}`).join("")}<tbody>${rows.join("")}</table>`;

/** Figures of arms, a row each. */
const figuresTable = (arms) => {
  const impressions = ({ click_through: figure }) => String(figure?.of ?? 0);
  const rows = Object.entries(arms).map(([arm, figures]) => row(escape(arm), [impressions(figures), ...Object.keys(METRICS).map((metric) => cell(figures[metric], metric))]));
  return table(["impressions", ...Object.keys(METRICS)], rows);
};

/** Differences to a control, a row for each metric: green and red where the interval leaves 0 out. */
function differences(against) {
  const arms = [...new Set(against.map(({ arm }) => arm))];
  const at = (arm, metric) => {
    const found = against.find((one) => one.arm === arm && one.metric === metric);
    if (!found) return "–";
    const [low, high] = found.interval;
    const verdict = low > 0 ? "more" : high < 0 ? "less" : "";
    const text = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits(metric))}`;
    return `<td class="${verdict}">${text(found.difference)} [${text(low)}, ${text(high)}]`;
  };
  return table(arms, Object.keys(METRICS).map((metric) => row(metric, arms.map((arm) => at(arm, metric)))));
}

/** Lines over the weeks; `series`: `[{ name, values, intervals? }]`; `title`: what a screen reader says. */
export function lines(series, title = series.map(({ name }) => name).join(", ")) {
  const [width, height, left, right, top, bottom] = [560, 230, 52, 84, 10, 24];
  const all = series.flatMap(({ values, intervals = [] }) => [...values, ...intervals.flat()]).filter(Number.isFinite);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const pad = (high - low || Math.abs(high) || 1) * 0.06;
  const weeks = Math.max(...series.map(({ values }) => values.length));
  const x = (week) => left + ((width - left - right) * (week + 0.5)) / weeks;
  const y = (value) => top + (height - top - bottom) * (1 - (value - low + pad) / (high - low + 2 * pad));
  const ticks = [0, 1, 2, 3].map((part) => low + ((high - low) * part) / 3);
  const grid = ticks.map((value) => `<line class=grid x1=${left} x2=${width - right} y1=${y(value).toFixed(1)} y2=${y(value).toFixed(1)} /><text x=${left - 6} y=${(y(value) + 4).toFixed(1)} text-anchor=end>${value.toPrecision(3)}</text>`);
  const labels = Array.from({ length: weeks }, (_, week) => `<text x=${x(week).toFixed(1)} y=${height - 6} text-anchor=middle>week ${week + 1}</text>`);
  // Names stand where the lines end, moved apart where they would cover one another.
  const ends = series.map(({ values }, at) => ({ at, y: y(values.at(-1)) + 4 })).sort((a, b) => a.y - b.y);
  for (let i = 1; i < ends.length; i++) ends[i].y = Math.max(ends[i].y, ends[i - 1].y + 12);
  const places = new Map(ends.map(({ at, y: place }) => [at, place]));
  const drawn = series.map(({ name, values, intervals = [] }, at) => {
    // Side by side, so that intervals of one week can be told apart.
    const shift = (at - (series.length - 1) / 2) * 5;
    const point = (week) => `${(x(week) + shift).toFixed(1)} ${y(values[week]).toFixed(1)}`;
    const bars = intervals.map(([from, to], week) => `<rect x=${(x(week) + shift - 2).toFixed(1)} width=4 y=${y(to).toFixed(1)} height=${Math.max(0, y(from) - y(to)).toFixed(1)} />`);
    const dots = values.map((_, week) => `<circle r=2.5 cx=${point(week).replace(" ", " cy=")} />`);
    return `<g class=arm${at % 6}><path d="M${values.map((_, week) => point(week)).join("L")}"/>${bars.join("")}${dots.join("")}<text x=${width - right + 14} y=${places.get(at).toFixed(1)}>${escape(name)}</text></g>`;
  });
  return `<svg viewBox="0 0 ${width} ${height}" role=img aria-label="${escape(title)}">${grid.join("")}${labels.join("")}${drawn.join("")}</svg>`;
}

const section = (title, about, content, wide = true) => `<section${wide ? " class=wide tabindex=0" : ""}><h2>${escape(title)}</h2><small>${escape(about)}</small>${content}</section>`;

/** The page of a report. */
export function page(report) {
  const { options, world, arms, against, groups } = report;
  const names = Object.keys(arms);
  const metric = (key) => names.map((name) => ({ name, values: arms[name].weeks.map(({ figures }) => figures[key].value), intervals: arms[name].weeks.map(({ figures }) => figures[key].interval ?? []).filter((ends) => ends.length === 2) }));
  const counted = (key) => names.map((name) => ({ name, values: arms[name].weeks.map((week) => week[key]) }));
  const chart = (title, about, series) => section(title, about, lines(series, title), false);
  const whole = Object.fromEntries(names.map((name) => [name, arms[name].figures]));
  const sections = [
    section("Arms", "The same people, the same visits, the same chance; what differs is what they are shown.", `<dl>${names.map((name) => `<dt>${escape(name)}<dd>${escape(arms[name].what)}`).join("")}</dl>`),
    section("Online metrics", `All ${options.weeks} weeks, ± half of the 95 % interval; the viewer is what varies by chance.`, figuresTable(whole)),
    ...Object.entries(against).map(([control, found]) => section(`Against ${control}`, "Differences with 95 % intervals, as of two samples of viewers. They are the same viewers, so the intervals are too wide rather than too narrow.", differences(found))),
    chart("Completed videos", METRICS.completed, metric("completed")),
    chart("Relevant", METRICS.relevant, metric("relevant")),
    chart("The truth", "Mean true chance that what was shown would be found relevant, which only a simulator knows.", counted("trueChance")),
    chart("Watch time", METRICS.watch_seconds, metric("watch_seconds")),
    chart("Concentration", "Gini coefficient of impressions over all videos that are published: 0 all alike, 1 one has all.", counted("gini")),
    chart("Videos shown", "Share of the published videos that anybody was shown in the week.", counted("videosShown")),
    chart("New videos", "Share of the impressions that went to videos published since the first week.", counted("ofNewVideos")),
    chart("Diversity", METRICS.diversity, metric("diversity")),
    ...Object.entries(groups).map(([name, group]) => section(name.replace(/^./, (letter) => letter.toUpperCase()), group.who, figuresTable(group.arms))),
  ];
  const told = `${world.viewers} viewers came ${world.visits} times from ${day(world.from)} to ${day(world.until)}: ${world.newcomers} were new, ${world.drifting} of all change their taste within these weeks; ${world.newVideos} videos were published. Each week ends with a training on what the arm collected itself. Seed ${options.seed}, drifting ${options.drifting}, ${options.candidates} candidates.`;
  return `<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width"><title>The closed loop</title><style>${STYLE}</style><h1>The closed loop</h1><p>${escape(told)}</p><main>${sections.join("\n")}</main></html>\n`;
}
