"use strict";
// A click on a column's head sorts by it; data-v of a cell is what it is sorted by, empty cells stay last.
for (const table of document.querySelectorAll("table.sortable")) {
  for (const head of table.tHead.rows[0].cells) {
    head.firstElementChild?.addEventListener("click", () => {
      const at = head.cellIndex, body = table.tBodies[0];
      const key = (row) => row.cells[at].dataset.v ?? row.cells[at].textContent;
      const words = [...body.rows].some((row) => key(row) !== "" && Number.isNaN(Number(key(row))));
      const down = head.hasAttribute("aria-sort") ? head.getAttribute("aria-sort") === "ascending" : !words;
      const order = (a, b) => (words ? key(a).localeCompare(key(b), "zh") : Number(key(a)) - Number(key(b)));
      const rows = [...body.rows].sort((a, b) => (key(a) === "") - (key(b) === "") || (down ? order(b, a) : order(a, b)));
      for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      body.append(...rows);
    });
  }
}
