// A click on a name shows that component alone; a second click shows all again. What a level hides (item.visible) stays hidden.
const items = legend.items.filter(item => item.visible);
const shown = items.filter(item => item.renderers.some(r => r.visible));
const alone = shown.length == 1 && shown[0] === cb_obj.item;
for (const item of items)
  for (const renderer of item.renderers) renderer.visible = alone || item === cb_obj.item;
