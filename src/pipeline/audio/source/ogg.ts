import type { FileWindow } from './file-window.ts';

/** RFC 3533: a page's header before its lacing values. */
const HEADER_BYTES = 27;
const MAX_PAGE_BYTES = HEADER_BYTES + 255 + 255 * 255;
const FIRST_PAGE = 0x02;
const NO_GRANULE = 0xffff_ffff_ffff_ffffn;
const OPUS_RATE = 48_000;

/** One of the streams that an Ogg file chains, from its first byte to behind its last. */
export interface OggLink {
  readonly start: number;
  readonly end: number;
  /** Time in the link at which its sound ends, in seconds, as its last page says. */
  readonly endTime?: number;
}

export interface OggFile {
  readonly links: readonly OggLink[];
  /** Whether the file ends within a page, pages are missing, or bytes that are no page stand between two. */
  readonly isDamaged: boolean;
}

/** How a stream counts: `granules` a second, and how many of them come before the sound. */
interface Clock {
  readonly serial: number;
  readonly rate: number;
  readonly skipped: number;
}

/** Looks through the pages of an Ogg file. */
export async function readOgg(file: FileWindow): Promise<OggFile> {
  const links: OggLink[] = [];
  let isDamaged = false;
  let start = 0;
  let clock: Clock | undefined;
  let granule: bigint | undefined;
  let hasData = false;
  /** Number of the next page, by stream. */
  const numbers = new Map<number, number>();
  let at = 0;
  const finish = (end: number) => {
    const ticks = granule === undefined || !clock ? undefined : Number(granule) - clock.skipped;
    links.push({ start, end, endTime: ticks !== undefined && clock ? ticks / clock.rate : undefined });
  };
  while (at < file.size) {
    const page = await file.bytes(at, MAX_PAGE_BYTES);
    if (page.toString('latin1', 0, 4) !== 'OggS') {
      const next = await nextPage(file, at);
      // What follows the last page belongs to others: tags, padding.
      if (next === undefined) break;
      isDamaged = true;
      at = next;
      continue;
    }
    const body = HEADER_BYTES + (page[26] ?? 0);
    const length = page.subarray(HEADER_BYTES, body).reduce((sum, bytes) => sum + bytes, body);
    if (page.length < length) {
      isDamaged = true;
      break;
    }
    const serial = page.readUInt32LE(14);
    const number = page.readUInt32LE(18);
    const isFirst = (page[5] & FIRST_PAGE) !== 0;
    if (!isFirst && number > (numbers.get(serial) ?? number)) isDamaged = true;
    numbers.set(serial, number + 1);
    if (isFirst) {
      if (hasData) {
        finish(at);
        start = at;
        clock = granule = undefined;
        hasData = false;
      }
      clock ??= clockOf(serial, page.subarray(body, length));
    } else {
      hasData = true;
      const position = page.readBigUInt64LE(6);
      if (serial === clock?.serial && position !== NO_GRANULE) granule = position;
    }
    at += length;
  }
  finish(file.size);
  return { links, isDamaged };
}

async function nextPage(file: FileWindow, from: number): Promise<number | undefined> {
  for (let at = from; at < file.size; at += MAX_PAGE_BYTES - 3) {
    const found = (await file.bytes(at, MAX_PAGE_BYTES)).indexOf('OggS');
    if (found >= 0) return at + found;
  }
  return undefined;
}

/** From a stream's identification header; `undefined` for what is no sound. */
function clockOf(serial: number, header: Buffer): Clock | undefined {
  const magic = header.toString('latin1', 0, 8);
  let rate = 0;
  let skipped = 0;
  if (magic.startsWith('\x01vorbis') && header.length >= 16) rate = header.readUInt32LE(12);
  if (magic === 'OpusHead' && header.length >= 12) [rate, skipped] = [OPUS_RATE, header.readUInt16LE(10)];
  // Behind 13 bytes of its own and the block's header, STREAMINFO has the rate in 20 bits.
  if (magic.startsWith('\x7fFLAC') && header.length >= 30) rate = header.readUIntBE(27, 3) >> 4;
  if (magic === 'Speex   ' && header.length >= 40) rate = header.readUInt32LE(36);
  return rate > 0 ? { serial, rate, skipped } : undefined;
}
