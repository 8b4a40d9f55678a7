// The list of series: found, sorted and leafed through.
const PAGE_ROWS = 15;
const GREATEST_FIRST = new Set(['size', 'error', 'naive']);
const state = { search: '', flag: '', key: DATA.series.some((one) => isNumber(one.error)) ? 'impact' : 'size', down: true, page: 0, chosen: null };
const tag = (flag) => el('span', { class: `tag ${flag}` }, DATA.flags[flag].label);

const names = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

function compare(left, right) {
  if (state.key === 'impact') return left.place - right.place;
  if (state.key === 'id') return (state.down ? -1 : 1) * names.compare(left.id, right.id);
  const [a, b] = [left[state.key], right[state.key]];
  if (!isNumber(a) || !isNumber(b)) return isNumber(b) - isNumber(a);
  return (state.down ? b - a : a - b) || left.place - right.place;
}

function matching() {
  const wanted = state.search.trim().toLowerCase();
  return DATA.series
    .filter((one) => (!wanted || one.id.toLowerCase().includes(wanted)) && (!state.flag || one.flags.includes(state.flag)))
    .sort(compare);
}

function row(one, judged, choose) {
  const button = el('button', { type: 'button', class: 'name', 'aria-pressed': String(one === state.chosen), on: { click: () => choose(one) } }, one.id);
  const marks = one.flags.length ? el('div', {}, ...one.flags.map(tag)) : null;
  const cells = [el('th', { scope: 'row' }, button, marks), el('td', { class: 'n' }, number(one.size))];
  if (judged) cells.push(el('td', { class: 'n' }, percent(one.error, 1)), el('td', { class: one.flags.includes('worse') ? 'n bad' : 'n' }, ratio(one.naive)));
  cells.push(el('td', {}, sparkline(one)));
  return el('tr', { class: one === state.chosen ? 'selected' : null, on: { click: (event) => { if (event.target !== button) choose(one); } } }, ...cells);
}

function markSorted() {
  for (const head of document.querySelectorAll('#list th[data-key]')) {
    if (head.dataset.key === state.key) head.setAttribute('aria-sort', state.down ? 'descending' : 'ascending');
    else head.removeAttribute('aria-sort');
  }
}

function drawList(choose) {
  const found = matching();
  const pages = Math.max(1, Math.ceil(found.length / PAGE_ROWS));
  state.page = Math.min(state.page, pages - 1);
  const judged = document.querySelector('#list th[data-key=error]') !== null;
  const shown = found.slice(state.page * PAGE_ROWS, (state.page + 1) * PAGE_ROWS);
  document.querySelector('#list tbody').replaceChildren(...shown.map((one) => row(one, judged, choose)));
  const order = state.key === 'impact' ? ', those with most error first' : '';
  byId('found').textContent = found.length === DATA.series.length ? `${count(found.length, 'series')}${order}` : `${whole.format(found.length)} of ${count(DATA.series.length, 'series')}`;
  byId('page').textContent = `Page ${state.page + 1} of ${pages}`;
  byId('back').disabled = state.page === 0;
  byId('on').disabled = state.page >= pages - 1;
  markSorted();
}

// Up and down move among the names, as in any list.
function moveFocus(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !event.target.classList.contains('name')) return;
  const buttons = [...document.querySelectorAll('#list .name')];
  const next = buttons[buttons.indexOf(event.target) + step];
  if (next) { event.preventDefault(); next.focus(); }
}
