// Plots of the last two minutes with uPlot: rates of this node, lag and round trip of its links. One value a second.

import { element } from "./dom.js";
import { colourOf, onTheme, variable } from "./palette.js";

const KEPT = 120;   // values of a line
const HEIGHT = 150; // pixels

/** A plot with lines that come and go by name. */
class Plot {
  constructor(container, title, unit) {
    this.container = container;
    this.title = title;
    this.unit = unit;
    this.times = [];
    this.lines = new Map();  // name: values, as long as `times`
    this.plot = null;
    onTheme(() => this.rebuild());
    new ResizeObserver(() => this.plot?.setSize({ width: container.clientWidth, height: HEIGHT })).observe(container);
  }

  /** @param {Object<string, number|null>} values by the name of their line */
  add(time, values) {
    this.times.push(time);
    for (const name of Object.keys(values)) {
      if (!this.lines.has(name)) this.lines.set(name, new Array(this.times.length - 1).fill(null));
    }
    for (const [name, line] of this.lines) line.push(values[name] ?? null);
    if (this.times.length > KEPT) {
      this.times.shift();
      for (const line of this.lines.values()) line.shift();
    }
    if (this.plot === null || this.plot.series.length !== this.lines.size + 1) this.rebuild();
    else this.plot.setData(this.data());
  }

  data() {
    return [this.times, ...this.lines.values()];
  }

  rebuild() {
    this.plot?.destroy();
    const axis = { stroke: variable("--text"), grid: { stroke: variable("--grid"), width: 1 }, ticks: { show: false } };
    this.plot = new uPlot({
      title: this.title,
      width: Math.max(200, this.container.clientWidth),
      height: HEIGHT,
      cursor: { drag: { x: false, y: false } },
      legend: { live: true },
      scales: { y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.1)] } },
      axes: [{ ...axis, space: 70 }, { ...axis, size: 62, values: (_plot, ticks) => ticks.map(short) }],
      series: [{ label: "time" }, ...[...this.lines.keys()].map((name, index) => this.series(name, index))],
    }, this.data(), this.container);
  }

  series(name, index) {
    const colour = this.unit === "" ? variable(`--line${(index % 4) + 1}`) : colourOf(name);
    return { label: name, stroke: colour, width: 1.5, value: (_plot, value) => shown(value, this.unit) };
  }
}

export class Plots {
  /** @param {Element} container */
  constructor(container) {
    const place = (label) => {
      const part = element("div", { class: "plot", role: "img", "aria-label": label });
      container.append(part);
      return part;
    };
    this.rates = new Plot(place("Plot of updates per second; the table of nodes has the values"), "updates/s", "");
    this.roundTrips = new Plot(place("Plot of round trips; the table of nodes has the values"), "round trip", "µs");
    this.lags = new Plot(place("Plot of lag; the table of nodes has the values"), "lag", "records");
    this.before = null;
  }

  /** @param {any} status the answer of /status.json */
  add(status) {
    const time = Date.now() / 1000;
    const now = { time: status.uptime_s, run: status.incarnation, counters: status.counters };
    if (this.before !== null && this.before.run === now.run && now.time > this.before.time) {
      const seconds = now.time - this.before.time;
      const rate = (name) => ((now.counters[name] ?? 0) - (this.before.counters[name] ?? 0)) / seconds;
      this.rates.add(time, { "from clients": rate("iamat_stored"), "from peers": rate("bus_updates_merged") });
    }
    this.before = now;
    const links = Object.entries(status.links);
    const isUp = (link) => link.state === "up" && link.round_trip_us > 0;
    this.roundTrips.add(time, Object.fromEntries(
      links.map(([peer, link]) => [peer, isUp(link) ? link.round_trip_us : null])));
    this.lags.add(time, Object.fromEntries(links.map(([peer, link]) => [peer, link.lag])));
  }
}

// 1200 as "1.2k"
function short(value) {
  if (Math.abs(value) >= 1e6) return `${+(value / 1e6).toFixed(1)}M`;
  return Math.abs(value) >= 1e3 ? `${+(value / 1e3).toFixed(1)}k` : String(+value.toFixed(2));
}

function shown(value, unit) {
  return value === null || value === undefined ? "–" : `${short(value)} ${unit}`.trim();
}
