"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  const themes = ["system", "light", "dark"];
  const toggle = document.getElementById("theme");
  const remembered = () => { try { return localStorage.getItem("picojoule-theme"); } catch { return null; } };
  const remember = (theme) => { try { localStorage.setItem("picojoule-theme", theme); } catch { /* a page may not */ } };
  const show = (theme) => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    toggle.textContent = `Theme: ${theme}`;
    toggle.dataset.shown = theme;
  };
  show(themes.includes(remembered()) ? remembered() : "system");
  toggle.addEventListener("click", () => {
    const next = themes[(themes.indexOf(toggle.dataset.shown) + 1) % themes.length];
    remember(next);
    show(next);
  });

  const choose = (select, layer) => {
    select.value = layer;
    for (const part of all(".layer", select.closest("section, .run"))) part.hidden = part.dataset.layer !== layer;
  };
  const selects = all("select");
  for (const select of selects) {
    choose(select, select.value);
    select.addEventListener("change", () => {
      for (const other of selects) {
        if (all("option", other).some((option) => option.value === select.value)) choose(other, select.value);
      }
    });
  }

  // What a mark stands for is said below its figure: when it is pointed at, tapped, or reached with the arrow keys.
  for (const figure of all("figure")) {
    const says = figure.querySelector("output");
    const marks = all(".mark", figure);
    if (!says || !marks.length) continue;
    const tell = (mark) => { says.textContent = mark.querySelector("title").textContent; };
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    marks.forEach((mark, at) => {
      mark.setAttribute("tabindex", at ? "-1" : "0");
      mark.setAttribute("role", "img");
      for (const event of ["pointerenter", "click", "focus"]) mark.addEventListener(event, () => tell(mark));
      mark.addEventListener("keydown", (event) => {
        const next = event.key === "Home" ? 0 : event.key === "End" ? marks.length - 1 : at + steps[event.key];
        if (!marks[next]) return;
        event.preventDefault();
        mark.setAttribute("tabindex", "-1");
        marks[next].setAttribute("tabindex", "0");
        marks[next].focus();
      });
    });
  }

  for (const button of all("button[data-svg]")) {
    button.addEventListener("click", () => {
      const drawing = button.closest("figure").querySelector("svg").cloneNode(true);
      const [, , width, height] = drawing.getAttribute("viewBox").split(" ");
      drawing.setAttribute("width", width);
      drawing.setAttribute("height", height);
      for (const mark of all(".mark", drawing)) mark.removeAttribute("tabindex");
      const style = document.createElementNS(drawing.namespaceURI, "style");
      style.textContent = document.getElementById("chart-style").textContent;
      drawing.prepend(style);
      const file = new Blob([new XMLSerializer().serializeToString(drawing)], { type: "image/svg+xml" });
      const link = document.createElement("a");
      link.href = URL.createObjectURL(file);
      link.download = button.dataset.svg;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }
})();
