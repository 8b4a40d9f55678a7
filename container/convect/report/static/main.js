// The page begins here: the list, the series beside it, and what redraws them.
let chart = null;

function choose(one) {
  const focused = document.activeElement?.classList.contains('name');
  state.chosen = one;
  draw();
  if (focused) document.querySelector('#list .selected .name')?.focus();
  redraw();
  byId('shown').textContent = `${one.id} is shown beside the list. ${sentence(one)}`;
}

function redraw() {
  if (chart) chart.destroy();
  chart = state.chosen ? showSeries(byId('one'), state.chosen) : null;
}

const draw = () => drawList(choose);

function change(values) {
  Object.assign(state, { page: 0 }, values);
  draw();
}

function sortBy(key) {
  change(state.key === key ? { down: !state.down } : { key, down: GREATEST_FIRST.has(key) });
}

function filterBy(flag) {
  byId('flag').value = flag;
  change({ flag });
}

// What is wider than its place can be scrolled by keyboard too.
function letScroll() {
  for (const area of document.querySelectorAll('.scroll')) {
    if (area.scrollWidth > area.clientWidth || area.scrollHeight > area.clientHeight) area.tabIndex = 0;
    else area.removeAttribute('tabindex');
  }
}

// The series come with the largest errors first.
function lookFirst() {
  const worst = DATA.series.filter((one) => isNumber(one.error)).slice(0, 3);
  if (!worst.length) return;
  const links = worst.flatMap((one, k) => [k ? ', ' : '', el('a', { href: '#series', on: { click: () => choose(one) } }, one.id)]);
  byId('look').append('Look first at the series with most error: ', ...links, '.');
  byId('look').hidden = false;
}

function start() {
  DATA.series.forEach((one, place) => { one.place = place; });
  const options = Object.entries(DATA.flags).map(([name, { label, count: n }]) => el('option', { value: name }, `${label} (${whole.format(n)})`));
  byId('flag').append(el('option', { value: '' }, 'all series'), ...options);
  byId('browser').hidden = false;
  byId('search').addEventListener('input', (event) => change({ search: event.target.value }));
  byId('flag').addEventListener('change', (event) => change({ flag: event.target.value }));
  byId('back').addEventListener('click', () => change({ page: state.page - 1 }));
  byId('on').addEventListener('click', () => change({ page: state.page + 1 }));
  byId('list').addEventListener('keydown', moveFocus);
  for (const head of document.querySelectorAll('#list th[data-key] button')) head.addEventListener('click', () => sortBy(head.parentNode.dataset.key));
  for (const link of document.querySelectorAll('a.filter')) {
    link.hidden = !(link.dataset.flag in DATA.flags);
    link.addEventListener('click', () => filterBy(link.dataset.flag));
  }
  lookFirst();
  if (DATA.series.length) choose(matching()[0]);
  letScroll();
}

// Colours and widths are the canvas's own: drawn again where the scheme, the paper or the window changes.
window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
window.matchMedia('print').addEventListener('change', redraw);
let waiting = 0;
window.addEventListener('resize', () => { clearTimeout(waiting); waiting = setTimeout(() => { redraw(); letScroll(); }, 150); });
start();
