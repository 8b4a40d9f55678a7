// The chart of one series: what was, the backtest, and the fan of what is to come.
const BLANK = (length) => new Array(length).fill(null);
const RECENT_HORIZONS = 8;
const LEAST_RECENT = 40;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// Windows lie end to end, so every other one goes into a line of its own and none seems to go on in the next.
function windowLines(one, length) {
  const lines = [0, 1].map(() => ({ f: BLANK(length), low: BLANK(length), high: BLANK(length) }));
  const naive = BLANK(length);
  one.windows.forEach((window, number) => {
    const first = window.end - (one.end - one.y.length - one.at) ;
    for (const [name, values] of Object.entries(window)) {
      if (name === 'end') continue;
      const line = name === 'naive' ? naive : lines[number % 2][name];
      values.forEach((value, k) => { if (first + k >= 0 && first + k < length) line[first + k] = value; });
    }
  });
  return { lines, naive };
}

// The columns of the chart: stamps, then one line each.
function columns(one) {
  const stamps = stampsOf(one);
  const start = one.end - one.at;
  const { lines, naive } = windowLines(one, stamps.length);
  const actual = [...one.y, ...BLANK(stamps.length - one.y.length)];
  const fan = one.fan.map((values) => {
    const line = [...BLANK(start), ...values];
    if (start > 0 && one.y.length) line[start - 1] = one.y[one.y.length - 1];
    return line;
  });
  return { stamps, actual, naive, lines, mean: fan[0], low95: fan[1], low80: fan[2], high80: fan[3], high95: fan[4] };
}

function lineOf(label, stroke, more = {}) {
  return { label, stroke, width: 1.4, points: { show: false }, ...more };
}

function seriesOf() {
  const [ink, accent, past, naive] = ['ink', 'accent', 'past', 'naive'].map(colour);
  const edge = (label) => lineOf(label, 'transparent', { width: 0 });
  return [
    {},
    edge('low 95'), edge('low 80'), edge('high 80'), edge('high 95'),
    edge('low'), edge('high'), edge('low'), edge('high'),
    lineOf('naive', naive, { width: 1, dash: [3, 3] }),
    lineOf('actual', ink),
    lineOf('backtest', past, { width: 1.8 }), lineOf('backtest', past, { width: 1.8 }),
    lineOf('forecast', accent, { width: 2.2 }),
  ];
}

function bandsOf() {
  return [
    { series: [4, 1], fill: colour('accent-faint') }, { series: [3, 2], fill: colour('accent-soft') },
    { series: [6, 5], fill: colour('past-faint') }, { series: [8, 7], fill: colour('past-faint') },
  ];
}

function axisOf(more) {
  return { stroke: colour('soft'), grid: { stroke: colour('line'), width: 1 }, ticks: { show: false }, font: '12px system-ui, sans-serif', ...more };
}

// Days as "9 Dec", hours as "14:00", and below the first tick of a year or a day which one it is.
function stampTicks(_, ticks, axis, space, step) {
  const long = step >= 86400 * 27;
  const head = step >= 86400 * 360 ? { year: 'numeric' } : long ? { month: 'short' } : step >= 86400 ? { day: 'numeric', month: 'short' } : { hour: '2-digit', minute: '2-digit' };
  const foot = step >= 86400 * 360 ? {} : step >= 86400 ? { year: 'numeric' } : { day: 'numeric', month: 'short' };
  const write = (options, seconds) => new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', ...options }).format(new Date(1000 * seconds));
  let before = '';
  return ticks.map((seconds) => {
    const below = step >= 86400 * 360 ? '' : write(foot, seconds);
    const text = below === before ? write(head, seconds) : `${write(head, seconds)}\n${below}`;
    before = below;
    return text;
  });
}

function recent(one, stamps) {
  const steps = Math.max(RECENT_HORIZONS * DATA.horizon, 3 * DATA.season, LEAST_RECENT);
  return { min: stamps[Math.max(0, stamps.length - steps)], max: stamps[stamps.length - 1] };
}

// Draw into an element; `told` hears which step the pointer is at. Returns what changes the range and removes the chart.
function drawChart(element, one, told) {
  const found = columns(one);
  const { stamps, lines } = found;
  const data = [
    stamps, found.low95, found.low80, found.high80, found.high95,
    lines[0].low, lines[0].high, lines[1].low, lines[1].high,
    found.naive, found.actual, lines[0].f, lines[1].f, found.mean,
  ];
  const all = { min: stamps[0], max: stamps[stamps.length - 1] };
  const chart = new uPlot({
    width: Math.max(280, element.clientWidth), height: 290, legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(1000 * seconds), 'Etc/UTC'),
    cursor: { points: { show: false }, drag: { x: true, y: false } },
    scales: { x: { time: true }, y: { range: (_, low, high) => uPlot.rangeNum(low, high, 0.08, low >= 0) } },
    series: seriesOf(), bands: bandsOf(),
    axes: [axisOf({ space: 64, size: 44, values: stampTicks }), axisOf({ size: (_, values) => 14 + 7 * Math.max(1, ...(values || ['']).map((v) => v.length)), values: (_, ticks) => ticks.map(number) })],
    hooks: { setCursor: [(u) => told(u.cursor.idx === null || u.cursor.idx === undefined ? null : readAt(found, lines, u.cursor.idx))] },
  }, data, element);
  const show = (range) => chart.setScale('x', range);
  show(recent(one, stamps));
  return { chart, recent: () => show(recent(one, stamps)), all: () => show(all) };
}

// What the chart says at a step, in words.
function readAt(found, lines, k) {
  const backtest = lines[0].f[k] ?? lines[1].f[k];
  const ahead = found.actual[k] === null && found.mean[k] !== null;
  const told = [stamp(found.stamps[k])];
  if (found.actual[k] !== null) told.push(`actual ${number(found.actual[k])}`);
  if (isNumber(backtest)) told.push(`backtest ${number(backtest)}`, `naive ${number(found.naive[k])}`);
  if (ahead) told.push(`forecast ${number(found.mean[k])}`, `80 %: ${number(found.low80[k])} to ${number(found.high80[k])}`, `95 %: ${number(found.low95[k])} to ${number(found.high95[k])}`);
  return told.join(' · ');
}
