// One series: what to expect in a sentence, the chart, the models, the numbers.
const sum = (values) => values.reduce((total, value) => total + (value ?? 0), 0);
const mean = (values) => sum(values) / values.length;

function sentence(one) {
  const ahead = mean(one.fan[0]);
  const before = one.y.slice(-DATA.horizon);
  const said = [`Expect ${number(ahead)} per ${DATA.step} on average over the next ${count(DATA.horizon, DATA.step)}`];
  if (before.length === DATA.horizon && mean(before) > 0) {
    const change = ahead / mean(before) - 1;
    said.push(Math.abs(change) < 0.005 ? ', as much as in the same span before' : `, ${percent(Math.abs(change))} ${change > 0 ? 'more' : 'less'} than in the same span before`);
  }
  return `${said.join('')}.`;
}

function accuracy(one) {
  if (!isNumber(one.error)) return 'No backtest window fits into this history.';
  const against = isNumber(one.naive) ? `, ${one.flags.includes('worse') ? 'worse than' : 'against'} seasonal naive ${ratio(one.naive)}` : '';
  const held = isNumber(one.inside) ? ` The ${percent(DATA.promise)} interval held ${percent(one.inside)}.` : '';
  return `Backtest error ${percent(one.error, 1)}${against}.${held}`;
}

const KEY = [
  ['actual', 'ink', ''], ['backtest', 'past', ''], ['seasonal naive', 'naive', '3 3'], ['forecast', 'accent', ''],
];

function keyOf(one) {
  const drawn = KEY.filter(([name]) => one.windows.length || !['backtest', 'seasonal naive'].includes(name));
  const items = drawn.map(([name, tone, dash]) => el('li', {},
    svg('svg', { viewBox: '0 0 18 10', 'aria-hidden': 'true' }, svg('line', { x1: 0, y1: 5, x2: 18, y2: 5, stroke: `var(--${tone})`, 'stroke-width': 2, 'stroke-dasharray': dash || null })), name));
  const band = (fill, text) => el('li', {}, svg('svg', { viewBox: '0 0 18 10', 'aria-hidden': 'true' }, svg('rect', { width: 18, height: 10, fill })), text);
  return el('ul', { class: 'key' }, ...items, band('var(--accent-soft)', '80 %'), band('var(--accent-faint)', '95 %'));
}

function numbersOf(one) {
  const stamps = STAMPS.slice(one.end, one.end + DATA.horizon);
  const heads = ['When', 'Mean', '80 % from', 'to', '95 % from', 'to'];
  const order = [0, 2, 3, 1, 4];
  const rows = stamps.map((seconds, k) => el('tr', {}, el('th', { scope: 'row' }, stamp(seconds)),
    ...order.map((column) => el('td', { class: 'n' }, number(one.fan[column][k])))));
  return el('details', {}, el('summary', {}, 'The forecast as numbers'),
    el('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'The forecast as numbers' }, el('table', {},
      el('thead', {}, el('tr', {}, ...heads.map((head, k) => el('th', { scope: 'col', class: k ? 'n' : null }, head)))),
      el('tbody', {}, ...rows))));
}

function rangeButtons(drawn) {
  const make = (text, act, pressed) => el('button', { type: 'button', 'aria-pressed': String(pressed), on: { click: (event) => {
    for (const other of event.target.parentNode.children) other.setAttribute('aria-pressed', String(other === event.target));
    act();
  } } }, text);
  return el('div', { class: 'range', role: 'group', 'aria-label': 'Range of the chart' },
    make('Recent', drawn.recent, true), make('All', drawn.all, false));
}

function filledWord(one) {
  const filled = sum(one.filled.map(([, length]) => length));
  return filled && one.y.length ? ` ${count(filled, 'value')} of those shown ${filled === 1 ? 'was' : 'were'} missing and filled in.` : '';
}

// Show a series in the article beside the list; returns its chart.
function showSeries(article, one) {
  const area = el('div', { class: 'area', 'aria-hidden': 'true' });
  const read = el('p', { class: 'read', 'aria-hidden': 'true' });
  const rest = 'Point at the chart to read it, drag to look closer.';
  const summary = `${sentence(one)} ${accuracy(one)}${filledWord(one)}`;
  const figure = el('figure', { role: 'group', 'aria-label': `Chart of ${one.id}: its history, backtest and forecast. The numbers are in the table below it.` }, area, keyOf(one), read);
  article.replaceChildren(el('h3', { id: 'one-title' }, one.id),
    ...(one.flags.length ? [el('p', { class: 'say' }, ...one.flags.map(tag))] : []), el('p', { class: 'say' }, summary), figure);
  read.textContent = rest;
  const drawn = drawChart(area, one, (text) => { read.textContent = text ?? rest; });
  figure.before(rangeButtons(drawn));
  if (one.models.length) article.append(el('h4', {}, 'What carries the forecast'), sharesOf(one));
  if (Object.keys(one.parts).length) article.append(el('h4', {}, 'What the forecast is made of'), partsOf(one));
  article.append(numbersOf(one));
  return drawn.chart;
}
