/** The few forms of Markdown that generated pages are made of. */

export const generatedNote = (from: string): string =>
  `<!-- Made by \`npm run docs\` from ${from}: change it there. -->`;

/** One line of a table may hold neither a line break nor a bare bar; `<id>` outside of code would be taken for HTML. */
export const cell = (text: string): string =>
  text
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll('|', '\\|')
    .replaceAll(/(`[^`]*`)|</g, (found, isCode: string | undefined) => isCode ?? found.replace('<', '&lt;'));

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export const code = (text: string): string => `\`${text}\``;

export function page(from: string, title: string, parts: readonly string[]): string {
  return `${[`# ${title}`, generatedNote(from), ...parts].filter((part) => part !== '').join('\n\n')}\n`;
}
