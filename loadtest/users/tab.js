// The Consistency tab of Locust's web UI: lag and stale reads over time, with faults marked.
//
// Locust shows the tab and nothing in it; a section of our own is put there while the tab is chosen. Everything
// comes from the page's own origin.
(() => {
  const EVERY_MS = 2000;
  const WIDTH = 960, HEIGHT = 260, LEFT = 64, RIGHT = 16, TOP = 34, BOTTOM = 34, LANE = 28, LETTER = 7;
  const section = document.getElementById("consistency");
  const base = section.dataset.base;

  // -- drawing ----------------------------------------------------------------------------------------

  const make = (parent, name, attributes = {}, text = "") => {
    const svg = parent.namespaceURI.endsWith("svg") || name === "svg";
    const element = document.createElementNS(svg ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    parent.append(element);
    return element;
  };

  const seconds = (s) => {
    if (s === null) return "–";
    if (s < 0.001) return `${(s * 1e6).toPrecision(3)} µs`;
    return s < 1 ? `${Number((s * 1000).toPrecision(3))} ms` : `${Number(s.toPrecision(3))} s`;
  };
  const share = (part, whole) => (whole ? `${((100 * part) / whole).toFixed(2)} %` : "–");

  const isDark = () => {
    const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g).map(Number);
    return r + g + b < 384;
  };

  const steps = (low, high) => {
    const raw = (high - low) / 8 || 1;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw);
    const found = [];
    for (let at = Math.ceil(low / step) * step; at <= high; at += step) found.push(Number(at.toPrecision(6)));
    return found;
  };

  const frame = (host, title, span, ticks, y, label, lanes) => {
    make(host, "h3", {}, title);
    const above = (lanes - 1) * LANE;
    const svg = make(host, "svg", { viewBox: `0 ${-above} ${WIDTH} ${HEIGHT + above}`, role: "img", "aria-label": title });
    const x = (at) => LEFT + ((at - span[0]) / (span[1] - span[0])) * (WIDTH - LEFT - RIGHT);
    for (const tick of ticks) {
      make(svg, "line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick) });
      make(svg, "text", { x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end" }, label(tick));
    }
    for (const tick of steps(...span)) {
      make(svg, "text", { x: x(tick), y: HEIGHT - BOTTOM + 18, "text-anchor": "middle" }, `${tick} s`);
    }
    return [svg, x];
  };

  // Each fault stands in the lowest lane in which neither it nor its name touches another one.
  const inLanes = (faults, span, now) => {
    const perPixel = (span[1] - span[0]) / (WIDTH - LEFT - RIGHT), ends = [];
    return faults
      .map((fault) => ({ ...fault, name: `${fault.kind} ${fault.on}`, from: Math.max(fault.start_s, span[0]), to: Math.min(fault.end_s ?? now, span[1]) }))
      .filter((fault) => fault.from < fault.to)
      .sort((a, b) => a.from - b.from)
      .map((fault) => {
        const width = fault.name.length * LETTER * perPixel, late = fault.from + width > span[1];
        const from = late ? Math.min(fault.from, fault.to - width) : fault.from;
        const free = ends.findIndex((end) => end < from);
        const lane = free < 0 ? ends.length : free;
        ends[lane] = late ? fault.to : Math.max(fault.to, fault.from + width);
        return { ...fault, late, lane };
      });
  };

  const markFaults = (svg, x, faults) => {
    for (const { name, from, to, late, lane, ...fault } of faults) {
      const top = TOP - 12 - lane * LANE;
      const band = make(svg, "rect", { class: "fault", x: x(from), width: Math.max(x(to) - x(from), 1), y: top, height: 8 });
      make(band, "title", {}, `${name}, ${fault.start_s.toFixed(1)} s to ${fault.end_s === null ? "now" : `${fault.end_s.toFixed(1)} s`}`);
      for (const at of [from, to]) make(svg, "line", { class: "edge", x1: x(at), x2: x(at), y1: top, y2: HEIGHT - BOTTOM });
      make(svg, "text", { x: late ? x(to) : x(from), y: top - 5, "text-anchor": late ? "end" : "start" }, name);
    }
  };

  const lanesOf = (faults) => Math.max(1, ...faults.map((fault) => fault.lane + 1));

  const line = (svg, points, x, y, name) => {
    const found = points.filter((point) => point.lag_s[name] !== null);
    const path = found.map((point, i) => `${i ? "L" : "M"}${x(point.middle_s).toFixed(1)},${y(point.lag_s[name]).toFixed(1)}`).join("");
    make(svg, "path", { class: `line ${name}`, d: path });
    for (const point of found) {
      make(svg, "circle", { class: `dot ${name}`, cx: x(point.middle_s), cy: y(point.lag_s[name]), r: 1.6 });
    }
  };

  const lagChart = (host, data, span) => {
    const lags = data.points.flatMap((point) => [point.lag_s.p50, point.lag_s.max]).filter((lag) => lag);
    const low = Math.floor(Math.log10(Math.min(...lags, 0.001))), high = Math.ceil(Math.log10(Math.max(...lags, 0.01)));
    const y = (lag) => TOP + ((high - Math.log10(Math.max(lag, 10 ** low))) / (high - low)) * (HEIGHT - TOP - BOTTOM);
    const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
    const faults = inLanes(data.faults, span, data.now_s);
    const [svg, x] = frame(host, "Lag, order → summary", span, ticks, y, seconds, lanesOf(faults));
    markFaults(svg, x, faults);
    line(svg, data.points, x, y, "max");
    line(svg, data.points, x, y, "p50");
    for (const point of data.points.filter((point) => point.lag_s.censored)) {
      const at = x(point.middle_s), top = y(point.lag_s.max) - 4;
      const mark = make(svg, "path", { class: "censored", d: `M${at - 4},${top} h8 l-4,-7 z` });
      make(mark, "title", {}, `${point.lag_s.censored} not seen by then`);
    }
    const legend = make(host, "p", { class: "legend" });
    for (const [name, text] of [["p50", "median"], ["max", "largest"], ["censored", "▲ at least one order not seen by then"]]) {
      make(legend, "span", { class: name }, text);
    }
  };

  const staleChart = (host, data, span) => {
    const y = (part) => TOP + (1 - part) * (HEIGHT - TOP - BOTTOM);
    const faults = inLanes(data.faults, span, data.now_s);
    const [svg, x] = frame(host, "Stale reads", span, [0, 0.25, 0.5, 0.75, 1], y, (part) => `${100 * part} %`, lanesOf(faults));
    markFaults(svg, x, faults);
    const width = Math.max(x(span[0] + data.step_s) - x(span[0]) - 1, 1);
    for (const point of data.points.filter((point) => point.stale)) {
      const part = point.stale / point.reads;
      const bar = make(svg, "rect", { class: "bar", x: x(point.at_s), width, y: y(part), height: y(0) - y(part) });
      make(bar, "title", {}, `${point.stale} of ${point.reads}`);
    }
  };

  const table = (host, data) => {
    const lag = data.lag_s, reads = data.reads;
    const head = ["orders watched", "not seen", "lag p50", "p95", "p99", "max", "reads after an order", "stale"];
    const row = [lag.count, lag.censored, seconds(lag.p50), seconds(lag.p95), seconds(lag.p99), seconds(lag.max), reads.count, `${reads.stale} (${share(reads.stale, reads.count)})`];
    const found = make(host, "table");
    for (const [name, cells] of [["th", head], ["td", row]]) {
      const line = make(found, "tr");
      for (const cell of cells) make(line, name, {}, String(cell));
    }
  };

  const show = (data) => {
    section.dataset.theme = isDark() ? "dark" : "light";
    const host = make(document.createElement("div"), "div");
    if (data.points.length === 0) {
      make(host, "p", {}, "No order has been watched and no customer has looked for one yet. The Probe watches orders, and so does a scenario's load.");
    } else {
      table(host, data);
      for (const point of data.points) point.middle_s = point.at_s + data.step_s / 2;
      const first = data.points[0].at_s, last = data.points[data.points.length - 1].at_s + data.step_s;
      const span = [first, Math.max(last, first + 10)];
      lagChart(host, data, span);
      staleChart(host, data, span);
      make(host, "p", { class: "note" }, "The lag is what a client sees: from the answer to an order until the answer to a read that shows it; an order that was not seen counts as at least the time that was waited. A read is stale if it does not show the newest order that its customer knows of. Time counts from the beginning of the run phase.");
    }
    section.replaceChildren(host);
  };

  // -- when to draw -----------------------------------------------------------------------------------

  const chosen = () => document.querySelector('[role="tab"][aria-selected="true"]')?.textContent === "Consistency";

  const refresh = async () => {
    if (section.hidden) return;
    const response = await fetch(`${base}/consistency`);
    if (response.ok) show(await response.json());
  };

  const follow = () => {
    const hidden = !chosen();
    if (section.hidden === hidden && (hidden || section.isConnected)) return;
    section.hidden = hidden;
    if (hidden) return;
    const tabs = document.querySelector('[role="tablist"]').closest(".MuiTabs-root");
    if (tabs) tabs.parentElement.after(section);
    else document.body.append(section);
    refresh();
  };

  new MutationObserver(follow).observe(document.getElementById("root"), { childList: true, subtree: true, attributes: true, attributeFilter: ["aria-selected"] });
  setInterval(refresh, EVERY_MS);
  follow();
})();
