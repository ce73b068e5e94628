
"use strict";
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  if (body.rows.length < 4) continue;
  const value = (row, column) => {
    const cell = row.cells[column];
    const data = cell.querySelector("data");
    return data ? parseFloat(data.value) : cell.textContent;
  };
  const given = [...body.rows];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const is = head.getAttribute("aria-sort");
      const to = is === "descending" ? "ascending" : is === "ascending" ? null : "descending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      const rows = [...given];
      if (to) {
        head.setAttribute("aria-sort", to);
        const sign = to === "ascending" ? 1 : -1;
        rows.sort((left, right) => {
          const [a, b] = [value(left, column), value(right, column)];
          const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
          return sign * order;
        });
      }
      body.append(...rows);
    });
  });
  if (given.length < 16) continue;
  const label = document.createElement("label");
  label.className = "filter";
  label.textContent = "Show only rows with ";
  const input = document.createElement("input");
  input.type = "search";
  label.append(input);
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    for (const row of given) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
  table.parentNode.before(label);
}
