// What is wrong with the text that is seen: [] or a list of sentences. Canvas is not looked into.
// options: {ignore: selectors of elements whose text is left out, tolerance: pixels}
(options) => {
  const SILENT = new Set(["SCRIPT", "STYLE", "NOSCRIPT", "TEMPLATE", "OPTION", "TEXTAREA", "TITLE"]);
  const above = (node) => node.assignedSlot ?? node.parentElement ?? (node.getRootNode() instanceof ShadowRoot ? node.getRootNode().host : null);
  const ignored = (element) => {
    for (let e = element; e; e = above(e)) if (options.ignore.some((s) => e.matches(s))) return true;
    return false;
  };
  const said = (text) => JSON.stringify(text.trim().replace(/\s+/g, " ").slice(0, 60));
  const place = (r) => `at ${Math.round(r.left)},${Math.round(r.top)}`;

  // the boxes that cut what is inside an element: hidden ones cut for good, scrolled ones can be scrolled
  const cutters = (element) => {
    const found = [];
    let out = getComputedStyle(element).position;
    for (let e = element, first = true; e; e = above(e), first = false) {
      const style = getComputedStyle(e);
      const holds = style.position !== "static" || style.transform !== "none";
      if (first || out === "static" || out === "relative" || out === "sticky" || (out === "absolute" && holds)) {
        const hidden = /hidden|clip/.test(style.overflowX + style.overflowY);
        const scrolled = /auto|scroll/.test(style.overflowX + style.overflowY);
        if ((hidden || scrolled) && e !== document.documentElement && e !== document.body) {
          const told = style.textOverflow === "ellipsis" && (e.title || (above(e) && above(e).title));
          found.push({ box: e.getBoundingClientRect(), hidden: hidden && !scrolled && !told });
        }
        if (!first || out !== "absolute") out = style.position;
      }
      if (style.position === "fixed") break;
    }
    return found;
  };

  const pieces = [], faults = [];
  const walk = (root) => {
    for (const node of root.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) { if (node.data.trim()) look(node); continue; }
      if (node.nodeType !== Node.ELEMENT_NODE || SILENT.has(node.tagName)) continue;
      if (node.shadowRoot) walk(node.shadowRoot);
      walk(node);
    }
  };
  const look = (node) => {
    const element = node.parentElement ?? node.getRootNode().host;
    if (!element || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || ignored(element)) return;
    const boxes = cutters(element);
    if (boxes.some((b) => b.box.width <= 2 || b.box.height <= 2)) return;  // for screen readers only
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) {
      if (rect.width < 1 || rect.height < 1) continue;
      let [left, top, right, bottom] = [rect.left, rect.top, rect.right, rect.bottom];
      for (const { box, hidden } of boxes) {
        const lost = Math.max(box.left - left, right - box.right, (box.top - top) - 2, (bottom - box.bottom) - 2);
        if (hidden && lost > options.tolerance) { faults.push(`${said(node.data)} is cut by ${Math.round(lost)} pixels ${place(rect)}`); return; }
        [left, top] = [Math.max(left, box.left), Math.max(top, box.top)];
        [right, bottom] = [Math.min(right, box.right), Math.min(bottom, box.bottom)];
      }
      if (right + scrollX > document.documentElement.scrollWidth + options.tolerance || left + scrollX < -options.tolerance)
        faults.push(`${said(node.data)} lies outside the page ${place(rect)}`);
      if (right - left > 1 && bottom - top > 1) pieces.push({ node, left, top, right, bottom });
    }
  };
  walk(document.body);

  pieces.sort((a, b) => a.top - b.top);
  pieces.forEach((a, i) => {
    for (let j = i + 1; j < pieces.length && pieces[j].top < a.bottom; j++) {
      const b = pieces[j];
      if (a.node === b.node) continue;
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left), high = Math.min(a.bottom, b.bottom) - b.top;
      const least = Math.min(a.bottom - a.top, b.bottom - b.top);  // lines set close overlap by what glyphs leave free
      if (wide > options.tolerance && high > Math.max(options.tolerance, 0.3 * least))
        faults.push(`${said(a.node.data)} and ${said(b.node.data)} overlap ${place(b)}`);
    }
  });
  const page = document.documentElement;
  if (page.scrollWidth > innerWidth + 1) faults.push(`the page is ${page.scrollWidth} pixels wide, the screen ${innerWidth}`);
  return faults;
}
