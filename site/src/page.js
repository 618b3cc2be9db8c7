// The page: marks its tier, and loads the rest when that scrolls into view.
import coincide from 'coincide/main';

const $ = id => document.getElementById(id);

// --- the tier ---

const { tier, reasons } = coincide().diagnose();
for (const row of $('tiers').rows) {
  if (row.dataset.tier !== tier) continue;
  row.setAttribute('aria-current', 'true');
  row.cells[0].append(Object.assign(document.createElement('small'), { textContent: 'this page' }));
}
$('reasons').textContent = reasons.join('; ');

// --- the rate ---

const number = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const time = nanoseconds => (nanoseconds < 1e6 ? `${number.format(nanoseconds / 1e3)} µs` : `${number.format(nanoseconds / 1e6)} ms`);
const rate = nanoseconds => 1e9 / nanoseconds;

const draw = results => {
  for (const [row, libraries] of Object.entries(results)) {
    const body = $(`rate-${row}`).tBodies[0];
    const most = Math.max(...libraries.map(({ low }) => (low ? rate(low) : 0)));
    const share = nanoseconds => `${(rate(nanoseconds) / most) * 100}%`;
    const fastest = libraries.reduce((best, library) => (library.median && !(best?.median < library.median) ? library : best), undefined);
    body.replaceChildren(
      ...libraries.map(({ name, median, low, high, note }) => {
        const line = document.createElement('tr');
        line.dataset.library = name;
        line.classList.toggle('fastest', name === fastest?.name);
        line.innerHTML = '<th scope="row"></th><td class="bar"><div><i></i><b></b></div></td><td class="figure"><strong></strong><small></small></td>';
        line.cells[0].textContent = name;
        if (note) line.cells[0].append(Object.assign(document.createElement('small'), { textContent: note }));
        const [strong, small] = line.cells[2].children;
        if (!median) {
          line.querySelector('.bar').replaceChildren();
          strong.textContent = '–';
          return line;
        }
        line.querySelector('i').style.width = share(median);
        Object.assign(line.querySelector('b').style, { left: share(high), right: `calc(100% - ${share(low)})` });
        strong.textContent = `${number.format(rate(median))} /s`;
        small.textContent = `${time(median)} (${time(low)} to ${time(high)})`;
        return line;
      }),
    );
  }
};

let measuring = false;
const measure = async () => {
  if (measuring) return;
  measuring = true;
  $('measure').disabled = true;
  $('measured').textContent = 'starting the workers';
  try {
    const { measure } = await import('./rate.js');
    const results = await measure((results, [round, rounds]) => {
      draw(results);
      $('measured').textContent = `round ${round} of ${rounds}`;
    });
    const fastest = Object.values(results).map(libraries => libraries.filter(({ median }) => median).sort((a, b) => a.median - b.median)[0]?.name);
    $('measured').textContent = `Fastest in this browser just now: ${fastest[0]} for inc, ${fastest[1]} for 4 KiB. Tier of coincide: ${tier}.`;
  } catch (error) {
    $('measured').textContent = `Measuring has failed: ${error.message}`;
  } finally {
    measuring = false;
    $('measure').disabled = false;
    $('measure').textContent = 'Measure again';
  }
};
$('measure').onclick = measure;

/** Calls once when an element scrolls into view. */
const whenSeen = (element, call, rootMargin = '0px') => {
  const observer = new IntersectionObserver(
    entries => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      observer.disconnect();
      call();
    },
    { rootMargin },
  );
  observer.observe(element);
};

whenSeen($('playground'), () => import('./playground.js').catch(error => ($('status').textContent = `The editor cannot be loaded: ${error.message}`)), '400px');
if (!new URLSearchParams(location.search).has('quiet')) whenSeen($('rate-inc'), measure);
