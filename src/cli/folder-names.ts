import { basename, extname } from 'node:path';

/** The name of a folder for a file whose own name holds nothing that could be one. */
const NAMELESS = 'song';
/** Bytes that a name may have in UTF-8; file systems take 255, whole paths on Windows 260 characters. */
const MAX_BYTES = 100;
/** Separators, what Windows forbids, control characters, and those that turn the direction of writing. */
const FORBIDDEN = /[/\\<>:"|?*\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu;
/** Devices on Windows, whatever follows after a dot. */
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\.|$)/i;

/**
 * Names for the songs' folders, one for each file, each a single part of a path on any system: the file's own name without
 * its ending. Alike names, in any letter case, are told apart by a number; a file whose name nobody has before it keeps it.
 */
export function folderNames(files: readonly string[]): string[] {
  const taken = new Set<string>();
  const take = (name: string) => {
    const isFree = !taken.has(keyOf(name));
    taken.add(keyOf(name));
    return isFree;
  };
  const names = files.map(nameOf);
  const own = names.map(take);
  return names.map((name, i) => {
    if (own[i]) return name;
    for (let n = 2; ; n++) if (take(`${name}-${n}`)) return `${name}-${n}`;
  });
}

function nameOf(file: string): string {
  const name = shorten(
    trim(basename(file, extname(file)).toWellFormed().normalize('NFC').replace(FORBIDDEN, '-')),
  );
  return RESERVED.test(name) ? `_${name}` : name || NAMELESS;
}

/** Without dots in front (`..`, hidden folders) and dots and spaces behind, which Windows drops. */
const trim = (name: string) => name.replace(/^[\s.]+/, '').replace(/[\s.]+$/, '');

function shorten(name: string): string {
  let short = '';
  for (const character of name) {
    if (Buffer.byteLength(short + character) > MAX_BYTES) break;
    short += character;
  }
  return trim(short);
}

/** Equal for names that are one to a file system that looks at neither case nor composition. */
const keyOf = (name: string) => name.normalize('NFC').toUpperCase().toLowerCase();
