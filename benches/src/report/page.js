// Sorts a table by the column whose head is clicked: by its numbers, or by its text.
for (const head of document.querySelectorAll('th')) {
  head.tabIndex = 0;
  const sort = () => {
    const column = head.cellIndex;
    const body = head.closest('table').tBodies[0];
    const descending = head.ariaSort === 'ascending';
    for (const other of head.parentNode.cells) other.ariaSort = null;
    head.ariaSort = descending ? 'descending' : 'ascending';
    const key = ({ cells }) => cells[column].dataset.value ?? cells[column].textContent;
    const rows = [...body.rows].sort((a, b) => key(a) - key(b) || key(a).localeCompare(key(b), 'en', { numeric: true }));
    body.append(...(descending ? rows.reverse() : rows));
  };
  head.addEventListener('click', sort);
  head.addEventListener('keydown', ({ key }) => key === 'Enter' && sort());
}
const open = () => document.getElementById(decodeURIComponent(location.hash.slice(1)))?.closest('details')?.setAttribute('open', '');
addEventListener('hashchange', open);
open();
