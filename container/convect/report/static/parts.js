// Which models carry a forecast, and into what it is taken apart.
function sharesOf(one) {
  const rows = one.models.map(([model, share]) => el('li', {},
    el('span', {}, DATA.models[model]), bar(share), el('span', { class: 'n' }, percent(share))));
  return el('ul', { class: 'shares' }, ...rows);
}

function nameOf(component) {
  return component.startsWith('covariate:') ? component.slice('covariate:'.length) : component;
}

// One small chart a component, all to one scale but for the level, which would flatten the others.
function partsOf(one) {
  const entries = Object.entries(one.parts).filter(([, values]) => values.some((value) => value !== 0));
  const others = entries.filter(([name]) => name !== 'level').flatMap(([, values]) => values);
  return el('div', { class: 'parts' }, ...entries.map(([name, values]) => {
    const scale = scales(name === 'level' ? values : [...others, 0], values.length, 200, 48);
    const zero = name === 'level' ? null : svg('path', { class: 'zero', d: `M1 ${scale.y(0)}H199` });
    const ends = `${number(values[0])} … ${number(values[values.length - 1])}`;
    return el('figure', { role: 'group', 'aria-label': `${nameOf(name)}: ${ends}` },
      svg('svg', { class: 'spark', viewBox: '0 0 200 48', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, zero, svg('path', { class: 'ahead', d: path(values, 0, scale) })),
      el('figcaption', {}, `${nameOf(name)} ${ends}`));
  }));
}
