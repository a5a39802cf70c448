import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A link: its words, and the file that it leads to from the project's folder, or the heading in it. */
export interface Link {
  readonly text: string;
  /** Empty for the same file. */
  readonly file: string;
  readonly anchor?: string;
}

/** Where links of `file` lead that stay within the project. */
export function linksIn(markdown: string, file: string): Link[] {
  return [...markdown.matchAll(/\[((?:[^\]\\`]|\\.|`[^`]*`)+)\]\(([^)\s]+)\)/g)]
    .filter(([, , target]) => !/^[a-z]+:/.test(target))
    .map(([, text, target]) => {
      const [path, anchor] = target.split('#');
      return { text: text.replaceAll('\\|', '|'), file: path && join(dirname(file), path), anchor };
    });
}

/** The rows of all tables whose heading row begins with the column `first`, cell by cell. */
export function tableRows(file: string, first: string): string[][] {
  const rows: string[][] = [];
  let isWanted = false;
  let before = '';
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (!line.startsWith('|')) isWanted = false;
    else if (/^[|\s:-]+$/.test(line)) isWanted = cells(before)[0] === first;
    else if (isWanted) rows.push(cells(line));
    before = line;
  }
  return rows;
}

const cells = (line: string): string[] =>
  line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());

/** The anchors that GitHub gives to a file's headings. */
export function anchorsIn(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
