/** A piece of HTML that is safe to insert as it is. Make one with {@link html}. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in an {@link html} template: texts and numbers are escaped, null and false leave nothing. */
export type Content = Markup | string | number | null | false | readonly Content[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function render(content: Content): string {
  if (content instanceof Markup) return content.text;
  if (content === null || content === false) return '';
  if (typeof content === 'object') return content.map(render).join('');
  return String(content).replaceAll(/[&<>"']/g, (character) => entities[character]!);
}

/**
 * HTML from a template; everything inserted is escaped unless it is {@link Markup} itself.
 *
 * @example
 * html`<b>${'a < b'}</b>`.text; // '<b>a &lt; b</b>'
 */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  return new Markup(strings.reduce((text, part, i) => text + render(contents[i - 1] ?? null) + part));
}
