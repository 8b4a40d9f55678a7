// The data of the page, and how numbers and stamps are written.
const DATA = JSON.parse(byId('series-data').textContent);
const NONE = '–';

const plain = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 });
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const dates = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC', year: 'numeric', month: 'short', day: 'numeric', ...(DATA.daily ? {} : { hour: '2-digit', minute: '2-digit' }),
});

const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);
const number = (value) => (!isNumber(value) ? NONE : Math.abs(value) >= 1000 ? whole.format(value) : plain.format(value));
const percent = (value, places = 0) => (isNumber(value) ? `${(100 * value).toFixed(places)}\u00a0%` : NONE);
const ratio = (value) => (isNumber(value) ? value.toFixed(2) : NONE);
const count = (n, noun) => `${whole.format(n)} ${n === 1 || noun === 'series' ? noun : noun.replace(/^\S+/, '$&s')}`;
const stamp = (seconds) => dates.format(new Date(1000 * seconds));

// Every step of the page's axis in seconds since 1970.
const STAMPS = (() => {
  const { first, step, count: length } = DATA.axis;
  const found = [first];
  for (let k = 1; k < length; k += 1) found.push(found[k - 1] + (Array.isArray(step) ? step[k - 1] : step));
  return found;
})();
const stampsOf = (one) => STAMPS.slice(one.at, one.end + DATA.horizon);
