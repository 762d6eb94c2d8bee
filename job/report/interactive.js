// Draws the page's figures with Vega-Lite in the colours of the page, and lets the scatter be looked at more closely.
"use strict";
(() => {
  const content = JSON.parse(document.getElementById("content").textContent);
  const tooltip = document.getElementById("tooltip");
  const views = {};
  const shapes = ["●", "■", "▲", "◆", "✚", "▼", "▶", "◀"];
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  }

  function theme() {
    const text = colour("text"), soft = colour("soft"), line = colour("line"), accent = colour("accent");
    return {
      background: "transparent",
      font: getComputedStyle(document.body).fontFamily,
      view: { stroke: null },
      axis: {
        labelColor: text, titleColor: soft, gridColor: line, domainColor: line, tickColor: line,
        labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", labelLimit: narrow() ? 120 : 220, titlePadding: 8, labelFlush: false, labelSeparation: 6,
      },
      axisBand: { grid: false, ticks: false, domain: false, labelPadding: 6 },
      legend: { labelColor: text, labelFontSize: 12, titleColor: soft },
      text: { color: text, fontSize: 12 },
      range: { category: shapes.map((_, slot) => colour("label-" + slot)) },
      style: {
        curve: { color: accent, strokeWidth: 2.5 },
        bar: { color: accent },
        mark: { color: accent, opacity: 1 },
        "mark-line": { color: soft, strokeDash: [3, 3] },
        other: { color: colour("other"), opacity: 0.75 },
        right: { color: colour("right") },
        wrong: { color: colour("wrong") },
        ring: { color: colour("wrong"), strokeWidth: 1.5, opacity: 1 },
        "on-dark-cell": { color: colour("on-dark-cell") },
        "on-light-cell": { color: text },
      },
    };
  }

  function narrow() {
    return window.innerWidth < 640;
  }

  // A confusion matrix is as large as its labels need, and no wider than the page where they do not fit anyhow.
  function sized(specification, element) {
    const matrix = specification.usermeta;
    if (!matrix) return specification;
    // Beside the cells stand the title and the labels, which are cut where they are longer than this.
    const room = Math.max(180, element.parentElement.clientWidth - matrixLabels(matrix) - 50);
    const small = smallCells(matrix);
    const printed = small ? 2 + 5 * matrix.digits : 6 + 8 * matrix.digits;
    const largest = Math.max(34, printed), least = matrix.rows > content.readableLabels ? 2 : Math.max(small ? 9 : 20, printed);
    const side = Math.min(largest, Math.max(least, room / matrix.columns));
    return {
      ...specification,
      width: Math.round(side * matrix.columns),
      height: Math.round(side * matrix.rows),
      autosize: { type: "pad" },
    };
  }

  function matrixLabels(matrix) {
    return narrow() ? 90 : smallCells(matrix) ? 130 : 150;
  }

  function config(specification) {
    const common = theme();
    const matrix = specification.usermeta;
    if (!matrix) return common;
    return { ...common, axis: { ...common.axis, labelLimit: matrixLabels(matrix), labelSeparation: 0 } };
  }

  function smallCells(matrix) {
    return matrix.rows > content.smallCells;
  }

  // Thousands of cells are quick to draw, but slow as elements of the page.
  function renderer(specification) {
    return specification.usermeta && smallCells(specification.usermeta) ? "canvas" : "svg";
  }

  async function draw(name) {
    const element = document.getElementById("figure-" + name);
    try {
      const result = await vegaEmbed(element, sized(content.figures[name], element), {
        mode: "vega-lite", actions: false, renderer: renderer(content.figures[name]),
        config: config(content.figures[name]), formatLocale: content.locale, tooltip: shower(name),
      });
      views[name] = result.view;
      // A finger moves no pointer, which is what Vega shows tooltips at.
      result.view.addEventListener("click", (event, item) => {
        const touched = item && item.tooltip !== undefined ? item : nearestPoint(element, event);
        if (touched) shower(name)(null, event, touched, touched.tooltip);
        if (touched && name === "scatter") showLike(Number(touched.tooltip));
      });
    } catch (error) {
      element.textContent = content.notDrawn;
      console.error(error);
    }
  }

  function shower(name) {
    return name === "scatter" ? showPhoto : showFacts;
  }

  // A point is smaller than the tip of a finger.
  function nearestPoint(element, event) {
    let nearest = null, distance = 24;
    for (const drawn of element.querySelectorAll(".mark-symbol path")) {
      const box = drawn.getBoundingClientRect();
      const away = Math.hypot(box.x + box.width / 2 - event.clientX, box.y + box.height / 2 - event.clientY);
      const item = drawn.__data__;
      if (away < distance && item && item.tooltip !== undefined) [nearest, distance] = [item, away];
    }
    return nearest;
  }

  function place(point) {
    tooltip.hidden = false;
    // Measured where it has room: at the edge it would be narrow, and stay so.
    tooltip.style.left = tooltip.style.top = "0";
    const { width, height } = tooltip.getBoundingClientRect();
    const left = point.clientX + 14 + width < window.innerWidth ? point.clientX + 14 : point.clientX - 14 - width;
    const top = point.clientY + 14 + height < window.innerHeight ? point.clientY + 14 : point.clientY - 14 - height;
    tooltip.style.left = Math.max(4, left) + "px";
    tooltip.style.top = Math.max(4, top) + "px";
  }

  function line(tag, text) {
    const element = document.createElement(tag);
    element.textContent = text;
    return element;
  }

  function showPhoto(_handler, event, _item, value) {
    if (value === null || value === undefined || value === "") {
      tooltip.hidden = true;
      return;
    }
    const photo = Number(value);
    tooltip.replaceChildren();
    const thumbnail = content.scatter.thumbnails[photo];
    if (thumbnail) {
      const image = document.createElement("img");
      image.alt = "";
      image.src = thumbnail;
      tooltip.append(image);
    }
    tooltip.append(...described(photo));
    place(event);
  }

  function described(photo) {
    const scatter = content.scatter, kind = scatter.kinds[content.figures.scatter.data.values[photo].kind];
    const more = [kind, scatter.taken[photo]].filter(Boolean).join(", ");
    return [line("b", scatter.labels[scatter.of[photo]]), line("div", more), line("small", scatter.names[photo])];
  }

  // The photo itself comes first; a click on another one shows the photos like that.
  function showLike(photo) {
    const like = content.scatter.like[photo], box = document.getElementById("like");
    if (!like.length) return;
    box.hidden = false;
    box.lastChild.replaceChildren(...[photo, ...like].map((shown) => {
      const card = line("button", ""), frame = line("div", ""), text = line("div", "");
      card.type = "button";
      card.className = shown === photo ? "card chosen" : "card";
      frame.className = content.scatter.thumbnails[shown] ? "photo" : "photo missing";
      if (content.scatter.thumbnails[shown]) {
        const image = line("img", "");
        image.alt = "";
        image.src = content.scatter.thumbnails[shown];
        frame.append(image);
      }
      text.append(...described(shown));
      card.append(frame, text);
      card.addEventListener("click", () => showLike(shown));
      return card;
    }));
  }

  function showFacts(_handler, event, _item, value) {
    if (value === null || value === undefined || value === "") {
      tooltip.hidden = true;
      return;
    }
    const facts = typeof value === "object" ? Object.entries(value) : [["", value]];
    tooltip.replaceChildren(...facts.map(([name, fact]) => line("div", name.trim() ? name + ": " + fact : String(fact))));
    place(event);
  }

  function scatterControls() {
    const scatter = content.scatter;
    const chosen = content.figures.scatter.params.find((parameter) => parameter.name === "chosen").value;
    const slots = shapes.map((_, slot) => (slot < chosen.length ? chosen[slot] : null));
    let newest = chosen.length - 1;
    const chips = document.getElementById("chips");
    const buttons = scatter.labels.map((label, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(line("i", ""), document.createTextNode(label));
      button.addEventListener("click", () => toggle(place));
      chips.append(button);
      return button;
    });

    function toggle(label) {
      const at = slots.indexOf(label);
      if (at >= 0) {
        slots[at] = null;
      } else {
        const free = slots.indexOf(null);
        newest = free >= 0 ? free : (newest + 1) % slots.length;
        slots[newest] = label;
      }
      show();
    }

    function show() {
      buttons.forEach((button, label) => {
        const slot = slots.indexOf(label);
        button.setAttribute("aria-pressed", String(slot >= 0));
        button.firstChild.textContent = slot >= 0 ? shapes[slot] : "○";
        button.firstChild.style.color = slot >= 0 ? "var(--label-" + slot + ")" : "var(--soft)";
      });
      change("chosen", [...slots]);
    }

    // The figure is drawn again when the colours change, and then has the changed values too.
    function change(name, value) {
      content.figures.scatter.params.find((parameter) => parameter.name === name).value = value;
      if (views.scatter) views.scatter.signal(name, value).runAsync();
    }

    const plane = document.getElementById("plane");
    // The positions on the map come after the components.
    function showPlane() {
      ["across", "upwards"].forEach((axis, place) => {
        const select = document.getElementById(axis), map = plane && plane.value === "map";
        select.parentElement.hidden = map;
        change(axis + "_component", map ? select.options.length + place : Number(select.value));
      });
    }
    for (const axis of ["across", "upwards"]) document.getElementById(axis).addEventListener("change", showPlane);
    if (plane) {
      plane.addEventListener("change", showPlane);
      showPlane();
    }
    const kinds = document.getElementById("shown-kinds");
    if (kinds) kinds.addEventListener("change", () => change("shown_kinds", JSON.parse(kinds.value)));
    document.getElementById("find-label").addEventListener("input", (event) => {
      const wanted = event.target.value.trim().toLowerCase();
      buttons.forEach((button, label) => {
        button.hidden = !scatter.labels[label].toLowerCase().includes(wanted);
      });
    });
    document.getElementById("no-labels").addEventListener("click", () => {
      slots.fill(null);
      show();
    });
    show();
  }

  async function drawAll() {
    for (const name of Object.keys(content.figures)) await draw(name);
    document.documentElement.dataset.drawn = dark.matches ? "dark" : "light";
  }

  // A click on a column's head sorts by it; another click turns the order round.
  function sortable(table) {
    table.querySelectorAll("th button").forEach((button, column) => {
      button.addEventListener("click", () => {
        const head = button.parentElement, descending = head.getAttribute("aria-sort") === "ascending";
        table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        const rows = [...table.tBodies[0].rows].sort((one, other) => order(one.cells[column], other.cells[column]));
        table.tBodies[0].append(...(descending ? rows.reverse() : rows));
      });
    });
  }

  function order(one, other) {
    if (one.dataset.value === undefined) return one.textContent.localeCompare(other.textContent, undefined, { numeric: true });
    return (JSON.parse(one.dataset.value) ?? -1) - (JSON.parse(other.dataset.value) ?? -1);
  }

  document.querySelectorAll("table.sortable").forEach(sortable);
  if (content.figures.scatter) scatterControls();
  let asked = drawAll();
  dark.addEventListener("change", () => { asked = asked.then(drawAll); });
  for (const ends of ["scroll", "pointerdown"]) {
    document.addEventListener(ends, () => { tooltip.hidden = true; }, { passive: true });
  }
})();
