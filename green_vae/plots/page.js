"use strict";
// Colours, sorting, filters, notes and enlarged pictures. Without scripts a page still shows everything.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);

  function colours() {
    const button = one("#theme");
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const isDark = () => (document.documentElement.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
    const name = () => { button.textContent = isDark() ? "Light colours" : "Dark colours"; };
    const store = (act) => { try { return act(localStorage); } catch { return null; } }; // a file may not have one
    const kept = store((there) => there.getItem("theme"));
    if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
    button.hidden = false;
    button.addEventListener("click", () => {
      const chosen = isDark() ? "light" : "dark";
      document.documentElement.dataset.theme = chosen;
      store((there) => there.setItem("theme", chosen));
      name();
    });
    dark.addEventListener("change", name);
    name();
  }

  // One note at a time: shown while its button or the note itself has the focus or is pointed at; Escape closes it.
  function notes() {
    let shown = null;
    let timer = 0;
    const noteOf = (button) => document.getElementById(button.dataset.note);
    const hide = () => {
      clearTimeout(timer);
      if (shown) { noteOf(shown).hidePopover(); shown.setAttribute("aria-expanded", "false"); }
      shown = null;
    };
    const show = (button) => {
      clearTimeout(timer);
      if (shown === button) return;
      hide();
      const note = noteOf(button);
      note.showPopover();
      button.setAttribute("aria-expanded", "true");
      const at = button.getBoundingClientRect();
      const size = note.getBoundingClientRect();
      const left = Math.max(8, Math.min(at.left, document.documentElement.clientWidth - size.width - 8));
      const fits = at.bottom + size.height + 8 <= innerHeight || at.top < size.height + 8;
      const top = fits ? Math.min(at.bottom + 2, innerHeight - size.height - 8) : at.top - size.height - 2;
      Object.assign(note.style, { margin: "0", inset: "auto", left: `${left}px`, top: `${Math.max(8, top)}px` });
      shown = button;
    };
    const later = (act, wait) => { clearTimeout(timer); timer = setTimeout(act, wait); };
    const held = () => shown && [shown, noteOf(shown)].some((part) => part.contains(document.activeElement));
    for (const button of all("[data-note]")) {
      const note = noteOf(button);
      button.removeAttribute("popovertarget");
      button.setAttribute("aria-expanded", "false");
      note.popover = "manual";
      note.tabIndex = -1;
      button.addEventListener("click", () => show(button));
      button.addEventListener("focus", () => show(button));
      for (const part of [button, note]) {
        part.addEventListener("blur", (event) => {
          if (shown === button && event.relatedTarget !== note && event.relatedTarget !== button) hide();
        });
        part.addEventListener("mouseenter", () => {
          if (part === button && !held()) later(() => show(button), 120);
          else if (shown === button) clearTimeout(timer);
        });
        part.addEventListener("mouseleave", () => {
          clearTimeout(timer);
          if (!held()) later(hide, 200);
        });
      }
    }
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
    document.addEventListener("scroll", (event) => {
      if (shown && !noteOf(shown).contains(event.target) && !held()) hide();
    }, true);
  }

  // A report's table is one stop of the Tab key; the arrow keys move from cell to cell.
  function walking(table) {
    const buttonsOf = (row) => all("td.cell > button", row);
    const rows = () => all("tbody tr", table).filter((row) => !row.hidden && buttonsOf(row).length);
    const stop = (button) => {
      for (const other of all("td.cell > button", table)) other.tabIndex = other === button ? 0 : -1;
    };
    const reset = () => { const [first] = rows(); if (first) stop(buttonsOf(first)[0]); };
    table.addEventListener("focusin", (event) => { if (event.target.matches("td.cell > button")) stop(event.target); });
    table.addEventListener("keydown", (event) => {
      if (!event.target.matches("td.cell > button") || event.ctrlKey || event.altKey || event.metaKey) return;
      const there = rows();
      let row = there.indexOf(event.target.closest("tr"));
      const line = buttonsOf(there[row]);
      let column = line.indexOf(event.target);
      if (event.key === "ArrowDown") row += 1;
      else if (event.key === "ArrowUp") row -= 1;
      else if (event.key === "ArrowRight") column += 1;
      else if (event.key === "ArrowLeft") column -= 1;
      else if (event.key === "Home") column = 0;
      else if (event.key === "End") column = line.length - 1;
      else return;
      event.preventDefault();
      const next = there[row] && buttonsOf(there[row])[column];
      if (next) next.focus();
    });
    reset();
    return reset;
  }

  function sorting(table, moved) {
    const body = one("tbody", table);
    const printed = all("tr", body);
    const heads = all("thead th", table);
    const by = document.getElementById(table.dataset.by || "");
    const order = (head) => {
      const direction = head ? head.getAttribute("aria-sort") : "none";
      const column = heads.indexOf(head);
      const key = (row) => {
        const cell = row.children[column];
        const side = by ? by.value : "ours";
        const hasSides = cell.classList.contains("cell") || "ours" in cell.dataset;
        return hasSides ? cell.dataset[side] ?? "" : cell.textContent.trim();
      };
      const compare = (a, b) => {
        const [left, right] = [key(a), key(b)];
        if (left === "" || right === "") return (left === "") - (right === ""); // what is not there comes last
        const ahead = left - right || left.localeCompare(right, "en", { numeric: true });
        return direction === "descending" ? -ahead : ahead;
      };
      body.append(...(direction === "none" ? printed : [...printed].sort(compare)));
      moved();
    };
    const next = { none: "ascending", ascending: "descending", descending: "none" };
    for (const head of heads) {
      const button = one(".sort", head);
      if (!button) continue;
      button.addEventListener("click", () => {
        const chosen = next[head.getAttribute("aria-sort")];
        for (const other of heads) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", chosen);
        order(head);
      });
    }
    const isSorted = (head) => !["none", null].includes(head.getAttribute("aria-sort"));
    if (by) by.addEventListener("change", () => order(heads.find(isSorted)));
  }

  // Rows of a table, or figures of a gallery, in which one of the ticked verdicts occurs.
  function filtering(form, moved) {
    const target = document.getElementById(form.dataset.of);
    const groups = target.matches("table") ? all("tbody tr", target) : all(":scope > figure", target);
    const status = one("[role=status]", form);
    const boxes = all("input[type=checkbox]", form);
    const filter = () => {
      const wanted = boxes.filter((box) => box.checked).map((box) => box.value);
      let left = 0;
      let found = 0;
      for (const group of groups) {
        const cells = group.dataset.verdict ? [group] : all("[data-verdict]", group);
        const fitting = cells.filter((cell) => wanted.includes(cell.dataset.verdict));
        for (const cell of cells) cell.classList.toggle("found", fitting.includes(cell));
        group.hidden = wanted.length > 0 && !fitting.length;
        left += !group.hidden;
        found += fitting.length;
      }
      const what = target.matches("table") ? "rows" : "figures";
      status.textContent = `${left} of ${groups.length} ${what}`;
      if (wanted.length && what === "rows") status.textContent += `, ${found} cells marked`;
      moved();
    };
    form.hidden = false;
    form.addEventListener("change", (event) => { if (event.target.type === "checkbox") filter(); });
    form.addEventListener("submit", (event) => event.preventDefault());
    for (const box of boxes) box.checked = false;
    filter();
  }

  function zooming() {
    const dialog = one("#zoom");
    const [image, pan, output, words] = ["img", ".pan", "output", "p"].map((part) => one(part, dialog));
    let scale = 1;
    const set = (wanted) => {
      scale = Math.min(16, Math.max(0.125, wanted));
      image.style.width = `${image.naturalWidth * scale}px`;
      output.textContent = `${Math.round(scale * 100)} %`;
    };
    const fit = () => {
      const room = Math.min(pan.clientWidth / image.naturalWidth, pan.clientHeight / image.naturalHeight);
      set(image.classList.contains("pixels") && room > 1 ? Math.floor(room) : Math.min(room, 2));
    };
    const act = (what) => {
      if (what === "close") dialog.close();
      else if (what === "fit") fit();
      else set(scale * Number(what));
    };
    for (const button of all("button.zoom")) {
      button.addEventListener("click", async () => {
        const small = one("img", button);
        Object.assign(image, { src: small.src, alt: small.alt, className: small.className });
        words.textContent = small.alt;
        dialog.showModal();
        await image.decode();
        fit();
      });
    }
    dialog.addEventListener("click", (event) => {
      if (event.target.dataset.zoom) act(event.target.dataset.zoom);
      else if (event.target === dialog) dialog.close();
    });
    dialog.addEventListener("keydown", (event) => {
      const what = { "+": "2", "=": "2", "-": "0.5", 0: "fit" }[event.key];
      if (what) act(what);
    });
  }

  colours();
  notes();
  const walks = new Map(all("table.report").map((table) => [table.id, walking(table)]));
  const moved = (id) => walks.get(id) || (() => {});
  for (const table of all("table.sortable")) sorting(table, moved(table.id));
  for (const form of all("form.controls")) filtering(form, moved(form.dataset.of));
  zooming();
})();
