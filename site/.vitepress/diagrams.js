/** Mermaid diagrams, drawn while the site is built: no script draws them in the browser, and they follow its colours. */
import { renderMermaidSVG } from "beautiful-mermaid";

/** `accTitle: …` in the source is what the picture is called. Throws where there is none, or the diagram is broken. */
export function diagramSVG(source) {
  const title = /^\s*accTitle: *(.+)$/m.exec(source)?.[1];
  if (title === undefined) throw new Error(`a diagram has no accTitle:\n${source}`);
  const drawn = renderMermaidSVG(source.replace(/^\s*accTitle:.*\n/m, ""), { transparent: true, padding: 8 });
  // Its style names a font from elsewhere, and speaks of every picture of the page: theme/style.css has what it is to say.
  const bare = drawn.replace(/<style>[\s\S]*?<\/style>/g, "").replace(/ style="--bg:[^"]*"/, "");
  const named = bare.replace("<svg ", `<svg role="img" aria-label="${title.replace(/[&"<]/g, (c) => `&#${c.charCodeAt(0)};`)}" `);
  return `<div class="diagram" v-pre>${named}</div>\n`;
}
