// Small lines without axes.
const SPARK_STEPS = 60;

function path(values, from, scale) {
  let text = '';
  values.forEach((value, k) => { if (value !== null) text += `${text ? 'L' : 'M'}${scale.x(from + k)} ${scale.y(value)}`; });
  return text;
}

function scales(values, length, width, height) {
  const known = values.filter((value) => value !== null);
  const low = Math.min(...known);
  const span = Math.max(...known) - low || 1;
  return {
    x: (k) => +(1 + (k * (width - 2)) / Math.max(1, length - 1)).toFixed(1),
    y: (value) => +(height - 2 - ((value - low) * (height - 4)) / span).toFixed(1),
  };
}

// The newest values of a series and the mean of its forecast.
function sparkline(one) {
  const past = one.y.slice(-SPARK_STEPS);
  const ahead = past.length ? [past[past.length - 1], ...one.fan[0]] : one.fan[0];
  const scale = scales([...past, ...ahead], past.length + one.fan[0].length, 110, 26);
  return svg('svg', { class: 'spark', viewBox: '0 0 110 26', 'aria-hidden': 'true' },
    svg('path', { d: path(past, 0, scale) }), svg('path', { class: 'ahead', d: path(ahead, Math.max(0, past.length - 1), scale) }));
}
